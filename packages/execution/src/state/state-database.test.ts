import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BlockRef, StateChange } from '@hawser/chain'
import { keccak256, toHex, uintBE, utf8, ZERO_HASH, type Hash32 } from '@hawser/primitives'
import { keyIn, keyspace, MemoryStore } from '@hawser/storage'
import { decodeAccount, decodeWord, EMPTY_CODE_HASH, EMPTY_ROOT } from './account.ts'
import { MAX_LAYERS_READ } from './block-state.ts'
import { hashedKey } from './hashed-key.ts'
import { JournaledState } from './journaled-state.ts'
import { StateDatabase, type History } from './state-database.ts'
import { updateState } from './state-update.ts'
import { findLeaf, walkTrie } from './trie.ts'
import type { Link } from './trie-node.ts'

const ACCOUNTS = 12
const SLOTS = 6
const addressOf = (n: number) => keccak256(uintBE(n, 4)).subarray(0, 20)
const slotOf = (n: number) => uintBE(n, 32)

/** What a state holds, said simply: balances, and words by account and slot. */
type Model = ReadonlyMap<string, number>

interface Block extends BlockRef {
  readonly parent: Block | undefined
  readonly model: Model
}

/** One step: put, word (0 clears it), or delete of an account. */
const step = fc.record({
  kind: fc.constantFrom('put', 'word', 'word', 'delete'),
  account: fc.nat(ACCOUNTS - 1),
  slot: fc.nat(SLOTS - 1),
  value: fc.nat(300),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class World {
  readonly store = new MemoryStore()
  readonly #history: History
  states: StateDatabase
  readonly blocks = new Map<Hash32, Block>()
  final: Block

  constructor(history: History) {
    this.#history = history
    this.states = new StateDatabase(this.store, history)
    this.final = { number: 0n, hash: ZERO_HASH, parent: undefined, model: new Map() }
  }

  async begin(): Promise<void> {
    await this.states.nodes.start()
    const journal = new JournaledState(this.states.empty())
    await this.store.write(this.states.sealFirst(updateState(this.states.nodes, undefined, journal.changes()), journal))
    this.blocks.set(this.final.hash, this.final)
  }

  async restart(): Promise<void> {
    this.states = new StateDatabase(this.store, this.#history)
    await this.states.nodes.start()
  }

  async add(parent: Block, steps: readonly Step[], salt: number): Promise<Block> {
    const below = this.states.open(parent)
    const journal = new JournaledState(below)
    const model = new Map(parent.model)
    for (const { kind, account, slot, value } of steps) {
      const address = addressOf(account)
      if (kind === 'put') {
        const old = journal.account(address)
        journal.putAccount(address, {
          nonce: 1n,
          balance: BigInt(value),
          storageRoot: old?.storageRoot ?? EMPTY_ROOT,
          codeHash: EMPTY_CODE_HASH,
        })
        model.set(`${account}`, value)
      } else if (kind === 'delete') {
        journal.deleteAccount(address)
        for (const key of [...model.keys()])
          if (key === `${account}` || key.startsWith(`${account}/`)) model.delete(key)
      } else if (model.has(`${account}`)) {
        journal.putStorage(address, slotOf(slot), value === 0 ? new Uint8Array() : trimmed(value))
        if (value === 0) model.delete(`${account}/${slot}`)
        else model.set(`${account}/${slot}`, value)
      }
    }
    const number = parent.number + 1n
    const hash = toHex(keccak256(utf8(`${parent.hash} ${salt} ${this.blocks.size}`))) as Hash32
    const block: Block = { number, hash, parent, model }
    const update = updateState(this.states.nodes, below.root, journal.changes())
    await this.#commit(this.states.seal(below, update, journal, block))
    this.blocks.set(hash, block)
    return block
  }

  /** Makes a block final; what does not descend from it is abandoned. */
  async finalize(target: Block): Promise<void> {
    const path: Block[] = []
    for (let block = target; block !== this.final; block = block.parent as Block) path.unshift(block)
    const gone = this.unfinalized().filter((block) => !path.includes(block) && !this.descends(block, target))
    await this.#commit(this.states.finalize(path, gone))
    for (const block of gone) this.blocks.delete(block.hash)
    this.final = target
  }

  unfinalized(): Block[] {
    return [...this.blocks.values()]
      .filter((block) => block.number > this.final.number || block === this.final)
      .slice()
      .filter((block) => block !== this.final && this.descends(block, this.final))
  }

  descends(block: Block, from: Block): boolean {
    let at: Block | undefined = block
    while (at && at.number > from.number) at = at.parent
    return at === from
  }

  async #commit(change: StateChange): Promise<void> {
    await this.store.write(change.writes)
    change.apply()
  }

  /** Blocks whose state is kept: the last ones that are final, and all above. */
  retained(): Block[] {
    const kept: Block[] = [...this.unfinalized()]
    const oldest = this.#history === 'archive' ? 0n : this.final.number - BigInt(this.#history) + 1n
    for (let at: Block | undefined = this.final; at && at.number >= oldest; at = at.parent) kept.push(at)
    return kept
  }

  async storedNodes(): Promise<Set<number>> {
    const found = new Set<number>()
    for await (const [key] of this.store.entries({ gte: keyIn(keyspace.node), lt: keyIn(keyspace.node + 1) }))
      found.add(Number(BigInt(toHex(key.subarray(1)))))
    return found
  }

  async storedDeaths(): Promise<number> {
    let count = 0
    const range = { gte: keyIn(keyspace.deaths), lt: keyIn(keyspace.deaths + 1) }
    for await (const _ of this.store.entries(range)) count++
    return count
  }

  /** Every state that is kept can be read, the quick way and by its trie; no node is stored that none of them has. */
  async check(): Promise<void> {
    const alive = new Set<number>()
    for (const block of this.retained()) {
      const state = this.states.open(block)
      for (let n = 0; n < ACCOUNTS; n++) {
        const address = hashedKey(addressOf(n))
        const leaf = findLeaf(state.nodes, state.root, address.bytes)
        const inTrie = leaf && decodeAccount(leaf.value)
        const expected = block.model.get(`${n}`)
        expect(state.account(address)?.balance, `account ${n} of block ${block.number}`).toEqual(
          expected === undefined ? undefined : BigInt(expected),
        )
        expect(inTrie).toEqual(state.account(address))
        for (let slot = 0; slot < SLOTS; slot++) {
          const key = hashedKey(slotOf(slot))
          const word = state.storage(address, key)
          const value = block.model.get(`${n}/${slot}`)
          expect(word, `slot ${slot} of account ${n} of block ${block.number}`).toEqual(
            value === undefined ? new Uint8Array() : trimmed(value),
          )
          const wordLeaf = leaf?.storage && findLeaf(state.nodes, leaf.storage, key.bytes)
          expect(wordLeaf ? decodeWord(wordLeaf.value) : new Uint8Array()).toEqual(word)
        }
      }
      const walk = (root: Link | undefined) =>
        walkTrie(state.nodes, root, {
          node: (pointer) => alive.add(pointer),
          leaf: (_key, { storage }) => storage && walk(storage),
        })
      walk(state.root)
    }
    expect(await this.storedNodes()).toEqual(alive)
    // What pruning has used is gone as well.
    const kept = this.#history === 'archive' ? this.final.number : BigInt(this.#history) - 1n
    expect(await this.storedDeaths()).toBe(Number(kept < this.final.number ? kept : this.final.number))
  }
}

function trimmed(value: number): Uint8Array {
  return value < 256 ? Uint8Array.of(value) : uintBE(value, 2)
}

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('add' as const), at: fc.nat(), steps: fc.array(step, { maxLength: 10 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finalize' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

describe('StateDatabase', () => {
  it.each<History>(['archive', 1, 3])(
    'reads every kept state alike by layers and trie, and keeps no other node, over forks, finality and restarts (history %s)',
    async (history) => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 40, size: 'max' }), async (actions) => {
          const world = new World(history)
          await world.begin()
          for (const act of actions) {
            const open = [world.final, ...world.unfinalized()]
            if (act.do === 'restart') await world.restart()
            // Mostly on one of the newest, so that forks grow long.
            else if (act.do === 'add')
              await world.add(open[Math.max(0, open.length - 1 - (act.at % 3))] as Block, act.steps, act.at)
            else if (open.length > 1) await world.finalize(open[1 + (act.at % (open.length - 1))] as Block)
          }
          await world.check()
          await world.restart()
          await world.check()
        }),
        { numRuns: 40 },
      )
    },
  )

  it('says of a pruned state that it is pruned, and which ones are kept', async () => {
    const world = new World(2)
    await world.begin()
    const put: Step = { kind: 'put', account: 1, slot: 0, value: 5 }
    const chain: Block[] = [world.final]
    for (let i = 0; i < 4; i++) {
      chain.push(await world.add(chain.at(-1) as Block, [{ ...put, value: i + 1 }], i))
      await world.finalize(chain.at(-1) as Block)
    }
    expect(() => world.states.open(chain[2] as Block)).toThrow(
      'the state of block 2 is pruned; this node has states from block 3 on; ask an archive node',
    )
    expect(world.states.open(chain[3] as Block).account(hashedKey(addressOf(1)))?.balance).toBe(3n)
    const unknown = { number: 5n, hash: `0x${'77'.repeat(32)}` as Hash32 }
    expect(() => world.states.open(unknown)).toThrow(`the state of block 5 ${unknown.hash} is not here`)
  })

  it('reads right through a long time without finality, and while a batch of finality is being written', async () => {
    const world = new World('archive')
    await world.begin()
    let head = world.final
    const early = await world.add(head, [{ kind: 'put', account: 3, slot: 0, value: 33 }], 0)
    head = early
    const held = world.states.open(early)
    for (let i = 1; i <= 3 * MAX_LAYERS_READ; i++)
      head = await world.add(head, [{ kind: 'put', account: i % 2, slot: 0, value: i % 300 }], i)
    expect(world.states.open(head).account(hashedKey(addressOf(3)))?.balance).toBe(33n)
    expect(held.account(hashedKey(addressOf(3)))?.balance).toBe(33n)
    await world.check()

    const genesis = world.states.open(world.final)
    const path: Block[] = []
    for (let block = head; block !== world.final; block = block.parent as Block) path.unshift(block)
    const change = world.states.finalize(path, [])
    await world.store.write(change.writes)
    // On disk the flat values are the new ones; in memory nothing has moved.
    expect(genesis.account(hashedKey(addressOf(3)))).toBeUndefined()
    expect(world.states.open(head).account(hashedKey(addressOf(3)))?.balance).toBe(33n)
    change.apply()
    expect(genesis.account(hashedKey(addressOf(3)))).toBeUndefined()
    expect(held.account(hashedKey(addressOf(0)))).toBeUndefined()
    expect(world.states.open(head).account(hashedKey(addressOf(3)))?.balance).toBe(33n)
  })

  it('reads a fork beside the block that becomes final right, whatever of its batch is written', async () => {
    const world = new World('archive')
    await world.begin()
    const put = (account: number): Step => ({ kind: 'put', account, slot: 0, value: 7 })
    const target = await world.add(world.final, [put(1), put(3)], 0)
    const beside = await world.add(world.final, [put(2)], 1)
    // With nothing in memory that was read before.
    await world.restart()
    const [fork, genesis] = [world.states.open(beside), world.states.open(world.final)]
    const has = (state: typeof fork, account: number) => state.account(hashedKey(addressOf(account))) !== undefined
    const change = world.states.finalize([target], [])
    await world.store.write(change.writes)
    expect([has(fork, 1), has(fork, 2), has(genesis, 1)]).toEqual([false, true, false])
    change.apply()
    expect([has(fork, 1), has(fork, 3), has(fork, 2), has(genesis, 3)]).toEqual([false, false, true, false])
    expect([1, 2, 3].map((account) => has(world.states.open(target), account))).toEqual([true, false, true])
  })
})
