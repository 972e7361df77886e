import { concatBytes, uintBE } from '@hawser/primitives'
import { loop, type Item } from './assembler.ts'
import { precompileInputs } from './precompile-inputs.ts'

/** One loop whose gas is to be burnt as slowly as possible. */
export interface WorstCase {
  readonly name: string
  readonly code: Uint8Array
  readonly callData?: Uint8Array
}

const BIG = (1n << 256n) - 1n
const ODD = 0xf3a1c5b7d9e8f6041325364758697a8b9cadbecfd0e1f20314253647586978a5n
const SMALL = 3n
/** An account with a code of 24 kB, for the opcodes that read codes. */
export const BIG_CODE_ACCOUNT = 0xc0de000000000000000000000000000000000001n
/** An account with nothing. */
const EMPTY_ACCOUNT = 0xe0de000000000000000000000000000000000002n
/** An account whose code stops at once. */
export const STOP_ACCOUNT = 0xc0de000000000000000000000000000000000003n

/** A body that computes on fixed operands: they lie on the stack and are copied for each run. */
function computing(name: string, opcode: string, operands: readonly bigint[]): WorstCase {
  const count = operands.length
  const copies = operands.map(() => `DUP${count}`)
  return { name, code: loop([...operands].reverse(), [...copies.map((dup) => dupOf(dup)), opcode, 'POP'], 100) }
}

function dupOf(name: string): Uint8Array {
  return Uint8Array.of(0x7f + Number(name.slice(3)))
}

function simple(name: string, body: readonly Item[], setup: readonly Item[] = [], times = 100): WorstCase {
  return { name, code: loop(setup, body, times) }
}

/** A body on a word that grows by one each time: every access is the first to its account or slot. */
function cold(name: string, body: readonly Item[], start = 0x10_0000_0000n): WorstCase {
  return simple(name, ['DUP1', ...body, 1, 'ADD'], [start], 20)
}

function* arithmetic(): Generator<WorstCase> {
  for (const opcode of [
    'ADD',
    'MUL',
    'SUB',
    'DIV',
    'SDIV',
    'MOD',
    'SMOD',
    'LT',
    'GT',
    'SLT',
    'SGT',
    'EQ',
    'AND',
    'OR',
    'XOR',
  ])
    for (const [size, a, b] of [
      ['large', BIG - 6n, ODD],
      ['small', 7n, SMALL],
    ] as const)
      yield computing(`${opcode} ${size}`, opcode, [a, b])
  for (const opcode of ['ADDMOD', 'MULMOD']) yield computing(`${opcode} large`, opcode, [BIG - 6n, BIG - 12n, ODD])
  for (const opcode of ['BYTE', 'SHL', 'SHR', 'SAR', 'SIGNEXTEND']) yield computing(opcode, opcode, [5n, BIG - 6n])
  for (const opcode of ['ISZERO', 'NOT', 'CLZ']) yield computing(opcode, opcode, [ODD])
  yield computing('EXP to 256 bits', 'EXP', [ODD, BIG])
  yield computing('EXP to 8 bits', 'EXP', [ODD, 255n])
}

function* environment(): Generator<WorstCase> {
  for (const opcode of [
    'ADDRESS',
    'ORIGIN',
    'CALLER',
    'CALLVALUE',
    'CALLDATASIZE',
    'CODESIZE',
    'GASPRICE',
    'RETURNDATASIZE',
    'COINBASE',
    'TIMESTAMP',
    'NUMBER',
    'PREVRANDAO',
    'GASLIMIT',
    'CHAINID',
    'SELFBALANCE',
    'BASEFEE',
    'BLOBBASEFEE',
    'PC',
    'MSIZE',
    'GAS',
    'PUSH0',
  ])
    yield simple(opcode, [opcode, 'POP'])
  yield simple('BLOBHASH', [0, 'BLOBHASH', 'POP'])
  yield simple('BLOCKHASH unknown', [123_456_789, 'BLOCKHASH', 'POP'])
  yield simple('CALLDATALOAD', [0, 'CALLDATALOAD', 'POP'])
  yield simple('JUMPDEST', ['JUMPDEST'], [], 2_000)
  yield simple('PUSH32', [BIG, 'POP'])
  yield simple(
    'DUP16 SWAP16',
    ['DUP16', 'SWAP16', 'POP'],
    Array.from({ length: 17 }, () => ODD),
  )
  yield { name: 'JUMP', code: loop([], [], 0) }
  yield simple('JUMPI not taken', [0, 0, 'JUMPI'])
}

function* memory(): Generator<WorstCase> {
  for (const [size, length] of [
    ['0 bytes', 0],
    ['32 bytes', 32],
    ['4 kB', 4096],
    ['64 kB', 65_536],
  ] as const) {
    yield simple(`KECCAK256 ${size}`, [length, 0, 'KECCAK256', 'POP'])
    yield simple(`CALLDATACOPY ${size}`, [length, 0, 0, 'CALLDATACOPY'])
    yield simple(`CODECOPY ${size}`, [length, 0, 0, 'CODECOPY'])
    yield simple(`MCOPY ${size}`, [length, 0, 1, 'MCOPY'])
    yield simple(`EXTCODECOPY ${size}, warm`, [length, 0, 0, BIG_CODE_ACCOUNT, 'EXTCODECOPY'])
  }
  yield simple('RETURNDATACOPY 0 bytes', [0, 0, 0, 'RETURNDATACOPY'])
  yield simple('MLOAD', [0, 'MLOAD', 'POP'])
  yield simple('MLOAD behind 1 MB', [0, 'MLOAD', 'POP'], [1, 1_000_000, 'MSTORE'])
  yield simple('MSTORE', [ODD, 0, 'MSTORE'])
  yield simple('MSTORE8', [1, 31, 'MSTORE8'])
  yield simple('memory growing', ['DUP1', 'DUP1', 'MSTORE', 32, 'ADD'], [0])
}

function* state(): Generator<WorstCase> {
  yield simple('SLOAD warm', [1, 'SLOAD', 'POP'])
  yield cold('SLOAD cold', ['SLOAD', 'POP'])
  yield simple('SSTORE warm, to and fro', [1, 0, 'SSTORE', 2, 0, 'SSTORE'])
  yield cold('SSTORE new', [ODD, 'SWAP1', 'SSTORE'])
  yield simple('TLOAD', [1, 'TLOAD', 'POP'])
  yield cold('TSTORE', [ODD, 'SWAP1', 'TSTORE'])
  for (const opcode of ['BALANCE', 'EXTCODESIZE', 'EXTCODEHASH']) {
    yield simple(`${opcode} warm`, [BIG_CODE_ACCOUNT, opcode, 'POP'])
    yield cold(`${opcode} cold`, [opcode, 'POP'])
  }
  yield cold('EXTCODECOPY cold', [0, 'SWAP1', 0, 'SWAP1', 0, 'SWAP1', 'EXTCODECOPY'])
  yield simple('LOG0 empty', [0, 0, 'LOG0'])
  yield simple('LOG0 4 kB', [4096, 0, 'LOG0'])
  yield simple('LOG4', [ODD, ODD, ODD, ODD, 32, 0, 'LOG4'])
}

function* calls(): Generator<WorstCase> {
  const values = (opcode: string) => (opcode === 'CALL' || opcode === 'CALLCODE' ? [0] : [])
  for (const opcode of ['CALL', 'CALLCODE', 'DELEGATECALL', 'STATICCALL']) {
    for (const [what, account] of [
      ['nothing', EMPTY_ACCOUNT],
      ['STOP', STOP_ACCOUNT],
    ] as const)
      yield simple(`${opcode} ${what}, warm`, [0, 0, 0, 0, ...values(opcode), account, 'GAS', opcode, 'POP'], [], 20)
    if (opcode !== 'CALL' && opcode !== 'CALLCODE') continue
    // DUP6 takes the address, which grows by one.
    const body: Item[] = [0, 0, 0, 0, 0, Uint8Array.of(0x85), 'GAS', opcode, 'POP', 1, 'ADD']
    yield simple(`${opcode} nothing, cold`, body, [0x20_0000_0000n], 20)
  }
  yield simple('CALL with value to nothing', [0, 0, 0, 0, 1, EMPTY_ACCOUNT, 'GAS', 'CALL', 'POP'], [], 20)
  yield simple('STATICCALL with 64 kB', [0, 0, 65_536, 0, STOP_ACCOUNT, 'GAS', 'STATICCALL', 'POP'], [], 20)
  yield simple('CREATE empty', [0, 0, 0, 'CREATE', 'POP'], [], 20)
  yield simple('CREATE2 empty', ['DUP1', 0, 0, 0, 'CREATE2', 'POP', 1, 'ADD'], [1], 20)
  yield simple('CREATE with 48 kB of init code', [49_152, 0, 0, 'CREATE', 'POP'], [], 20)
  // Init code that destroys itself: ADDRESS SELFDESTRUCT.
  yield simple('CREATE and SELFDESTRUCT', [2, 30, 0, 'CREATE', 'POP'], [0x30ff, 0, 'MSTORE'], 20)
}

function* precompiles(): Generator<WorstCase> {
  for (const { name, address, input, gas } of precompileInputs()) {
    const call: Item[] = [0, 0, input.length, 0, address, gas ?? 'GAS', 'STATICCALL', 'POP']
    yield {
      name: `precompile ${name}`,
      code: loop(input.some((byte) => byte !== 0) ? [input.length, 0, 0, 'CALLDATACOPY'] : [], call, 20),
      callData: input.some((byte) => byte !== 0) ? input : undefined,
    }
  }
}

/** Every opcode and precompile: small and large, warm and cold. */
export function worstCases(): WorstCase[] {
  return [...arithmetic(), ...environment(), ...memory(), ...state(), ...calls(), ...precompiles()]
}

/** Code for BIG_CODE_ACCOUNT: 24,576 bytes of STOP. */
export const BIG_CODE = concatBytes(uintBE(0, 1), new Uint8Array(24_575))
