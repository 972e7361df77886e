import { address, toHex } from '@hawser/primitives'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  MAX_VALIDATORS,
  mayHaveSealed,
  membershipSlot,
  readValidatorSet,
  validatorSeatSlots,
  validatorSetHash,
  VALIDATOR_SET_SLOTS,
  VALIDATORS_SLOTS,
} from './validators-layout.ts'
import { validatorsTypes } from './validators-typed-data.ts'

const source = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('the layout of the Validators contract', () => {
  const layouts = JSON.parse(source('./fixtures/storage-layouts.json')) as {
    Validators: {
      storage: { label: string; slot: string; offset: number; type: string }[]
      types: Record<string, { members?: { label: string; offset: number; type: string }[] }>
    }
  }
  const variable = (label: string) => layouts.Validators.storage.find((item) => item.label === label)

  it('is what the compiler gave it', () => {
    expect(variable('nextSetHash')).toMatchObject({ slot: String(VALIDATORS_SLOTS.nextSetHash), offset: 0 })
    expect(variable('setId')).toMatchObject({ slot: String(VALIDATORS_SLOTS.setId), offset: 0, type: 't_uint64' })
    expect(variable('_seats')).toMatchObject({
      slot: String(VALIDATORS_SLOTS.seats),
      offset: 0,
      type: 't_array(t_uint256)dyn_storage',
    })
    const { memberships, reported } = VALIDATORS_SLOTS
    expect(variable('_memberships')).toMatchObject({ slot: String(memberships), offset: 0 })
    expect(variable('_reported')).toMatchObject({ slot: String(reported), offset: 0 })
    expect(source('../sol/validators/ValidatorsStorage.sol')).toContain(`MAX_VALIDATORS = ${MAX_VALIDATORS};`)
  })

  it('gives the set from raw words', () => {
    // setId 7 beside lastId 9 and nextCount 2; two seats, ids 9 and 3 above their sessions.
    const head = [7n | (9n << 64n) | (2n << 128n), 2n]
    expect(VALIDATOR_SET_SLOTS).toEqual([2n, 3n])
    // keccak256 of a word of 3: where Solidity puts the first element of an array in slot 3 (its documentation's own example).
    const first = 0xc2575a0e9e593c00f959f8c92f12db2869c3395a3b0502d05e2516446f71f85bn
    expect(validatorSeatSlots(head)).toEqual([first, first + 1n])
    expect(readValidatorSet(head, [0x11n | (9n << 160n), (0xffn << 152n) | (3n << 160n)])).toEqual({
      setId: 7n,
      sessions: [`0x${'00'.repeat(19)}11`, `0xff${'00'.repeat(19)}`],
      weights: [1n, 1n],
    })
  })

  it('says from the word of a membership which blocks the session may have sealed', () => {
    const { members = [] } = layouts.Validators.types['t_struct(Membership)_storage'] ?? {}
    const wordOf = (fields: Record<string, bigint>) =>
      members.reduce((word, { label, offset }) => word | ((fields[label] ?? 0n) << BigInt(8 * offset)), 0n)
    const open = (1n << 48n) - 1n
    const left = { validatorId: 3n, firstSet: 1n, lastSet: 4n, firstBlock: 11n, lastBlock: 20n }
    const sealed = (fields: Record<string, bigint>) =>
      [10n, 11n, 20n, 21n, open, open + 1n].filter((number) => mayHaveSealed(wordOf(fields), number))
    expect(sealed(left)).toEqual([11n, 20n])
    expect(sealed({ ...left, lastSet: open, lastBlock: open })).toEqual([11n, 20n, 21n, open])
    expect(sealed({ ...left, validatorId: 0n })).toEqual([])
    expect(sealed({ ...left, firstSet: open, lastSet: open, firstBlock: open, lastBlock: open })).toEqual([])
    // viem's keccak256(encodeAbiParameters([address, uint256], …)): where Solidity puts the value of a mapping in slot 7.
    expect(toHex(membershipSlot(address(`0x${'00'.repeat(19)}11`)))).toBe(
      '0x7fecc9f0b925868a8c62ee842da0498074146a036d84a1041d9b5286786bbbf3',
    )
  })

  it('reads no seats where there cannot be so many', () => {
    expect(validatorSeatSlots([0n, 101n])).toEqual([])
    expect(validatorSeatSlots([])).toEqual([])
  })
})

it('hashes a set as abi.encode lays it out', () => {
  // viem's keccak256(encodeAbiParameters([uint64, address[], uint64[]], …)) of the same.
  const sessions = [`0x${'00'.repeat(19)}11`, `0xff${'00'.repeat(19)}`]
  expect(validatorSetHash(2n, sessions, [1n, 1n])).toBe(
    '0x65a42f6770cec0d3cb5ab540aa5b6345246469d095ea50b017193ad530d4812b',
  )
})

it('has the typed data that the contract hashes', () => {
  const contract = source('../sol/validators/ValidatorsManagement.sol')
  for (const [name, fields] of Object.entries(validatorsTypes))
    expect(contract).toContain(`"${name}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})"`)
})
