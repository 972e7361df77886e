import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  blockRef,
  encodeSealedBlock,
  decodeSealedBlock,
  StoredChain,
  transactionHash,
  type HeadChange,
} from '@hawser/chain'
import { buildGenesis, genesisAccounts } from '@hawser/genesis'
import { toHex, type Hash32 } from '@hawser/primitives'
import { testAddress, TestChain, testKey, TEST_SPEC } from '../kit/index.ts'

const alice = { address: testAddress('alice'), balance: 10n ** 18n }
let chain: TestChain
beforeEach(async () => {
  chain = await TestChain.create([alice])
})
afterEach(() => chain.dispose())

const transfer = (nonce: bigint) =>
  createFeeMarket1559Tx(
    { nonce, gasLimit: 21_000n, to: testAddress('bob'), value: 1n, maxFeePerGas: 10_000_000n, chainId: 18443n },
    { common: chain.common },
  ).sign(testKey('alice'))

describe('BlockImporter', () => {
  it('moves the indexes with the head when a longer fork comes', async () => {
    const changes: HeadChange[] = []
    chain.importer.listen({ onHead: (change) => changes.push(change) })
    const genesis = chain.head()
    const tx = transfer(0n)
    const a1 = await chain.mine({ transactions: [tx] })
    expect(chain.store.transactionLocation(transactionHash(tx))?.blockHash).toBe(blockRef(a1.block).hash)
    const b1 = await chain.mine({ parent: genesis, skipSlots: 1 })
    expect(chain.store.pointers().head.hash).toBe(blockRef(a1.block).hash)
    const b2 = await chain.mine({ parent: b1.sealed })
    expect(chain.store.pointers().head.hash).toBe(blockRef(b2.block).hash)
    expect(chain.store.canonicalHash(1n)).toBe(blockRef(b1.block).hash)
    expect(chain.store.transactionLocation(transactionHash(tx))).toBeUndefined()
    expect(changes.at(-1)?.removed.map((ref) => ref.hash)).toEqual([blockRef(a1.block).hash])
  })

  it('takes a block half a slot after the end of its slot as late: it does not undo its equal of a later slot', async () => {
    const [withheld, punctual] = [await chain.build(), await chain.build({ skipSlots: 1 })]
    const head = () => chain.store.pointers().head.hash
    const slotEnd = Number(withheld.block.header.timestamp + 1n) * 1000
    chain.clock.moveTo(slotEnd + 501)
    await chain.importer.import(punctual.sealed, 'gossip')
    await chain.importer.import(withheld.sealed, 'gossip')
    expect(head()).toBe(blockRef(punctual.block).hash)
    // At half a slot after its end exactly, it would still have been in time.
    const other = await TestChain.create([alice])
    other.clock.moveTo(slotEnd + 500)
    await other.importer.import(punctual.sealed, 'gossip')
    await other.importer.import(withheld.sealed, 'gossip')
    expect(other.store.pointers().head.hash).toBe(blockRef(withheld.block).hash)
    other.dispose()
  })

  it('forgets the proofs that it is told to, and nothing else', async () => {
    const [a1, a2] = [await chain.mine(), await chain.mine()]
    await chain.importer.finalize(blockRef(a1.block), Uint8Array.of(1))
    await chain.importer.finalize(blockRef(a2.block), Uint8Array.of(2))
    await chain.store.dropJustifications([blockRef(a1.block).hash])
    expect(chain.store.justification(blockRef(a1.block).hash)).toBeUndefined()
    expect(chain.store.justification(blockRef(a2.block).hash)).toEqual(Uint8Array.of(2))
    expect(chain.store.pointers().finalized).toEqual(blockRef(a2.block))
  })

  it('makes a block final for good: what lies beside it goes, and cannot come back', async () => {
    const genesis = chain.head()
    const a1 = await chain.mine()
    const b1 = await chain.mine({ parent: genesis, skipSlots: 1 })
    const b2 = await chain.build({ parent: b1.sealed, skipSlots: 2 })
    await chain.importer.finalize(blockRef(a1.block), Uint8Array.of(1))
    expect(chain.store.pointers().finalized.hash).toBe(blockRef(a1.block).hash)
    expect(chain.store.justification(blockRef(a1.block).hash)).toEqual(Uint8Array.of(1))
    expect(chain.store.block(blockRef(b1.block).hash)).toBeUndefined()
    await expect(chain.importer.import(b1.sealed, 'gossip')).rejects.toMatchObject({ code: 'BLOCK_BESIDE_FINAL' })
    await expect(chain.importer.import(b2.sealed, 'gossip')).rejects.toMatchObject({ code: 'BLOCK_UNKNOWN_PARENT' })
  })

  describe('with a checkpoint in custody', () => {
    const code = 'BLOCK_BESIDE_CHECKPOINT'
    const standing = () => ({ ...chain.store.pointers(), blocks: chain.tree.size })

    it('refuses another block of its number, wherever from, and changes nothing', async () => {
      const a1 = await chain.mine()
      const [a2, b2] = [
        await chain.build({ parent: a1.sealed }),
        await chain.build({ parent: a1.sealed, skipSlots: 1 }),
      ]
      const b3 = await chain.build({ parent: a1.sealed, skipSlots: 2 })
      chain.checkpoint = blockRef(a2.block)
      const before = standing()
      for (const origin of ['gossip', 'sync', 'own'] as const)
        await expect(chain.importer.import(b2.sealed, origin)).rejects.toMatchObject({ code, info: { fault: 'peer' } })
      await expect(chain.importer.import(b3.sealed, 'sync')).rejects.toThrow(blockRef(a2.block).hash)
      expect(standing()).toEqual(before)
      expect(chain.store.block(blockRef(b2.block).hash)).toBeUndefined()
      await chain.importer.import(a2.sealed, 'sync')
      await chain.mine({ parent: a2.sealed, skipSlots: 3 })
      expect(chain.store.pointers().head.number).toBe(3n)
    })

    it('refuses what stands on one that came before the checkpoint was known, and its becoming final', async () => {
      const a1 = await chain.mine()
      const b2 = await chain.mine({ parent: a1.sealed })
      const b3 = await chain.mine({ parent: b2.sealed })
      const b4 = await chain.build({ parent: b3.sealed })
      const a2 = await chain.build({ parent: a1.sealed, skipSlots: 3 })
      chain.checkpoint = blockRef(a2.block)
      const before = standing()
      await expect(chain.importer.import(b4.sealed, 'sync')).rejects.toMatchObject({ code })
      for (const { block } of [b2, b3])
        await expect(chain.importer.finalize(blockRef(block), Uint8Array.of(1))).rejects.toMatchObject({ code })
      expect(standing()).toEqual(before)
      await chain.importer.finalize(blockRef(a1.block), Uint8Array.of(1))
      await chain.importer.import(a2.sealed, 'sync')
      await chain.importer.finalize(blockRef(a2.block), Uint8Array.of(1))
      expect(chain.store.pointers().finalized).toEqual(blockRef(a2.block))
      // What is final was held against it already: what lies beside that is told as before.
      await expect(chain.importer.import(b2.sealed, 'sync')).rejects.toMatchObject({ code: 'BLOCK_BESIDE_FINAL' })
    })

    it('says of a block without a parent that the parent is missing', async () => {
      const a1 = await chain.mine()
      const a2 = await chain.build({ parent: a1.sealed })
      const other = await TestChain.create([alice])
      other.clock.moveTo(chain.clock.nowMs())
      for (const { sealed } of [a1, a2]) await other.importer.import(sealed, 'sync')
      const a3 = await other.build()
      other.dispose()
      chain.checkpoint = blockRef(a2.block)
      await expect(chain.importer.import(a3.sealed, 'gossip')).rejects.toMatchObject({ code: 'BLOCK_UNKNOWN_PARENT' })
    })
  })

  it('goes back to a shorter chain when that one becomes final', async () => {
    const genesis = chain.head()
    const a1 = await chain.mine()
    await chain.mine()
    const b1 = await chain.mine({ parent: genesis, skipSlots: 3 })
    expect(chain.store.pointers().head.number).toBe(2n)
    await chain.importer.finalize(blockRef(b1.block), Uint8Array.of(1))
    expect(chain.store.pointers().head.hash).toBe(blockRef(b1.block).hash)
    expect(chain.store.canonicalHash(1n)).toBe(blockRef(b1.block).hash)
    expect(chain.store.canonicalHash(2n)).toBeUndefined()
    expect(chain.store.block(blockRef(a1.block).hash)).toBeUndefined()
  })

  it('takes a block twice without doing anything twice', async () => {
    const { sealed } = await chain.mine({ transactions: [transfer(0n)] })
    expect(await chain.importer.import(sealed, 'gossip')).toBe('known')
  })

  it('leaves a chain that comes back from its database as it was', async () => {
    const tx = transfer(0n)
    const a1 = await chain.mine({ transactions: [tx] })
    const a2 = await chain.mine()
    await chain.importer.finalize(blockRef(a1.block), Uint8Array.of(7))
    const genesis = await buildGenesis(TEST_SPEC, chain.common, [...genesisAccounts(TEST_SPEC), alice])
    const again = await StoredChain.open(chain.db, chain.common, genesis)
    expect(again.pointers()).toEqual({ head: blockRef(a2.block), finalized: blockRef(a1.block) })
    expect(again.unfinalized()).toEqual([blockRef(a2.block)])
    expect(again.transactionLocation(transactionHash(tx))?.blockHash).toBe(blockRef(a1.block).hash)
    expect(again.receipts(blockRef(a1.block).hash)).toEqual(chain.store.receipts(blockRef(a1.block).hash))
    expect(toHex(encodeSealedBlock(again.block(blockRef(a2.block).hash) ?? a1.sealed))).toBe(
      toHex(encodeSealedBlock(a2.sealed)),
    )
  })
})

describe('decodeSealedBlock', () => {
  it('gives back what was encoded, and refuses what is no block', async () => {
    const { sealed } = await chain.build({ transactions: [transfer(0n)] })
    const decoded = decodeSealedBlock(encodeSealedBlock(sealed), chain.common)
    expect(blockRef(decoded.block).hash).toBe(blockRef(sealed.block).hash as Hash32)
    expect(decoded.block.transactions).toHaveLength(1)
    for (const bytes of [
      new Uint8Array(),
      Uint8Array.of(0xc0),
      Uint8Array.of(0xc2, 0xc0, 0xc0),
      new Uint8Array(9 * 1024 * 1024),
    ])
      expect(() => decodeSealedBlock(bytes, chain.common)).toThrow('malformed block')
  })
})
