import { keccak256 } from '@hawser/primitives'
import type { BlockEnvironment, Call, Creation } from './execution.ts'
import type { Failure, Frame } from './frame.ts'
import { NOTHING } from './frame.ts'
import {
  CALL_STIPEND,
  CALL_VALUE,
  COLD_ACCOUNT,
  COLD_SLOT,
  COPY_WORD,
  EXP_BYTE,
  INIT_CODE_WORD,
  KECCAK_WORD,
  LOG_BYTE,
  MAX_INIT_CODE_BYTES,
  NEW_ACCOUNT,
  REFUND_CLEARED,
  SLOT_RESET,
  SLOT_SENTRY,
  SLOT_SET,
  WARM_ACCESS,
  words,
} from './gas-costs.ts'
import { exists, GAS, NEEDED, ROOM } from './opcode-table.ts'
import { bytesOfWord, wordOf } from './words.ts'
import type { World } from './world.ts'

/** How a frame's run ended: for good, or until what it asked for is done. */
export type Outcome =
  | { readonly kind: 'end' | 'revert' | 'failure' | 'pause' }
  | { readonly kind: 'call'; readonly call: Call }
  | { readonly kind: 'create'; readonly creation: Creation }

const END: Outcome = { kind: 'end' }
const REVERT: Outcome = { kind: 'revert' }
const FAILURE: Outcome = { kind: 'failure' }
const PAUSE: Outcome = { kind: 'pause' }

const MAX_WORD = (1n << 256n) - 1n
const ADDRESS_MASK = (1n << 160n) - 1n
/** Offsets and lengths beyond this cost more gas than there is. */
const MAX_OFFSET = 1n << 40n
/** Gas until others may run, where somebody waits for it: more than any opcode's constant gas, a few milliseconds at the slowest. */
export const GAS_BETWEEN_PAUSES = 100_000

/** An offset or length as a number; Infinity where memory could never reach. */
function bounded(word: bigint): number {
  return word < MAX_OFFSET ? Number(word) : Infinity
}

function signed(word: bigint): bigint {
  return BigInt.asIntN(256, word)
}

/**
 * Runs a frame until it ends or asks for a message: the EVM of the forks from Osaka on, synchronous, on bigint words. It never
 * recurses: depth is the caller's. Whatever costs gas is paid before it is done.
 */
export function interpret(frame: Frame, world: World, block: BlockEnvironment, pausing: boolean): Outcome {
  const { code, stack, memory, isStatic } = frame
  const bytes = code.bytes
  let pc = frame.position
  let sp = frame.height
  let gas = frame.gas
  // By gas, as not all code that runs long has a loop.
  const floor = pausing && gas > GAS_BETWEEN_PAUSES ? gas - GAS_BETWEEN_PAUSES : 0

  for (;;) {
    const opcode = pc < bytes.length ? (bytes[pc] as number) : 0
    if (sp < (NEEDED[opcode] as number)) return failed(frame, exists(opcode) ? 'stack underflow' : 'invalid opcode')
    if (sp > (ROOM[opcode] as number)) return failed(frame, 'stack overflow')
    gas -= GAS[opcode] as number
    if (gas < floor) {
      if (gas < 0) return failed(frame, 'out of gas')
      frame.position = pc
      frame.height = sp
      frame.gas = gas + (GAS[opcode] as number)
      return PAUSE
    }

    if (opcode >= 0x60 && opcode <= 0x9f) {
      if (opcode <= 0x7f) {
        const length = opcode - 0x5f
        stack[sp++] = code.constant(pc, length)
        pc += length + 1
      } else if (opcode <= 0x8f) {
        stack[sp] = stack[sp - (opcode - 0x7f)] as bigint
        sp++
        pc++
      } else {
        const other = sp - 1 - (opcode - 0x8f)
        const top = stack[sp - 1] as bigint
        stack[sp - 1] = stack[other] as bigint
        stack[other] = top
        pc++
      }
      continue
    }

    switch (opcode) {
      case 0x00: // STOP
        frame.gas = gas
        return END
      case 0x01: // ADD
        sp--
        stack[sp - 1] = BigInt.asUintN(256, (stack[sp] as bigint) + (stack[sp - 1] as bigint))
        break
      case 0x02: // MUL
        sp--
        stack[sp - 1] = BigInt.asUintN(256, (stack[sp] as bigint) * (stack[sp - 1] as bigint))
        break
      case 0x03: // SUB
        sp--
        stack[sp - 1] = BigInt.asUintN(256, (stack[sp] as bigint) - (stack[sp - 1] as bigint))
        break
      case 0x04: {
        // DIV
        sp--
        const divisor = stack[sp - 1] as bigint
        stack[sp - 1] = divisor === 0n ? 0n : (stack[sp] as bigint) / divisor
        break
      }
      case 0x05: {
        // SDIV
        sp--
        const divisor = signed(stack[sp - 1] as bigint)
        stack[sp - 1] = divisor === 0n ? 0n : BigInt.asUintN(256, signed(stack[sp] as bigint) / divisor)
        break
      }
      case 0x06: {
        // MOD
        sp--
        const divisor = stack[sp - 1] as bigint
        stack[sp - 1] = divisor === 0n ? 0n : (stack[sp] as bigint) % divisor
        break
      }
      case 0x07: {
        // SMOD
        sp--
        const divisor = signed(stack[sp - 1] as bigint)
        stack[sp - 1] = divisor === 0n ? 0n : BigInt.asUintN(256, signed(stack[sp] as bigint) % divisor)
        break
      }
      case 0x08: {
        // ADDMOD
        sp -= 2
        const modulus = stack[sp - 1] as bigint
        stack[sp - 1] = modulus === 0n ? 0n : ((stack[sp + 1] as bigint) + (stack[sp] as bigint)) % modulus
        break
      }
      case 0x09: {
        // MULMOD
        sp -= 2
        const modulus = stack[sp - 1] as bigint
        stack[sp - 1] = modulus === 0n ? 0n : ((stack[sp + 1] as bigint) * (stack[sp] as bigint)) % modulus
        break
      }
      case 0x0a: {
        // EXP
        sp--
        const exponent = stack[sp - 1] as bigint
        gas -= exponent === 0n ? 0 : EXP_BYTE * Math.ceil(exponent.toString(16).length / 2)
        if (gas < 0) return failed(frame, 'out of gas')
        stack[sp - 1] = power(stack[sp] as bigint, exponent)
        break
      }
      case 0x0b: {
        // SIGNEXTEND
        sp--
        const size = stack[sp] as bigint
        if (size < 31n)
          stack[sp - 1] = BigInt.asUintN(256, BigInt.asIntN(8 * (Number(size) + 1), stack[sp - 1] as bigint))
        break
      }
      case 0x10: // LT
        sp--
        stack[sp - 1] = (stack[sp] as bigint) < (stack[sp - 1] as bigint) ? 1n : 0n
        break
      case 0x11: // GT
        sp--
        stack[sp - 1] = (stack[sp] as bigint) > (stack[sp - 1] as bigint) ? 1n : 0n
        break
      case 0x12: // SLT
        sp--
        stack[sp - 1] = signed(stack[sp] as bigint) < signed(stack[sp - 1] as bigint) ? 1n : 0n
        break
      case 0x13: // SGT
        sp--
        stack[sp - 1] = signed(stack[sp] as bigint) > signed(stack[sp - 1] as bigint) ? 1n : 0n
        break
      case 0x14: // EQ
        sp--
        stack[sp - 1] = stack[sp] === stack[sp - 1] ? 1n : 0n
        break
      case 0x15: // ISZERO
        stack[sp - 1] = stack[sp - 1] === 0n ? 1n : 0n
        break
      case 0x16: // AND
        sp--
        stack[sp - 1] = (stack[sp] as bigint) & (stack[sp - 1] as bigint)
        break
      case 0x17: // OR
        sp--
        stack[sp - 1] = (stack[sp] as bigint) | (stack[sp - 1] as bigint)
        break
      case 0x18: // XOR
        sp--
        stack[sp - 1] = (stack[sp] as bigint) ^ (stack[sp - 1] as bigint)
        break
      case 0x19: // NOT
        stack[sp - 1] = MAX_WORD - (stack[sp - 1] as bigint)
        break
      case 0x1a: {
        // BYTE
        sp--
        const index = stack[sp] as bigint
        stack[sp - 1] = index >= 32n ? 0n : ((stack[sp - 1] as bigint) >> (8n * (31n - index))) & 0xffn
        break
      }
      case 0x1b: {
        // SHL
        sp--
        const shift = stack[sp] as bigint
        stack[sp - 1] = shift >= 256n ? 0n : BigInt.asUintN(256, (stack[sp - 1] as bigint) << shift)
        break
      }
      case 0x1c: {
        // SHR
        sp--
        const shift = stack[sp] as bigint
        stack[sp - 1] = shift >= 256n ? 0n : (stack[sp - 1] as bigint) >> shift
        break
      }
      case 0x1d: {
        // SAR
        sp--
        const shift = stack[sp] as bigint
        stack[sp - 1] = BigInt.asUintN(256, signed(stack[sp - 1] as bigint) >> (shift > 255n ? 255n : shift))
        break
      }
      case 0x1e: {
        // CLZ
        const word = stack[sp - 1] as bigint
        stack[sp - 1] = word === 0n ? 256n : BigInt(256 - word.toString(2).length)
        break
      }
      case 0x20: {
        // KECCAK256
        sp--
        const offset = bounded(stack[sp] as bigint)
        const length = bounded(stack[sp - 1] as bigint)
        gas -= KECCAK_WORD * words(length) + memory.expansion(offset, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(offset, length)
        stack[sp - 1] = wordOf(keccak256(length === 0 ? NOTHING : memory.bytes.subarray(offset, offset + length)))
        break
      }
      case 0x30: // ADDRESS
        stack[sp++] = frame.address
        break
      case 0x31: {
        // BALANCE
        const account = (stack[sp - 1] as bigint) & ADDRESS_MASK
        gas -= world.warmAccount(account) ? COLD_ACCOUNT : WARM_ACCESS
        if (gas < 0) return failed(frame, 'out of gas')
        stack[sp - 1] = world.balance(world.addressBytes(account))
        break
      }
      case 0x32: // ORIGIN
        stack[sp++] = block.origin
        break
      case 0x33: // CALLER
        stack[sp++] = frame.caller
        break
      case 0x34: // CALLVALUE
        stack[sp++] = frame.value
        break
      case 0x35: {
        // CALLDATALOAD
        const offset = bounded(stack[sp - 1] as bigint)
        stack[sp - 1] = dataWord(frame.data, offset)
        break
      }
      case 0x36: // CALLDATASIZE
        stack[sp++] = BigInt(frame.data.length)
        break
      case 0x37: // CALLDATACOPY
      case 0x39: {
        // CODECOPY
        sp -= 3
        const to = bounded(stack[sp + 2] as bigint)
        const from = bounded(stack[sp + 1] as bigint)
        const length = bounded(stack[sp] as bigint)
        gas -= COPY_WORD * words(length) + memory.expansion(to, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(to, length)
        memory.copyFrom(opcode === 0x37 ? frame.data : bytes, from, to, length)
        break
      }
      case 0x38: // CODESIZE
        stack[sp++] = BigInt(bytes.length)
        break
      case 0x3a: // GASPRICE
        stack[sp++] = block.gasPrice
        break
      case 0x3b: {
        // EXTCODESIZE
        const account = (stack[sp - 1] as bigint) & ADDRESS_MASK
        gas -= world.warmAccount(account) ? COLD_ACCOUNT : WARM_ACCESS
        if (gas < 0) return failed(frame, 'out of gas')
        stack[sp - 1] = BigInt(world.code(world.addressBytes(account)).length)
        break
      }
      case 0x3c: {
        // EXTCODECOPY
        sp -= 4
        const account = (stack[sp + 3] as bigint) & ADDRESS_MASK
        const to = bounded(stack[sp + 2] as bigint)
        const from = bounded(stack[sp + 1] as bigint)
        const length = bounded(stack[sp] as bigint)
        gas -= COPY_WORD * words(length) + memory.expansion(to, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        gas -= world.warmAccount(account) ? COLD_ACCOUNT : WARM_ACCESS
        if (gas < 0) return failed(frame, 'out of gas')
        memory.grow(to, length)
        memory.copyFrom(world.code(world.addressBytes(account)), from, to, length)
        break
      }
      case 0x3d: // RETURNDATASIZE
        stack[sp++] = BigInt(frame.returned.length)
        break
      case 0x3e: {
        // RETURNDATACOPY
        sp -= 3
        const to = bounded(stack[sp + 2] as bigint)
        const from = bounded(stack[sp + 1] as bigint)
        const length = bounded(stack[sp] as bigint)
        if (!(from + length <= frame.returned.length)) return failed(frame, 'out of gas')
        gas -= COPY_WORD * words(length) + memory.expansion(to, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(to, length)
        memory.copyFrom(frame.returned, from, to, length)
        break
      }
      case 0x3f: {
        // EXTCODEHASH
        const account = (stack[sp - 1] as bigint) & ADDRESS_MASK
        gas -= world.warmAccount(account) ? COLD_ACCOUNT : WARM_ACCESS
        if (gas < 0) return failed(frame, 'out of gas')
        stack[sp - 1] = world.codeHash(world.addressBytes(account))
        break
      }
      case 0x40: {
        // BLOCKHASH
        const back = block.number - (stack[sp - 1] as bigint)
        stack[sp - 1] = back > 0n && back <= 256n ? block.hashOf(stack[sp - 1] as bigint) : 0n
        break
      }
      case 0x41: // COINBASE
        stack[sp++] = block.coinbase
        break
      case 0x42: // TIMESTAMP
        stack[sp++] = block.timestamp
        break
      case 0x43: // NUMBER
        stack[sp++] = block.number
        break
      case 0x44: // PREVRANDAO
        stack[sp++] = block.prevRandao
        break
      case 0x45: // GASLIMIT
        stack[sp++] = block.gasLimit
        break
      case 0x46: // CHAINID
        stack[sp++] = block.chainId
        break
      case 0x47: // SELFBALANCE
        stack[sp++] = world.balance(frame.addressBytes)
        break
      case 0x48: // BASEFEE
        stack[sp++] = block.baseFee
        break
      case 0x49: {
        // BLOBHASH
        const index = stack[sp - 1] as bigint
        stack[sp - 1] = index < BigInt(block.blobHashes.length) ? (block.blobHashes[Number(index)] as bigint) : 0n
        break
      }
      case 0x4a: // BLOBBASEFEE
        stack[sp++] = block.blobBaseFee()
        break
      case 0x50: // POP
        sp--
        break
      case 0x51: {
        // MLOAD
        const offset = bounded(stack[sp - 1] as bigint)
        gas -= memory.expansion(offset, 32)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(offset, 32)
        stack[sp - 1] = memory.load(offset)
        break
      }
      case 0x52: {
        // MSTORE
        sp -= 2
        const offset = bounded(stack[sp + 1] as bigint)
        gas -= memory.expansion(offset, 32)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(offset, 32)
        memory.store(offset, stack[sp] as bigint)
        break
      }
      case 0x53: {
        // MSTORE8
        sp -= 2
        const offset = bounded(stack[sp + 1] as bigint)
        gas -= memory.expansion(offset, 1)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(offset, 1)
        memory.bytes[offset] = Number((stack[sp] as bigint) & 0xffn)
        break
      }
      case 0x54: {
        // SLOAD
        const slot = stack[sp - 1] as bigint
        gas -= world.warmSlot(frame.address, slot) ? COLD_SLOT : WARM_ACCESS
        if (gas < 0) return failed(frame, 'out of gas')
        stack[sp - 1] = world.storage(frame.addressBytes, slot)
        break
      }
      case 0x55: {
        // SSTORE
        if (isStatic) return failed(frame, 'static state change')
        if (gas <= SLOT_SENTRY) return failed(frame, 'out of gas')
        sp -= 2
        gas -= storeSlot(frame, world, stack[sp + 1] as bigint, stack[sp] as bigint, gas)
        if (gas < 0) return failed(frame, 'out of gas')
        break
      }
      case 0x56: // JUMP
        sp--
        pc = jumpTarget(code, stack[sp] as bigint)
        if (pc < 0) return failed(frame, 'invalid JUMP')
        continue
      case 0x57: // JUMPI
        sp -= 2
        if (stack[sp] === 0n) break
        pc = jumpTarget(code, stack[sp + 1] as bigint)
        if (pc < 0) return failed(frame, 'invalid JUMP')
        continue
      case 0x58: // PC
        stack[sp++] = BigInt(pc)
        break
      case 0x59: // MSIZE
        stack[sp++] = BigInt(memory.size)
        break
      case 0x5a: // GAS
        stack[sp++] = BigInt(gas)
        break
      case 0x5b: // JUMPDEST
        break
      case 0x5c: // TLOAD
        stack[sp - 1] = world.transient(frame.address, stack[sp - 1] as bigint)
        break
      case 0x5d: // TSTORE
        if (isStatic) return failed(frame, 'static state change')
        sp -= 2
        world.putTransient(frame.address, stack[sp + 1] as bigint, stack[sp] as bigint)
        break
      case 0x5e: {
        // MCOPY
        sp -= 3
        const to = bounded(stack[sp + 2] as bigint)
        const from = bounded(stack[sp + 1] as bigint)
        const length = bounded(stack[sp] as bigint)
        const furthest = from > to ? from : to
        gas -= COPY_WORD * words(length) + memory.expansion(furthest, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(furthest, length)
        if (length > 0) memory.bytes.copyWithin(to, from, from + length)
        break
      }
      case 0x5f: // PUSH0
        stack[sp++] = 0n
        break
      case 0xa0:
      case 0xa1:
      case 0xa2:
      case 0xa3:
      case 0xa4: {
        // LOG0 to LOG4
        if (isStatic) return failed(frame, 'static state change')
        const count = opcode - 0xa0
        sp -= 2 + count
        const offset = bounded(stack[sp + count + 1] as bigint)
        const length = bounded(stack[sp + count] as bigint)
        gas -= LOG_BYTE * length + memory.expansion(offset, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(offset, length)
        const topics: Uint8Array[] = []
        for (let i = count - 1; i >= 0; i--) topics.push(bytesOfWord(stack[sp + i] as bigint))
        world.logs.push([frame.addressBytes, topics, memory.slice(offset, length)])
        break
      }
      case 0xf0: // CREATE
      case 0xf5: {
        // CREATE2
        if (isStatic) return failed(frame, 'static state change')
        const withSalt = opcode === 0xf5
        sp -= withSalt ? 4 : 3
        const value = stack[sp + (withSalt ? 3 : 2)] as bigint
        const offset = bounded(stack[sp + (withSalt ? 2 : 1)] as bigint)
        const length = bounded(stack[sp + (withSalt ? 1 : 0)] as bigint)
        if (length > MAX_INIT_CODE_BYTES) return failed(frame, 'initcode exceeds max initcode size')
        const perWord = INIT_CODE_WORD + (withSalt ? KECCAK_WORD : 0)
        gas -= perWord * words(length) + memory.expansion(offset, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(offset, length)
        const childGas = gas - Math.floor(gas / 64) // EIP-150
        frame.position = pc + 1
        frame.height = sp
        frame.gas = gas - childGas
        return {
          kind: 'create',
          creation: {
            value,
            initCode: memory.slice(offset, length),
            salt: withSalt ? (stack[sp] as bigint) : undefined,
            gas: childGas,
          },
        }
      }
      case 0xf1: // CALL
      case 0xf2: // CALLCODE
      case 0xf4: // DELEGATECALL
      case 0xfa: {
        // STATICCALL
        const hasValue = opcode === 0xf1 || opcode === 0xf2
        sp -= hasValue ? 7 : 6
        let at = sp + (hasValue ? 6 : 5)
        const wanted = stack[at--] as bigint
        const target = (stack[at--] as bigint) & ADDRESS_MASK
        const value = hasValue ? (stack[at--] as bigint) : 0n
        if (isStatic && opcode === 0xf1 && value !== 0n) return failed(frame, 'static state change')
        const inOffset = bounded(stack[at--] as bigint)
        const inLength = bounded(stack[at--] as bigint)
        const outOffset = bounded(stack[at--] as bigint)
        const outLength = bounded(stack[at] as bigint)
        gas -= Math.max(memory.expansion(inOffset, inLength), memory.expansion(outOffset, outLength))
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        gas -= world.warmAccount(target) ? COLD_ACCOUNT : WARM_ACCESS
        if (value !== 0n) gas -= CALL_VALUE
        const targetBytes = world.addressBytes(target)
        if (opcode === 0xf1 && value !== 0n && world.isDead(targetBytes)) gas -= NEW_ACCOUNT
        if (gas < 0) return failed(frame, 'out of gas')
        const delegate = world.delegateOf(targetBytes)
        if (delegate !== undefined) gas -= world.warmAccount(delegate) ? COLD_ACCOUNT : WARM_ACCESS
        if (gas < 0) return failed(frame, 'out of gas')
        memory.grow(inOffset, inLength)
        memory.grow(outOffset, outLength)
        const most = gas - Math.floor(gas / 64) // EIP-150
        const childGas = wanted < BigInt(most) ? Number(wanted) : most
        frame.position = pc + 1
        frame.height = sp
        frame.gas = gas - childGas
        const own = opcode === 0xf2 || opcode === 0xf4
        return {
          kind: 'call',
          call: {
            address: own ? frame.address : target,
            addressBytes: own ? frame.addressBytes : targetBytes,
            codeAddress: target,
            delegate,
            caller: opcode === 0xf4 ? frame.caller : frame.address,
            value: opcode === 0xf4 ? frame.value : value,
            // DELEGATECALL shows its caller's value and moves nothing; CALLCODE would move it to itself.
            moves: opcode === 0xf1 ? value : 0n,
            needs: value,
            // A view suffices: this frame's memory stands still until the message has ended.
            data: inLength === 0 ? NOTHING : memory.bytes.subarray(inOffset, inOffset + inLength),
            gas: childGas + (value !== 0n ? CALL_STIPEND : 0),
            isStatic: isStatic || opcode === 0xfa,
            outOffset,
            outLength,
          },
        }
      }
      case 0xf3: // RETURN
      case 0xfd: {
        // REVERT
        sp -= 2
        const offset = bounded(stack[sp + 1] as bigint)
        const length = bounded(stack[sp] as bigint)
        gas -= memory.expansion(offset, length)
        if (!(gas >= 0)) return failed(frame, 'out of gas')
        memory.grow(offset, length)
        frame.output = memory.slice(offset, length)
        frame.gas = gas
        return opcode === 0xf3 ? END : REVERT
      }
      case 0xff: {
        // SELFDESTRUCT
        if (isStatic) return failed(frame, 'static state change')
        sp--
        const heir = (stack[sp] as bigint) & ADDRESS_MASK
        if (world.warmAccount(heir)) gas -= COLD_ACCOUNT
        const heirBytes = world.addressBytes(heir)
        const balance = world.balance(frame.addressBytes)
        if (balance !== 0n && world.isDead(heirBytes)) gas -= NEW_ACCOUNT
        if (gas < 0) return failed(frame, 'out of gas')
        destroy(frame, world, heir, heirBytes, balance)
        frame.gas = gas
        return END
      }
      default:
        return failed(frame, 'invalid opcode')
    }
    pc++
  }
}

function failed(frame: Frame, failure: Failure): Outcome {
  frame.failure = failure
  frame.gas = 0
  return FAILURE
}

function jumpTarget(code: Frame['code'], word: bigint): number {
  const target = word < 0x1_0000_0000n ? Number(word) : -1
  return target >= 0 && code.isDestination(target) ? target : -1
}

function dataWord(data: Uint8Array, offset: number): bigint {
  if (offset + 32 <= data.length) return wordOf(data.subarray(offset, offset + 32))
  if (offset >= data.length) return 0n
  const word = new Uint8Array(32)
  word.set(data.subarray(offset))
  return wordOf(word)
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asUintN(256, result * square)
    square = BigInt.asUintN(256, square * square)
  }
  return result
}

/** Writes a slot where the gas left covers it; says what it costs (EIP-2200, EIP-2929, EIP-3529). */
function storeSlot({ address, addressBytes }: Frame, world: World, slot: bigint, value: bigint, gas: number): number {
  const access = world.warmSlot(address, slot) ? COLD_SLOT : 0
  const current = world.storage(addressBytes, slot)
  if (current === value) return access + WARM_ACCESS
  const original = world.originalStorage(addressBytes, slot)
  if (original !== current) {
    if (original !== 0n) {
      if (current === 0n) world.refund -= REFUND_CLEARED
      else if (value === 0n) world.refund += REFUND_CLEARED
    }
    if (original === value) world.refund += (original === 0n ? SLOT_SET : SLOT_RESET) - WARM_ACCESS
    if (access + WARM_ACCESS <= gas) world.putStorage(addressBytes, slot, value)
    return access + WARM_ACCESS
  }
  const cost = access + (original === 0n ? SLOT_SET : SLOT_RESET)
  if (original !== 0n && value === 0n) world.refund += REFUND_CLEARED
  if (cost <= gas) world.putStorage(addressBytes, slot, value)
  return cost
}

/** EIP-6780: the balance moves; the account itself goes only in the transaction that created it. */
function destroy(
  { address, addressBytes }: Frame,
  world: World,
  heir: bigint,
  heirBytes: Uint8Array,
  balance: bigint,
): void {
  if (heir !== address) world.transfer(addressBytes, heirBytes, balance)
  world.touch(heirBytes)
  if (!world.created.includes(address)) return
  // Left to itself, the balance is burnt.
  world.setBalance(addressBytes, 0n)
  world.destroyed.push(address)
}
