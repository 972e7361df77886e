import { RLP } from '@ethereumjs/rlp'
import { isEOACode7702Tx, type TypedTransaction } from '@ethereumjs/tx'
import { concatBytes, keccak256, type Address } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'

const MAGIC = Uint8Array.of(0x05)

/** The accounts whose code a transaction sets, each once; authorizations without a valid signature are passed over. @see EIP-7702 */
export function authoritiesOf(tx: TypedTransaction): readonly Address[] {
  if (!isEOACode7702Tx(tx)) return []
  const authorities = new Set<Address>()
  for (const [chainId, address, nonce, yParity, r, s] of tx.authorizationList) {
    try {
      const digest = keccak256(concatBytes(MAGIC, RLP.encode([chainId, address, nonce])))
      const key = secp256k1.ecrecover(digest, pad32(r), pad32(s), yParity[0] ?? 0)
      authorities.add(publicKeyToAddress(key))
    } catch {
      // Execution passes over it too.
    }
  }
  return [...authorities]
}

function pad32(bytes: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array(Math.max(0, 32 - bytes.length)), bytes)
}
