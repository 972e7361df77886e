import { RLP } from '@ethereumjs/rlp'
import type { BlockRef, StateRange } from '@hawser/chain'
import { fromHex, readUintBE, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { listIn, malformed } from './rlp.ts'

/** Leaves and proof nodes of one answer: more than fit into its bytes when they are real ones. */
const MAX_LEAVES = 16_384
const MAX_NODES = 130
/** An account's RLP is the longest leaf; a branch of sixteen hashes the longest node. */
const MAX_VALUE_BYTES = 128
const MAX_NODE_BYTES = 600

export interface StateRangeRequest {
  readonly block: BlockRef
  /** 32 bytes: the hashed address whose storage is asked for; undefined for the accounts. */
  readonly account: Uint8Array | undefined
  /** First and last key, 32 bytes each. */
  readonly origin: Uint8Array
  readonly limit: Uint8Array
}

/** [number 8, hash 32, account 32 or empty, origin 32, limit 32] */
export function encodeStateRequest({ block, account, origin, limit }: StateRangeRequest): Uint8Array {
  return RLP.encode([uintBE(block.number, 8), fromHex(block.hash), account ?? new Uint8Array(), origin, limit])
}

/** @throws MESSAGE_MALFORMED */
export function decodeStateRequest(message: Uint8Array): StateRangeRequest {
  const fields = listIn(message, 6)
  if (fields.length !== 5) throw malformed('not a list of 5')
  const field = (index: number, ...lengths: number[]): Uint8Array => {
    const value = fields[index]
    if (!(value instanceof Uint8Array) || !lengths.includes(value.length))
      throw malformed(`field ${index} is not ${lengths.join(' or ')} bytes`)
    return value
  }
  const account = field(2, 0, 32)
  return {
    block: { number: readUintBE(field(0, 8)), hash: toHex(field(1, 32)) as Hash32 },
    account: account.length === 0 ? undefined : account,
    origin: field(3, 32),
    limit: field(4, 32),
  }
}

/** [[[key 32, value]...], end 32, [node...]] */
export function encodeStateRange({ leaves, end, proof }: StateRange): Uint8Array {
  return RLP.encode([leaves.map(({ key, value }) => [key, value]), end, [...proof]])
}

/** The lengths are checked; the range is proven by whoever takes it. @throws MESSAGE_MALFORMED */
export function decodeStateRange(message: Uint8Array): StateRange {
  const [leaves, end, proof, ...rest] = listIn(message, 4 + 3 * MAX_LEAVES + MAX_NODES)
  if (!Array.isArray(leaves) || !Array.isArray(proof) || !isBytes(end, 32, 32) || rest.length > 0)
    throw malformed('not [leaves, end, proof]')
  if (leaves.length > MAX_LEAVES || proof.length > MAX_NODES) throw malformed('too many leaves or nodes')
  return {
    leaves: leaves.map((leaf: unknown) => {
      const [key, value, ...more] = Array.isArray(leaf) ? (leaf as unknown[]) : []
      if (!isBytes(key, 32, 32) || !isBytes(value, 1, MAX_VALUE_BYTES) || more.length > 0)
        throw malformed('a leaf is not [key, value]')
      return { key, value }
    }),
    end,
    proof: proof.map((node: unknown) => {
      if (!isBytes(node, 1, MAX_NODE_BYTES)) throw malformed('a node is too long')
      return node
    }),
  }
}

function isBytes(value: unknown, least: number, most: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length >= least && value.length <= most
}
