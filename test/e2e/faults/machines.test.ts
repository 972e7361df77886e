import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../kit/devnet.ts'
import { FaultNet, LONG, SLOT_MS, type FaultNode } from '../../kit/fault-net.ts'

describe.each(LONG ? [4, 7] : [4])(
  '%i validators on machines that are not as they should be',
  { timeout: 900_000 },
  (validators) => {
    const all = Array.from({ length: validators }, (_, index) => index)
    const tolerated = Math.floor((validators - 1) / 3)
    let net: FaultNet
    beforeAll(async () => {
      net = await FaultNet.start({ validators })
    })
    afterAll(() => net?.stop())

    /** So many further blocks final, one after the other, on the nodes given. */
    const goOn = async (blocks: number, what: string, by: readonly FaultNode[] = net.honest) => {
      for (let block = 0; block < blocks; block++) await net.finality(what, { by })
    }

    /** Waits until the best block of every node is so many higher. */
    const blocksOfEach = async (blocks: number) => {
      const before = await headsOf(net)
      await eventually(
        `${blocks} blocks on both sides`,
        async () => (await headsOf(net)).every((head, index) => head >= (before[index] as number) + blocks),
        { limitMs: 120_000 },
      )
    }

    for (const mode of LONG ? (['cut', 'hold'] as const) : (['cut'] as const))
      it(`make nothing final in halves, and go on together when the network is whole again (${mode})`, async () => {
        const half = Math.ceil(validators / 2)
        net.partition([all.slice(0, half), all.slice(half)], mode)
        // Each half makes blocks of its own. What was voted for before may still become final.
        await blocksOfEach(2)
        const before = net.watch.highest
        await blocksOfEach(LONG ? 20 : 3)
        expect(net.watch.highest).toBe(before)
        net.heal()
        await net.liveness(`halves were ${mode}`)
        await net.checkHonestRun()
      })

    it('go on without those that are cut off, which follow when they are back', async () => {
      const gone = all.slice(validators - tolerated)
      net.partition([all.slice(0, validators - tolerated), gone], 'cut')
      await goOn(
        LONG ? 15 : 4,
        'a minority was cut off',
        net.nodes.filter(({ index }) => !gone.includes(index)),
      )
      net.heal()
      await net.liveness('a minority was cut off')
      await net.checkHonestRun()
    })

    const machines = [
      ['whose clock is a slot ahead', { name: 'skewed-clock', amount: SLOT_MS }],
      ['whose disk takes 300 ms for each fsync', { name: 'slow-disk', amount: 300 }],
      ['whose clock is a slot behind', { name: 'skewed-clock', amount: -SLOT_MS }],
    ] as const
    it.each(LONG ? machines : machines.slice(0, 2))(
      'go on with one %s, and need it once others are gone',
      async (what, fault) => {
        const index = 1
        await net.kill(index)
        await net.begin(index, { fault })
        await goOn(LONG ? 10 : 2, `one ${what}`)
        const gone = all.slice(validators - tolerated)
        await net.kill(...gone)
        await goOn(
          LONG ? 5 : 2,
          `one ${what}, which is needed`,
          net.nodes.filter(({ running }) => running),
        )
        await Promise.all(gone.map((one) => net.begin(one)))
        await net.kill(index)
        await net.begin(index)
        await net.liveness('all is well')
        await net.checkHonestRun()
      },
    )
  },
)

async function headsOf(net: FaultNet): Promise<number[]> {
  return Promise.all(net.nodes.map((node) => node.metric('hawser_head_number')))
}
