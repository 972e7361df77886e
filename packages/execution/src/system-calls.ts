import { concatBytes, fromHex, keccak256, utf8, type Address } from '@hawser/primitives'

const SIGNATURES = {
  onBlock: 'onBlock(address)',
  closeEpoch: 'closeEpoch()',
  beneficiaryOf: 'beneficiaryOf(address)',
} as const

/** Call data of the few functions that the engine itself calls; each takes an address or nothing. */
export function functionData(name: keyof typeof SIGNATURES, argument?: Address): Uint8Array {
  const selector = keccak256(utf8(SIGNATURES[name])).subarray(0, 4)
  return argument ? concatBytes(selector, new Uint8Array(12), fromHex(argument)) : selector
}
