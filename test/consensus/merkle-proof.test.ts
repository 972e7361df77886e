import { RLP } from '@ethereumjs/rlp'
import { readMerkleProof } from '@hawser/consensus/verify'
import { systemContracts } from '@hawser/contracts'
import { fromHex, readUintBE, uintBE, type Address } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testAddress, TestChain } from '../kit/index.ts'

const accounts = Array.from({ length: 200 }, (_, i) => testAddress(`proven ${i}`))
let chain: TestChain
beforeAll(async () => {
  chain = await TestChain.create(accounts.map((address, i) => ({ address, balance: BigInt(i + 1) })))
})
afterAll(() => chain.dispose())

const empty = fromHex('0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421')

describe('a Merkle proof', () => {
  it('gives what the state holds of accounts that are there, and nothing of those that are not', () => {
    const { header } = chain.head().block
    const state = chain.engine.stateAt(header)
    for (const [i, address] of [...accounts, ...accounts.map((_, n) => testAddress(`absent ${n}`))].entries()) {
      const { accountProof } = state.prove(address, [])
      const proven = readMerkleProof(header.stateRoot, fromHex(address), accountProof)
      if (!proven.ok) throw new Error(`${address}: ${proven.error}`)
      const balance = proven.value && readUintBE((RLP.decode(proven.value) as Uint8Array[])[1] as Uint8Array)
      expect(balance).toBe(i < accounts.length ? BigInt(i + 1) : undefined)
      // Each node counts: without one, or with one bit of one changed, nothing is proven.
      for (const at of accountProof.keys()) {
        const without = accountProof.filter((_, n) => n !== at)
        expect(readMerkleProof(header.stateRoot, fromHex(address), without).ok).toBe(false)
        const changed = accountProof.map((node, n) =>
          n === at ? node.map((byte, b) => (b === 7 ? byte ^ 1 : byte)) : node,
        )
        expect(readMerkleProof(header.stateRoot, fromHex(address), changed)).toMatchObject({ error: 'wrong-node' })
      }
    }
  })

  it('gives the words of a contract’s storage', () => {
    const { header } = chain.head().block
    const state = chain.engine.stateAt(header)
    const validators = systemContracts.validators as Address
    const keys = Array.from({ length: 12 }, (_, slot) => uintBE(slot, 32))
    const { storage, account } = state.prove(validators, keys)
    for (const [slot, key] of keys.entries()) {
      const proven = readMerkleProof(fromHex(account!.storageRoot), key, storage[slot]!.proof)
      if (!proven.ok) throw new Error(`slot ${slot}: ${proven.error}`)
      const word = proven.value ? (RLP.decode(proven.value) as Uint8Array) : new Uint8Array()
      expect(readUintBE(word)).toBe(readUintBE(state.storage(validators, key)))
    }
  })

  it('of an empty trie has no nodes, and none has more than a path can have', () => {
    expect(readMerkleProof(empty, uintBE(1, 32), [])).toEqual({ ok: true, value: undefined })
    expect(readMerkleProof(empty, uintBE(1, 32), [Uint8Array.of(0x80)])).toMatchObject({ error: 'nodes-left-over' })
    const many = Array.from({ length: 66 }, () => Uint8Array.of(0x80))
    expect(readMerkleProof(empty, uintBE(1, 32), many)).toMatchObject({ error: 'path-too-long' })
  })
})
