import { RLP } from '@ethereumjs/rlp'
import type { BlockRef } from '@hawser/chain'
import {
  concatBytes,
  fromHex,
  keccak256,
  readUintBE,
  toHex,
  uintBE,
  utf8,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import { recoverAddress } from '@hawser/primitives/node'
import { listIn, malformed } from './rlp.ts'

/** Who a node is and how far it has come; exchanged at each connection and when a node asks again. */
export interface StatusMessage {
  readonly chainId: bigint
  readonly genesisHash: Hash32
  readonly head: BlockRef
  readonly finalized: BlockRef
  /** The first block from which on it has all: 1, but after a state sync. */
  readonly first: bigint
  /** Its clock, Unix milliseconds. */
  readonly timeMs: bigint
  /** The validator that the node claims to be, with its signature over the peer id. */
  readonly validator?: { readonly address: Address; readonly signature: Uint8Array }
}

/** keccak256("HWID" | chainId u64 | genesisHash 32 | peer id bytes): binds a session key to a libp2p identity. */
export function identityDigest(chainId: bigint, genesisHash: Hash32, peerId: Uint8Array): Uint8Array {
  return keccak256(concatBytes(utf8('HWID'), uintBE(chainId, 8), fromHex(genesisHash), peerId))
}

export function encodeStatus(status: StatusMessage): Uint8Array {
  return RLP.encode([
    uintBE(status.chainId, 8),
    fromHex(status.genesisHash),
    uintBE(status.head.number, 8),
    fromHex(status.head.hash),
    uintBE(status.finalized.number, 8),
    fromHex(status.finalized.hash),
    uintBE(status.first, 8),
    uintBE(status.timeMs, 8),
    status.validator ? [fromHex(status.validator.address), status.validator.signature] : [],
  ])
}

/** @throws MESSAGE_MALFORMED; also when the claimed validator's signature is not over `peerId` */
export function decodeStatus(bytes: Uint8Array, peerId: Uint8Array): StatusMessage {
  const parts = listIn(bytes, 12)
  if (parts.length !== 9) throw malformed('not a list of 9')
  const field = (index: number, length: number): Uint8Array => {
    const value = parts[index]
    if (!(value instanceof Uint8Array) || value.length !== length)
      throw malformed(`field ${index} is not ${length} bytes`)
    return value
  }
  const status = {
    chainId: readUintBE(field(0, 8)),
    genesisHash: toHex(field(1, 32)) as Hash32,
    head: { number: readUintBE(field(2, 8)), hash: toHex(field(3, 32)) as Hash32 },
    finalized: { number: readUintBE(field(4, 8)), hash: toHex(field(5, 32)) as Hash32 },
    first: readUintBE(field(6, 8)),
    timeMs: readUintBE(field(7, 8)),
  }
  const claim = parts[8]
  if (!Array.isArray(claim)) throw malformed('field 8 is not a list')
  if (claim.length === 0) return status
  const [address, signature] = claim
  if (
    !(address instanceof Uint8Array) ||
    address.length !== 20 ||
    !(signature instanceof Uint8Array) ||
    signature.length !== 65
  )
    throw malformed('the validator claim is not [address, signature]')
  const digest = identityDigest(status.chainId, status.genesisHash, peerId)
  let signer: string
  try {
    signer = recoverAddress(digest, signature)
  } catch (cause) {
    throw malformed('the validator claim is signed by nobody', cause)
  }
  if (signer !== toHex(address)) throw malformed('the validator claim is signed by another key')
  return { ...status, validator: { address: toHex(address) as Address, signature } }
}
