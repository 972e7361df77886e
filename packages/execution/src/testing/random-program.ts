import { concatBytes, fromHex, uintBE } from '@hawser/primitives'
import fc from 'fast-check'

/** Accounts that random programs know of: each other, precompiles, one with balance alone, one that delegates, an empty one, one that is not there. */
export const PROGRAM_ACCOUNTS = [0xaa01n, 0xaa02n, 0xaa03n]
export const RICH_ACCOUNT = 0xaa04n
export const DELEGATING_ACCOUNT = 0xaa05n
/** In the state, though it has nothing: left over from before EIP-161, or from a genesis. */
export const EMPTY_ACCOUNT = 0xaa07n
const ABSENT_ACCOUNT = 0xaa06n
const ACCOUNTS = [
  ...PROGRAM_ACCOUNTS,
  RICH_ACCOUNT,
  DELEGATING_ACCOUNT,
  EMPTY_ACCOUNT,
  ABSENT_ACCOUNT,
  1n,
  2n,
  4n,
  5n,
  9n,
  0x100n,
]

/** Words at which the EVM behaves differently: around 0, the sign, the ends, sizes of memory. */
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0n, 1n, 2n, 3n, 31n, 32n, 33n, 64n, 255n, 256n, 257n) },
  {
    weight: 2,
    arbitrary: fc.constantFrom((1n << 255n) - 1n, 1n << 255n, (1n << 256n) - 1n, (1n << 160n) + 7n, 1n << 64n),
  },
  { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }) },
  { weight: 2, arbitrary: fc.constantFrom(...ACCOUNTS) },
)
const slot = fc.constantFrom(0n, 0n, 1n, 2n)
const offset = fc.oneof({ weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 300n }) }, { weight: 1, arbitrary: word })
const length = fc.oneof({ weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 120n }) }, { weight: 1, arbitrary: word })
const account = fc.constantFrom(...ACCOUNTS)
const small = fc.constantFrom(0n, 0n, 0n, 1n, 5n)
const gas = fc.constantFrom(0n, 700n, 2_300n, 30_000n, 200_000n, (1n << 256n) - 1n)

/** An opcode with the operands that it takes, the top one first. */
function operation(opcode: number, ...operands: readonly fc.Arbitrary<bigint>[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(...operands).map((values) => concatBytes(...[...values].reverse().map(push), Uint8Array.of(opcode)))
}

function push(value: bigint): Uint8Array {
  if (value === 0n) return Uint8Array.of(0x5f)
  const digits = value.toString(16)
  const bytes = fromHex(`0x${digits.length % 2 ? '0' : ''}${digits}`)
  return concatBytes(uintBE(0x5f + bytes.length, 1), bytes)
}

const each = (opcodes: readonly number[], make: (opcode: number) => fc.Arbitrary<Uint8Array>) =>
  fc.constantFrom(...opcodes).chain(make)
const between = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** What may stand in a program; most of it leaves something on the stack. */
const piece: fc.Arbitrary<Uint8Array> = fc.oneof(
  {
    weight: 12,
    arbitrary: each(
      [...between(0x01, 0x07), 0x0a, 0x0b, ...between(0x10, 0x14), ...between(0x16, 0x18), ...between(0x1a, 0x1d)],
      (opcode) => operation(opcode, word, word),
    ),
  },
  { weight: 3, arbitrary: each([0x08, 0x09], (opcode) => operation(opcode, word, word, word)) },
  { weight: 3, arbitrary: each([0x15, 0x19, 0x1e, 0x35, 0x40, 0x49], (opcode) => operation(opcode, word)) },
  {
    weight: 4,
    arbitrary: each(
      [0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, ...between(0x41, 0x48), 0x4a, 0x58, 0x59, 0x5a],
      (opcode) => operation(opcode),
    ),
  },
  { weight: 5, arbitrary: each([0x31, 0x3b, 0x3f], (opcode) => operation(opcode, account)) },
  { weight: 2, arbitrary: operation(0x20, offset, length) },
  { weight: 4, arbitrary: each([0x37, 0x39, 0x3e, 0x5e], (opcode) => operation(opcode, offset, offset, length)) },
  { weight: 2, arbitrary: operation(0x3c, account, offset, offset, length) },
  { weight: 3, arbitrary: operation(0x51, offset) },
  { weight: 5, arbitrary: each([0x52, 0x53], (opcode) => operation(opcode, offset, word)) },
  { weight: 4, arbitrary: each([0x54, 0x5c], (opcode) => operation(opcode, slot)) },
  { weight: 8, arbitrary: each([0x55, 0x5d], (opcode) => operation(opcode, slot, fc.constantFrom(0n, 0n, 1n, 2n))) },
  {
    weight: 3,
    arbitrary: each(between(0xa0, 0xa4), (opcode) =>
      operation(opcode, offset, length, ...Array.from({ length: opcode - 0xa0 }, () => word)),
    ),
  },
  {
    weight: 7,
    arbitrary: each([0xf1, 0xf2], (opcode) => operation(opcode, gas, account, small, offset, length, offset, length)),
  },
  {
    weight: 6,
    arbitrary: each([0xf4, 0xfa], (opcode) => operation(opcode, gas, account, offset, length, offset, length)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(small, fc.boolean(), word)
      .map(([value, second, salt]) => creation(value, second ? salt : undefined)),
  },
  { weight: 4, arbitrary: fc.constantFrom(...between(0x80, 0x9f), 0x50).map((opcode) => Uint8Array.of(opcode)) },
  { weight: 2, arbitrary: fc.nat({ max: 40 }).map((by) => forwardJump(by)) },
  { weight: 1, arbitrary: operation(0xff, account) },
  { weight: 1, arbitrary: each([0xf3, 0xfd], (opcode) => operation(opcode, offset, length)) },
  { weight: 1, arbitrary: fc.nat({ max: 255 }).map((opcode) => Uint8Array.of(opcode)) },
)

/** A creation from what lies in memory: init code that another piece may have put there. */
function creation(value: bigint, salt: bigint | undefined): Uint8Array {
  const operands = [...(salt === undefined ? [] : [salt]), 32n, 0n, value]
  return concatBytes(...operands.map(push), Uint8Array.of(salt === undefined ? 0xf0 : 0xf5))
}

/** A conditional jump over a few bytes to a JUMPDEST: PC, the distance, ADD, as target. */
function forwardJump(by: number): Uint8Array {
  const filling = new Uint8Array(by).fill(0x58)
  // The condition, then PC + distance: PC itself, PUSH1, ADD and JUMPI take five bytes.
  return concatBytes(Uint8Array.of(0x5a, 0x58, 0x60, 5 + by, 0x01, 0x57), filling, Uint8Array.of(0x5b))
}

/** Init codes that do something: store, return code, return code that may not be, revert, destroy themselves. */
const initCodes = [
  '0x60016000556001600155600a6000f3',
  '0x60ef60005360016000f3',
  '0x60026000fd',
  '0x30ff',
  '0x5b600056',
  '0x600a600c600039600a6000f3602a5f5260205ff3',
].map((code) => BigInt(code.padEnd(66, '0')))

/** Code of up to some fifty operations, which begins with an init code in memory. */
export const randomProgram: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.constantFrom(...initCodes), fc.array(piece, { minLength: 1, maxLength: 50 }))
  .map(([initCode, pieces]) => concatBytes(push(initCode), Uint8Array.of(0x5f, 0x52), ...pieces))
