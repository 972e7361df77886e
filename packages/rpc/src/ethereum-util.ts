import { RLP } from '@ethereumjs/rlp'
import { keccak256, toHex, type Hex } from '@hawser/primitives'

/** The hex form of what EthereumJS types as bytes or hex. */
export function bytesToHex(value: Uint8Array | string): Hex {
  return typeof value === 'string' ? (value as Hex) : toHex(value)
}

/** The address that an account's creation transaction makes: keccak256(rlp([sender, nonce]))[12..]. */
export function generateAddress(sender: Uint8Array, nonce: bigint): Uint8Array {
  return keccak256(RLP.encode([sender, nonce])).subarray(12)
}
