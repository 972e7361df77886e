/** What every opcode takes before its own work: stack items, stack room, constant gas (the forks from Osaka on, EIP numbers beside). */

/** [opcode, items taken, items left in their place, constant gas] */
type Row = readonly [opcode: number, taken: number, left: number, gas: number]

function range(first: number, last: number, row: (index: number) => readonly [number, number, number]): Row[] {
  return Array.from({ length: last - first + 1 }, (_, i) => [first + i, ...row(i)] as Row)
}

const ROWS: readonly Row[] = [
  [0x00, 0, 0, 0], // STOP
  [0x01, 2, 1, 3], // ADD
  [0x02, 2, 1, 5], // MUL
  [0x03, 2, 1, 3], // SUB
  ...range(0x04, 0x07, () => [2, 1, 5]), // DIV, SDIV, MOD, SMOD
  ...range(0x08, 0x09, () => [3, 1, 8]), // ADDMOD, MULMOD
  [0x0a, 2, 1, 10], // EXP
  [0x0b, 2, 1, 5], // SIGNEXTEND
  ...range(0x10, 0x14, () => [2, 1, 3]), // LT, GT, SLT, SGT, EQ
  [0x15, 1, 1, 3], // ISZERO
  ...range(0x16, 0x18, () => [2, 1, 3]), // AND, OR, XOR
  [0x19, 1, 1, 3], // NOT
  ...range(0x1a, 0x1d, () => [2, 1, 3]), // BYTE, SHL, SHR, SAR
  [0x1e, 1, 1, 5], // CLZ, EIP-7939
  [0x20, 2, 1, 30], // KECCAK256
  [0x30, 0, 1, 2], // ADDRESS
  [0x31, 1, 1, 0], // BALANCE
  ...range(0x32, 0x34, () => [0, 1, 2]), // ORIGIN, CALLER, CALLVALUE
  [0x35, 1, 1, 3], // CALLDATALOAD
  [0x36, 0, 1, 2], // CALLDATASIZE
  [0x37, 3, 0, 3], // CALLDATACOPY
  [0x38, 0, 1, 2], // CODESIZE
  [0x39, 3, 0, 3], // CODECOPY
  [0x3a, 0, 1, 2], // GASPRICE
  [0x3b, 1, 1, 0], // EXTCODESIZE
  [0x3c, 4, 0, 0], // EXTCODECOPY
  [0x3d, 0, 1, 2], // RETURNDATASIZE
  [0x3e, 3, 0, 3], // RETURNDATACOPY
  [0x3f, 1, 1, 0], // EXTCODEHASH
  [0x40, 1, 1, 20], // BLOCKHASH
  ...range(0x41, 0x46, () => [0, 1, 2]), // COINBASE, TIMESTAMP, NUMBER, PREVRANDAO, GASLIMIT, CHAINID
  [0x47, 0, 1, 5], // SELFBALANCE
  [0x48, 0, 1, 2], // BASEFEE
  [0x49, 1, 1, 3], // BLOBHASH
  [0x4a, 0, 1, 2], // BLOBBASEFEE
  [0x50, 1, 0, 2], // POP
  [0x51, 1, 1, 3], // MLOAD
  [0x52, 2, 0, 3], // MSTORE
  [0x53, 2, 0, 3], // MSTORE8
  [0x54, 1, 1, 0], // SLOAD
  [0x55, 2, 0, 0], // SSTORE
  [0x56, 1, 0, 8], // JUMP
  [0x57, 2, 0, 10], // JUMPI
  ...range(0x58, 0x5a, () => [0, 1, 2]), // PC, MSIZE, GAS
  [0x5b, 0, 0, 1], // JUMPDEST
  [0x5c, 1, 1, 100], // TLOAD
  [0x5d, 2, 0, 100], // TSTORE
  [0x5e, 3, 0, 3], // MCOPY
  [0x5f, 0, 1, 2], // PUSH0
  ...range(0x60, 0x7f, () => [0, 1, 3]), // PUSH1 to PUSH32
  ...range(0x80, 0x8f, (i) => [i + 1, i + 2, 3]), // DUP1 to DUP16
  ...range(0x90, 0x9f, (i) => [i + 2, i + 2, 3]), // SWAP1 to SWAP16
  ...range(0xa0, 0xa4, (i) => [i + 2, 0, 375 * (i + 1)]), // LOG0 to LOG4
  [0xf0, 3, 1, 32_000], // CREATE
  [0xf1, 7, 1, 0], // CALL
  [0xf2, 7, 1, 0], // CALLCODE
  [0xf3, 2, 0, 0], // RETURN
  [0xf4, 6, 1, 0], // DELEGATECALL
  [0xf5, 4, 1, 32_000], // CREATE2
  [0xfa, 6, 1, 0], // STATICCALL
  [0xfd, 2, 0, 0], // REVERT
  [0xff, 1, 0, 5_000], // SELFDESTRUCT
]

export const STACK_LIMIT = 1024

/** An opcode that does not exist needs more items than a stack can hold. */
const NEVER = STACK_LIMIT + 1

/** By opcode: the fewest items that the stack must hold. */
export const NEEDED = new Int16Array(256).fill(NEVER)
/** By opcode: the most items that the stack may hold before it. */
export const ROOM = new Int16Array(256)
/** By opcode: gas that it always costs. */
export const GAS = new Int32Array(256)

for (const [opcode, taken, left, gas] of ROWS) {
  NEEDED[opcode] = taken
  ROOM[opcode] = STACK_LIMIT + taken - left
  GAS[opcode] = gas
}

export function exists(opcode: number): boolean {
  return NEEDED[opcode] !== NEVER
}
