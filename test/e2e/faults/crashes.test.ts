import { delay } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FaultNet, LONG } from '../../kit/fault-net.ts'
import { Seeded } from '../../kit/seeded.ts'

const KILLS = LONG ? 100 : 8
/** A kill comes at any point of a slot, and of the time that a node takes to start. */
const MAX_WAIT_MS = 1_500

describe.each(LONG ? [4, 7] : [4])('%i validators that crash', { timeout: 900_000 }, (validators) => {
  const random = Seeded.fromEnv(`${validators} validators that crash`)
  const tolerated = Math.floor((validators - 1) / 3)
  const all = Array.from({ length: validators }, (_, index) => index)
  let net: FaultNet
  beforeAll(async () => {
    net = await FaultNet.start({ validators })
  })
  afterAll(() => net?.stop())

  it(`keep what is final, and go on, over ${KILLS} times kill -9`, async () => {
    for (let kill = 1; kill <= KILLS; kill++) {
      const killed = random.below(validators)
      await delay(random.below(MAX_WAIT_MS))
      await net.kill(killed)
      await net.begin(killed)
      net.check()
      if (kill % 10 === 0 || kill === KILLS) await net.liveness(`kill ${kill}, of validator ${killed}`)
    }
    await net.checkHonestRun()
  })

  it('go on when more than a third were killed at once and came back', async () => {
    const killed = random.some(all, tolerated + 1)
    await net.kill(...killed)
    const others = net.nodes.filter(({ index }) => !killed.includes(index))
    await Promise.all(killed.map((index) => net.begin(index)))
    await net.liveness(`validators ${killed.join(' and ')} at once`)
    expect(others.every(({ running }) => running)).toBe(true)
  })

  it('go on when all of them are killed at once', async () => {
    const before = net.watch.highest
    await net.kill(...all)
    await Promise.all(all.map((index) => net.begin(index)))
    await net.liveness('all at once')
    expect(net.watch.highest).toBeGreaterThan(before)
  })

  const disks = [
    ['a fresh guard', false],
    ['its guard kept', true],
  ] as const
  it.each(LONG ? disks : disks.slice(0, 1))('take one back whose disk is empty, %s', async (_, keepGuard) => {
    const index = random.below(validators)
    await net.kill(index)
    net.wipe(index, { keepGuard })
    await net.begin(index, { listens: true })
    await net.liveness(`validator ${index} came back with an empty disk`)
    // It votes again: others cannot make anything final without it once as many as are tolerated are gone.
    const gone = random.some(
      all.filter((other) => other !== index),
      tolerated,
    )
    await net.kill(...gone)
    await net.finality(`only the one with the empty disk makes a quorum`, {
      by: net.nodes.filter((node) => node.running),
    })
    await Promise.all(gone.map((one) => net.begin(one)))
    await net.liveness('the others came back')
    await net.checkHonestRun()
  })

  it('go on when one has been stopped for a while and continues', async () => {
    const index = random.below(validators)
    net.pause(index)
    const others = net.nodes.filter((node) => node.index !== index)
    for (let blocks = 0; blocks < (LONG ? 15 : 4); blocks++)
      await net.finality('without the paused one', { by: others })
    net.resume(index)
    await net.liveness(`validator ${index} continued`)
    await net.checkHonestRun()
  })
})
