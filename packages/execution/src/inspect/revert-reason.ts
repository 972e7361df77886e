import { readUintBE, toHex } from '@hawser/primitives'

const ERROR_STRING = '0x08c379a0' // Error(string)
const PANIC = '0x4e487b71' // Panic(uint256)

/** What Solidity's panic codes mean, in Geth's words. */
const PANICS: Readonly<Record<string, string>> = {
  '0': 'generic panic',
  '1': 'assert(false)',
  '17': 'arithmetic underflow or overflow',
  '18': 'division or modulo by zero',
  '33': 'enum overflow',
  '34': 'invalid encoded storage byte array accessed',
  '49': 'out-of-bounds array access; popping on an empty array',
  '50': 'out-of-bounds access of an array or bytesN',
  '65': 'out of memory',
  '81': 'uninitialized function',
}

/** What a revert says for itself: the text of Error(string) or the meaning of Panic(uint256); undefined for anything else. */
export function revertReason(output: Uint8Array): string | undefined {
  const selector = toHex(output.subarray(0, 4))
  if (selector === PANIC && output.length >= 36) {
    const code = readUintBE(output.subarray(4, 36))
    return PANICS[code.toString()] ?? `unknown panic code: 0x${code.toString(16)}`
  }
  if (selector !== ERROR_STRING || output.length < 68) return undefined
  const length = readUintBE(output.subarray(36, 68))
  if (length > BigInt(output.length - 68)) return undefined
  return new TextDecoder().decode(output.subarray(68, 68 + Number(length)))
}
