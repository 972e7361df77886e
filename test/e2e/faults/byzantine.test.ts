import { systemContracts, validatorsAbi } from '@hawser/contracts'
import type { Hex } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../kit/devnet.ts'
import { FaultNet, LONG, type FaultNode } from '../../kit/fault-net.ts'
import { Seeded } from '../../kit/seeded.ts'
import { readerOf } from '../support/clients.ts'

const EPOCH = 10

describe.each(LONG ? [4, 7] : [4])('%i validators, one of them Byzantine', { timeout: 600_000 }, (validators) => {
  const random = Seeded.fromEnv(`${validators} validators, one Byzantine`)
  const liar = validators - 1
  /** Every peer id that it went by. */
  const guilty: string[] = []
  let net: FaultNet
  beforeAll(async () => {
    net = await FaultNet.start({ validators, epochBlocks: EPOCH })
  })
  afterAll(() => net?.stop())

  /** Puts a Byzantine node in the place of the last validator, under a peer id that nobody has banned yet. */
  const turn = async (name: 'equivocate' | 'withhold' | 'lie-in-sync' | 'spam') => {
    await net.kill(liar)
    const id = net.renewIdentity(liar, `${name} ${random.seed}`)
    guilty.push(id)
    await net.begin(liar, { fault: { name, amount: random.seed } })
    return id
  }
  const goOn = async (blocks: number, what: string) => {
    for (let block = 0; block < blocks; block++) await net.finality(what)
    await net.checkChains()
    // Nobody is spared a fault because the faulty one ended.
    expect(net.node(liar).running).toBe(true)
  }
  const bans = (node: FaultNode, peer: string) => bannedBy(node).includes(peer)

  it('go on while it withholds its blocks and its votes', async () => {
    await turn('withhold')
    await goOn(LONG ? 20 : 4, 'one withholds blocks and votes')
    expect(net.honest.flatMap(bannedBy)).toEqual([])
  })

  it('bring back a node with an empty disk while it lies in sync, and the liar is banned there', async () => {
    const id = await turn('lie-in-sync')
    await goOn(2, 'one lies in sync')
    // At first the victim reaches nobody but the liar.
    const [victim, others] = [net.node(0), net.nodes.map(({ index }) => index).filter((i) => i !== 0 && i !== liar)]
    await net.kill(0)
    net.wipe(0, { keepGuard: true })
    net.partition([[0, liar], others], 'cut')
    await net.begin(0)
    await eventually('the ban of the liar', () => bans(victim, id), { limitMs: 60_000 })
    expect((await net.watch.ask(victim)).number).toBe(0)
    net.heal()
    // With the liar away, the victim is one of as many as are needed.
    await net.liveness('an empty disk, with a liar alone for company')
    await goOn(2, 'one lies in sync')
  })

  it('go on while it floods them, and ban it', async () => {
    const id = await turn('spam')
    await eventually('a ban by everybody', () => net.honest.every((node) => bans(node, id)), { limitMs: 20_000 })
    await goOn(4, 'one floods the others')
    expect(net.honest.flatMap(bannedBy).filter((banned) => !guilty.includes(banned))).toEqual([])
  })

  it('go on while it signs two blocks and two votes each time; it is reported and out of the set after the epoch', async () => {
    await turn('equivocate')
    const session = net.node(liar).session
    const read = readerOf(net.node(0).rpcUrl)
    const contract = { address: systemContracts.validators as Hex, abi: validatorsAbi, blockTag: 'finalized' } as const
    const offences = await eventually(
      'a report in a final block',
      async () => {
        net.check()
        const count = await read.readContract({ ...contract, functionName: 'offences', args: [session] })
        return count > 0n && count
      },
      { limitMs: 60_000 },
    )
    expect(offences).toBeGreaterThan(0n)
    await eventually(
      'a set without it',
      async () => {
        net.check()
        const set = await read.readContract({ ...contract, functionName: 'getValidators' })
        return set.length === validators - 1 && set.every((one) => one.session.toLowerCase() !== session)
      },
      { limitMs: 60_000 },
    )
    await goOn(EPOCH / 2, 'the equivocator is out')
  })
})

/** The peers that a node's log says it has banned. */
function bannedBy(node: FaultNode): string[] {
  return node
    .log()
    .split('\n')
    .filter((line) => line.includes('a peer is banned'))
    .map((line) => (JSON.parse(line) as { readonly peer: string }).peer)
}
