import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256, toHex, uintBE } from '@hawser/primitives'
import { EMPTY_CODE_HASH, EMPTY_ROOT, type AccountRecord } from './account.ts'
import { hashedKey } from './hashed-key.ts'
import { JournaledState } from './journaled-state.ts'
import type { StateReader } from './state-reader.ts'

const addressOf = (n: number) => keccak256(uintBE(n, 4)).subarray(0, 20)
const slotOf = (n: number) => uintBE(n, 32)
const word = (n: number) => (n === 0 ? new Uint8Array() : Uint8Array.of(n))
const account = (balance: number, storageRoot = EMPTY_ROOT): AccountRecord => ({
  nonce: 0n,
  balance: BigInt(balance),
  storageRoot,
  codeHash: EMPTY_CODE_HASH,
})

/** Below: accounts 0 and 1 with balance 100, and words 1, 2, 3 in their first slots; nothing else. */
const SOME_ROOT = keccak256(Uint8Array.of(1))
const below: StateReader = {
  account: ({ text }) =>
    [0, 1].some((n) => hashedKey(addressOf(n)).text === text) ? account(100, SOME_ROOT) : undefined,
  storage(_address, { text }) {
    const n = [0, 1, 2].find((slot) => hashedKey(slotOf(slot)).text === text)
    return n === undefined ? new Uint8Array() : word(n + 1)
  },
  code: () => new Uint8Array(),
}

const ACCOUNTS = 4
const SLOTS = 5
type Model = { readonly balance: number; readonly words: readonly number[] } | undefined
const start: readonly Model[] = [0, 1, 2, 3].map((n) => (n < 2 ? { balance: 100, words: [1, 2, 3, 0, 0] } : undefined))

const operation = fc.record({
  do: fc.constantFrom('put', 'word', 'word', 'clear', 'delete', 'begin', 'snapshot', 'revert', 'keep'),
  account: fc.nat(ACCOUNTS - 1),
  slot: fc.nat(SLOTS - 1),
  value: fc.nat(5),
})

describe('JournaledState', () => {
  it('is what simple copies of everything would be, whatever is put, deleted and undone', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80, size: 'max' }), (operations) => {
        const state = new JournaledState(below)
        let model = [...start]
        const open: { position: number; model: Model[] }[] = []
        for (const { do: kind, account: n, slot, value } of operations) {
          const address = addressOf(n)
          const now = model[n]
          switch (kind) {
            case 'put':
              state.putAccount(address, account(value))
              model[n] = { balance: value, words: now?.words ?? [0, 0, 0, 0, 0] }
              break
            case 'word':
              if (!now) break
              state.putStorage(address, slotOf(slot), word(value))
              model[n] = { ...now, words: now.words.map((old, i) => (i === slot ? value : old)) }
              break
            case 'clear':
              state.clearStorage(address)
              if (now) model[n] = { ...now, words: [0, 0, 0, 0, 0] }
              break
            case 'delete':
              state.deleteAccount(address)
              model[n] = undefined
              break
            case 'begin':
              // Transactions begin with nothing open, as EthereumJS has it.
              if (open.length > 0) break
              state.beginTransaction()
              break
            case 'snapshot':
              open.push({ position: state.snapshot(), model: [...model] })
              break
            case 'revert': {
              const last = open.pop()
              if (!last) break
              state.revert(last.position)
              model = last.model
              break
            }
            case 'keep':
              open.pop()
          }
        }
        for (let n = 0; n < ACCOUNTS; n++) {
          const expected = model[n]
          expect(state.account(addressOf(n))?.balance).toEqual(expected && BigInt(expected.balance))
          for (let slot = 0; slot < SLOTS; slot++)
            expect(state.storage(addressOf(n), slotOf(slot))).toEqual(word(expected?.words[slot] ?? 0))
        }
        // What is told of the changes leads from the state below to this one.
        const told = new Map(state.changes().map((change) => [change.address.text, change]))
        for (let n = 0; n < ACCOUNTS; n++) {
          const change = told.get(hashedKey(addressOf(n)).text)
          const before = change?.wiped || (change && !change.record) ? undefined : start[n]
          const words = [...(before?.words ?? [0, 0, 0, 0, 0])]
          for (const { slot, word: bytes } of change?.slots ?? [])
            words[[0, 1, 2, 3, 4].findIndex((i) => hashedKey(slotOf(i)).text === slot.text)] = bytes[0] ?? 0
          const record = change ? change.record : start[n] && account(100)
          const expected = model[n]
          expect(record?.balance).toEqual(expected && BigInt(expected.balance))
          if (record) expect(words).toEqual(expected?.words)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('knows what a word was before the transaction, however often it is put and undone', () => {
    const state = new JournaledState(below)
    const [address, slot] = [addressOf(0), slotOf(1)]
    state.putStorage(address, slot, word(9))
    expect(state.originalStorage(address, slot)).toEqual(word(2))
    state.beginTransaction()
    expect(state.originalStorage(address, slot)).toEqual(word(9))
    const position = state.snapshot()
    state.putStorage(address, slot, word(0))
    state.putStorage(address, slot, word(4))
    expect(state.originalStorage(address, slot)).toEqual(word(9))
    state.revert(position)
    expect(state.storage(address, slot)).toEqual(word(9))
    expect(state.originalStorage(address, slot)).toEqual(word(9))
  })

  it('tells of no change where everything came back', () => {
    const state = new JournaledState(below)
    state.putStorage(addressOf(0), slotOf(0), word(5))
    state.putAccount(addressOf(3), account(1))
    state.putStorage(addressOf(0), slotOf(0), word(1))
    state.deleteAccount(addressOf(3))
    expect(state.changes()).toEqual([])
  })

  it('keeps codes by hash, and the code of nobody empty', () => {
    const state = new JournaledState(below)
    const code = Uint8Array.of(0x60, 0)
    const position = state.snapshot()
    state.putCode(addressOf(3), code)
    expect(state.code(addressOf(3))).toEqual(code)
    expect(toHex(state.account(addressOf(3))?.codeHash ?? new Uint8Array())).toBe(toHex(keccak256(code)))
    state.putCode(addressOf(3), new Uint8Array())
    expect(state.code(addressOf(3))).toEqual(new Uint8Array())
    state.revert(position)
    expect(state.account(addressOf(3))).toBeUndefined()
    expect(state.code(addressOf(3))).toEqual(new Uint8Array())
  })

  it('goes its own way as a copy', () => {
    const state = new JournaledState(below)
    state.putStorage(addressOf(0), slotOf(0), word(7))
    const copy = state.copy()
    copy.putStorage(addressOf(0), slotOf(0), word(8))
    copy.deleteAccount(addressOf(1))
    expect(state.storage(addressOf(0), slotOf(0))).toEqual(word(7))
    expect(state.account(addressOf(1))?.balance).toBe(100n)
    expect(copy.storage(addressOf(0), slotOf(0))).toEqual(word(8))
    expect(copy.account(addressOf(1))).toBeUndefined()
  })
})
