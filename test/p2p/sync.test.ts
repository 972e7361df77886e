import { RLP } from '@ethereumjs/rlp'
import { afterEach, afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blockRef, encodeSealedBlock, type BlockRef, type SealedBlock, type Transport } from '@hawser/chain'
import { serveBlocks } from '@hawser/p2p'
import { readUintBE, type Hash32 } from '@hawser/primitives'
import type { TestChain } from '../kit/index.ts'
import { finalityOf, followerOf, joined, justify, left, reached, sourceChain, SyncWorld } from './sync-world.ts'

const BLOCKS = 300
let source: TestChain
let nodes: SyncWorld
const chains: TestChain[] = []
beforeAll(async () => {
  source = await sourceChain(BLOCKS, 5)
})
afterAll(() => source.dispose())
afterEach(async () => {
  await nodes.stop()
  for (const chain of chains.splice(0)) chain.dispose()
})

async function fresh(): Promise<TestChain> {
  const chain = await followerOf(source)
  chains.push(chain)
  return chain
}

/** An answer to blocks-by-range as the source has it, changed by a liar. */
function lie(change: (entries: [SealedBlock, Uint8Array][]) => [Uint8Array, Uint8Array][]) {
  return async (message: Uint8Array) => {
    const [from, count] = RLP.decode(message) as [Uint8Array, Uint8Array]
    const entries: [SealedBlock, Uint8Array][] = []
    for (let n = readUintBE(from); n < readUintBE(from) + readUintBE(count); n++) {
      const hash = source.store.canonicalHash(n)
      if (!hash) break
      entries.push([source.store.block(hash) as SealedBlock, source.store.justification(hash) ?? new Uint8Array()])
    }
    return RLP.encode(change(entries))
  }
}

const honest = (entries: [SealedBlock, Uint8Array][]): [Uint8Array, Uint8Array][] =>
  entries.map(([sealed, justification]) => [encodeSealedBlock(sealed), justification])

describe('SyncService', () => {
  it('comes into step by several peers, with the same head, state and final block', async () => {
    nodes = new SyncWorld()
    const served = new Set<string>()
    const addresses: string[] = []
    for (const name of ['a', 'b']) {
      const transport = await nodes.transport(name, source)
      transport.serve('blocks-by-range', (message) => {
        served.add(name)
        return lie(honest)(message)
      })
      addresses.push(...transport.addresses())
    }
    const chain = await fresh()
    const transport = await nodes.transport('new', chain, addresses)
    const done = reached(chain, BigInt(BLOCKS))
    nodes.sync(chain, transport)
    await done
    expect(chain.store.pointers().head).toEqual(source.store.pointers().head)
    expect(served).toEqual(new Set(['a', 'b']))
    // The last justification is imported right after the last block.
    await expect.poll(() => chain.store.pointers().finalized).toEqual(source.store.pointers().finalized)
  })

  it("fetches a branch that is nobody's best chain, down to where it left", async () => {
    nodes = new SyncWorld()
    const other = await fresh()
    const chain = await fresh()
    const follow = async (sealed: SealedBlock) => {
      chain.clock.moveTo(other.clock.nowMs())
      await chain.importer.import(sealed, 'gossip')
    }
    const { sealed: fork } = await other.mine()
    await follow(fork)
    // Three blocks that the other alone has, then four from the same fork on, later slots, that both have.
    let tip = fork
    for (let i = 0; i < 3; i++) tip = (await other.mine({ parent: tip })).sealed
    let best = fork
    for (let i = 0; i < 4; i++) {
      best = (await other.mine({ parent: best, skipSlots: i === 0 ? 10 : 0 })).sealed
      await follow(best)
    }
    expect(other.store.pointers().head).toEqual(chain.store.pointers().head)
    const server = await nodes.transport('a', other)
    nodes.sync(other, server)
    const transport = await nodes.transport('new', chain, server.addresses())
    await joined(transport, server.self)
    const lost = blockRef(tip.block).hash
    const here = new Promise<void>((resolve) =>
      chain.importer.listen({ onImported: ({ hash }) => hash === lost && resolve() }),
    )
    nodes.sync(chain, transport).want(lost)
    await here
    expect(chain.store.pointers().head.hash).toBe(blockRef(best.block).hash)
  })

  it('goes on where it stood when it was stopped', async () => {
    nodes = new SyncWorld()
    const server = await nodes.transport('a', source)
    nodes.sync(source, server)
    const chain = await fresh()
    const first = new SyncWorld()
    const half = reached(chain, 100n)
    first.sync(chain, await first.transport('new', chain, server.addresses()))
    await half
    await first.stop()
    const stood = chain.store.pointers().finalized.number
    expect(stood).toBeGreaterThan(0n)
    const asked: bigint[] = []
    const second = await nodes.transport('b', source)
    second.serve('blocks-by-range', (message) => {
      asked.push(readUintBE((RLP.decode(message) as [Uint8Array, Uint8Array])[0]))
      return lie(honest)(message)
    })
    const done = reached(chain, BigInt(BLOCKS))
    nodes.sync(chain, await nodes.transport('new again', chain, second.addresses()))
    await done
    expect(asked.every((from) => from > stood)).toBe(true)
  })

  const lies: [string, (entries: [SealedBlock, Uint8Array][]) => [Uint8Array, Uint8Array][]][] = [
    // A true proof of one block, said to prove another.
    [
      'proofs of other blocks',
      (entries) => {
        const proof = justify(source, { number: 5n, hash: source.store.canonicalHash(5n) as Hash32 })
        return entries.map(([sealed]) => [encodeSealedBlock(sealed), proof])
      },
    ],
    ['blocks out of order', (entries) => honest(entries).reverse()],
    ['other blocks than were asked for', (entries) => honest(entries).slice(1)],
    ['bytes that are no blocks', (entries) => entries.map(() => [Uint8Array.of(1, 2, 3), new Uint8Array()])],
    ['more blocks than were asked for', (entries) => [...honest(entries), ...honest(entries)]],
    [
      'seals of nobody',
      (entries) => honest(entries.map(([{ block }, proof]) => [{ block, seal: new Uint8Array(65).fill(1) }, proof])),
    ],
  ]
  it.each(lies)('parts with a peer that serves %s, and takes them from another', async (_, change) => {
    nodes = new SyncWorld()
    const liar = await nodes.transport('liar', source)
    liar.serve('blocks-by-range', lie(change))
    const chain = await fresh()
    const transport = await nodes.transport('new', chain, liar.addresses())
    const gone = left(transport, liar.self)
    nodes.sync(chain, transport)
    await gone
    expect(chain.store.pointers().finalized.number).toBe(0n)
    const good = await nodes.transport('good', source)
    nodes.sync(source, good)
    const done = reached(chain, BigInt(BLOCKS))
    await transport.dial(good.addresses()[0] as string)
    await done
  })

  it('parts with a peer whose chain leaves ours below the checkpoint in custody, however well signed, and follows another', async () => {
    const at = (number: bigint) => source.store.canonicalHash(number) as Hash32
    const other = await fresh()
    for (let number = 1n; number <= 8n; number++)
      await other.importer.import(source.store.block(at(number)) as SealedBlock, 'sync')
    await other.importer.finalize({ number: 5n, hash: at(5n) }, source.store.justification(at(5n)) as Uint8Array)
    for (let i = 0; i < 8; i++) await other.mine({ skipSlots: i === 0 ? 1 : 0 })
    const { head } = other.store.pointers()
    await other.importer.finalize(head, justify(other, head))
    nodes = new SyncWorld()
    const liar = await nodes.transport('liar', other)
    nodes.sync(other, liar)

    const chain = await fresh()
    chain.checkpoint = { number: 10n, hash: at(10n) }
    const transport = await nodes.transport('new', chain, liar.addresses())
    const gone = left(transport, liar.self)
    nodes.sync(chain, transport)
    await gone
    expect(chain.store.pointers().finalized.number).toBeLessThan(10n)
    expect(chain.store.block(other.store.canonicalHash(10n) as Hash32)).toBeUndefined()
    const good = await nodes.transport('good', source)
    nodes.sync(source, good)
    const done = reached(chain, BigInt(BLOCKS))
    await transport.dial(good.addresses()[0] as string)
    await done
    expect(chain.store.canonicalHash(10n)).toBe(at(10n))
  })

  /** A node that has had block 2 made final; a peer of it has blocks 2 and 3 of another branch too, which lost. */
  async function besideFinal(isFinal: boolean) {
    const server = await sourceChain(1, 1)
    chains.push(server)
    const base = server.head()
    const lost2 = await server.mine({ parent: base })
    const lost3 = await server.mine({ parent: lost2.sealed })
    const kept = await server.mine({ parent: base, skipSlots: 4 })
    const finalize = async (chain: TestChain) =>
      chain.importer.finalize(blockRef(kept.block), justify(chain, blockRef(kept.block)))
    await finalize(server)
    expect(server.store.block(blockRef(lost3.block).hash)).toBeUndefined()

    const client = await followerOf(server)
    chains.push(client)
    for (const sealed of [base, kept.sealed]) await client.importer.import(sealed, 'sync')
    if (isFinal) await finalize(client)
    nodes = new SyncWorld()
    const a = await nodes.transport('a', server)
    // Ranges would bring the final block too, at a time of their own.
    const serve: Transport['serve'] = (protocol, handler) =>
      protocol === 'blocks-by-hash' ? a.serve(protocol, handler) : () => undefined
    serveBlocks({ serve }, server.store)
    const transport = await nodes.transport('b', client, a.addresses())
    await joined(transport, a.self)
    /** Wants the last block of the branch; resolves to what is told of it once that block is among it. */
    const fetched = () =>
      new Promise<BlockRef[]>((resolve) => {
        const told: BlockRef[] = []
        const onBlockBeside = ({ number, hash }: BlockRef) => {
          told.push({ number, hash })
          if (hash === blockRef(lost3.block).hash) resolve(told)
        }
        const sync = nodes.sync({ ...client, finality: finalityOf(client), onBlockBeside }, transport)
        sync.want(blockRef(lost3.block).hash)
      })
    return { client, transport, finalize, fetched, branch: [blockRef(lost2.block), blockRef(lost3.block)] }
  }

  it('learns of a branch that finality has cut off, from a peer that had it, parents first', async () => {
    const { fetched, branch } = await besideFinal(true)
    expect(await fetched()).toEqual(branch)
  })

  it.each([1, 2])('blames nobody when finality goes another way at block %i of a fetched branch', async (nth) => {
    const { client, transport, finalize, fetched, branch } = await besideFinal(false)
    const { importer } = client
    const importBlock = importer.import.bind(importer)
    importer.import = async (sealed, source) => {
      if (blockRef(sealed.block).hash === branch[nth - 1]?.hash) await finalize(client)
      return importBlock(sealed, source)
    }
    const costs: string[] = []
    transport.report = (_, delta, reason) => void (delta < 0 && costs.push(reason))
    expect(await fetched()).toEqual(branch)
    expect(costs).toEqual([])
  })
})
