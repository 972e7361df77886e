import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { RLP } from '@ethereumjs/rlp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { blockRef, type SealedBlock } from '@hawser/chain'
import { SYSTEM_ADDRESS, systemContracts } from '@hawser/contracts'
import { HawserEngine, hashInState, type History } from '@hawser/execution'
import {
  equalBytes,
  fromHex,
  keccak256,
  silentLogger,
  toHex,
  uintBE,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import { testAddress, TestChain, testKey } from '../kit/index.ts'

const alice = testAddress('alice')
const bob = testAddress('bob')
let chain: TestChain
beforeEach(async () => {
  chain = await TestChain.create([{ address: alice, balance: 10n ** 18n }])
})
afterEach(() => chain.dispose())

const transfer = (nonce: bigint, value: bigint) =>
  createFeeMarket1559Tx(
    { nonce, gasLimit: 21_000n, to: bob, value, maxFeePerGas: 10_000_000n, chainId: 18443n },
    { common: chain.common },
  ).sign(testKey('alice'))

/** Another engine on the same database, as after a restart. */
const engineAnew = (history?: History) =>
  new HawserEngine({
    spec: chain.spec,
    common: chain.common,
    clock: chain.clock,
    logger: silentLogger,
    store: chain.db,
    history,
    headerOf: (hash) => chain.store.block(hash)?.block.header,
    author: (slot, parent) =>
      chain.consensus.author(slot, { number: parent.number, hash: toHex(parent.hash()) as Hash32 }),
    sessionKeys: (parent) => chain.sets.after(toHex(parent.hash()) as Hash32).sessions,
  })
const balanceOf = (engine: HawserEngine, at: SealedBlock) => engine.stateAt(at.block.header).account(bob)?.balance ?? 0n

describe('the state of blocks', () => {
  it('is there for each of two forks, and still after a restart, without executing anything', async () => {
    const genesis = chain.head()
    const a1 = await chain.mine({ transactions: [transfer(0n, 1n)] })
    const b1 = await chain.mine({ parent: genesis, skipSlots: 1, transactions: [transfer(0n, 20n)] })
    const b2 = await chain.mine({ parent: b1.sealed, transactions: [transfer(1n, 300n)] })
    for (const engine of [chain.engine, engineAnew()]) {
      expect(balanceOf(engine, genesis)).toBe(0n)
      expect(balanceOf(engine, a1.sealed)).toBe(1n)
      expect(balanceOf(engine, b1.sealed)).toBe(20n)
      expect(balanceOf(engine, b2.sealed)).toBe(320n)
    }
    const b3 = await chain.build({ parent: b2.sealed, transactions: [transfer(2n, 4000n)] })
    const executed = await engineAnew().execute(b2.block.header, b3.block)
    expect(executed.stateRoot).toBe(toHex(b3.block.header.stateRoot))
  })

  it('needs no second execution when the head moves to another fork, or back', async () => {
    const execute = vi.spyOn(chain.engine, 'execute')
    const genesis = chain.head()
    const a1 = await chain.mine({ transactions: [transfer(0n, 1n)] })
    const b1 = await chain.mine({ parent: genesis, skipSlots: 1 })
    const b2 = await chain.mine({ parent: b1.sealed })
    expect(chain.head()).toEqual(b2.sealed)
    await chain.importer.finalize(blockRef(a1.block), Uint8Array.of(1))
    expect(chain.head().block.hash()).toEqual(a1.block.hash())
    expect(balanceOf(chain.engine, a1.sealed)).toBe(1n)
    expect(execute).toHaveBeenCalledTimes(3)
    expect(() => chain.engine.stateAt(b2.block.header)).toThrow('is not here')
  })

  it('is kept for all blocks by an archive; whoever comes with a shorter history prunes, and says so', async () => {
    const blocks = [chain.head()]
    for (let i = 0; i < 4; i++) {
      blocks.push((await chain.mine({ transactions: [transfer(BigInt(i), 1n)] })).sealed)
      await chain.importer.finalize(blockRef((blocks.at(-1) as SealedBlock).block), Uint8Array.of(1))
    }
    for (const [i, block] of blocks.entries()) expect(balanceOf(engineAnew(), block)).toBe(BigInt(i))

    const pruning = engineAnew(2)
    const last = await chain.mine({ transactions: [transfer(4n, 1n)] })
    const change = pruning.finalize([blockRef(last.block)], [])
    await chain.db.write(change.writes)
    change.apply()
    expect(balanceOf(pruning, last.sealed)).toBe(5n)
    expect(balanceOf(pruning, blocks[4] as SealedBlock)).toBe(4n)
    for (const old of blocks.slice(0, 4))
      expect(() => pruning.stateAt(old.block.header)).toThrow('is pruned; this node has states from block 4 on')
    // What is gone does not come back with an archive.
    expect(engineAnew().oldestState()).toBe(4n)
  })

  it('holds the hashes of the blocks before it', async () => {
    const genesis = chain.head()
    const [a1, a2] = [await chain.mine(), await chain.mine()]
    const a3 = await chain.mine()
    const state = chain.engine.stateAt(a3.block.header)
    for (const { block } of [genesis, a1, a2])
      expect(hashInState(state, 3n, block.header.number)).toBe(blockRef(block).hash)
    expect(hashInState(state, 3n, 3n)).toBeUndefined()
  })

  it('proves accounts and slots, there or not, under the state root', async () => {
    const { block } = await chain.mine({ transactions: [transfer(0n, 7n)] })
    const view = chain.engine.stateAt(block.header)
    const slots = [0, 1, 2, 99].map((n) => uintBE(n, 32))
    for (const address of [bob, systemContracts.validators as Address, SYSTEM_ADDRESS as Address]) {
      const { account, accountProof, storage } = view.prove(address, slots)
      const leaf = follow(accountProof, block.header.stateRoot, keccak256(fromHex(address)))
      expect(leaf && RLP.decode(leaf)).toEqual(
        account && [account.nonce, account.balance, account.storageRoot, account.codeHash].map(asRlpItem),
      )
      for (const [i, { word, proof }] of storage.entries()) {
        const slot = slots[i] as Uint8Array
        expect(
          equalBytes(view.storage(address, slot), uintBE(BigInt(`0x0${Buffer.from(word).toString('hex')}`), 32)),
        ).toBe(true)
        const found =
          account && proof.length > 0 ? follow(proof, fromHex(account.storageRoot), keccak256(slot)) : undefined
        expect(found ? RLP.decode(found) : new Uint8Array()).toEqual(word)
      }
    }
    expect(view.prove(SYSTEM_ADDRESS as Address, []).account).toBeUndefined()
    expect(view.prove(systemContracts.validators as Address, slots).storage.some(({ word }) => word.length > 0)).toBe(
      true,
    )
  })
})

function asRlpItem(value: bigint | string): Uint8Array {
  return typeof value === 'string' ? fromHex(value) : (RLP.decode(RLP.encode(value)) as Uint8Array)
}

/** Follows a proof by hand: the value at a key, or undefined where the proof ends without it. */
function follow(proof: readonly Uint8Array[], root: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const nibbles = [...key].flatMap((byte) => [byte >> 4, byte & 15])
  let expected: unknown = root
  let at = 0
  for (let next = 0; ;) {
    let node: unknown = expected
    if (expected instanceof Uint8Array) {
      if (expected.length === 0) return undefined
      const bytes = proof[next++] as Uint8Array
      expect(toHex(keccak256(bytes))).toBe(toHex(expected))
      node = RLP.decode(bytes)
    }
    const items = node as (Uint8Array | Uint8Array[])[]
    if (items.length === 17) {
      expected = items[nibbles[at++] as number]
      continue
    }
    const path = [...(items[0] as Uint8Array)].flatMap((byte) => [byte >> 4, byte & 15])
    const flag = path[0] as number
    const rest = path.slice(flag & 1 ? 1 : 2)
    if (rest.some((nibble, i) => nibble !== nibbles[at + i])) return undefined
    at += rest.length
    if (flag & 2) return items[1] as Uint8Array
    expected = items[1]
  }
}
