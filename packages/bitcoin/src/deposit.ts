import {
  concatBytes,
  equalBytes,
  fromHex,
  readUintBE,
  taggedHash,
  toHex,
  uintBE,
  utf8,
  type Address,
} from '@hawser/primitives'
import { scriptToAddress } from './bitcoin-address.ts'
import type { CustodyTree } from './committee.ts'
import { bitcoinError } from './errors.ts'
import type { BitcoinNetwork } from './networks.ts'
import { OP, p2trScript, pushData, pushNumber } from './script.ts'
import { controlBlock, tapBranchHash, tapLeafHash, tapTweakKey, type TweakedKey } from './taproot.ts'

/** The only deposit kind so far: BTC to an EVM address. */
export const DEPOSIT_KIND_PLAIN = 0
/** BIP68 counts at most so many blocks. */
export const MAX_CSV_BLOCKS = 0xffff
const DEPOSIT_MAGIC = utf8('HWSD')
const DEPOSIT_RETURN_VERSION = 1
const DEPOSIT_RETURN_BYTES = 34

export interface DepositParameters {
  readonly committee: CustodyTree
  readonly network: BitcoinNetwork
  readonly chainId: bigint
  /** Who is credited. */
  readonly account: Address
  /** x-only key (32 bytes) that can take the coin back once `csv` has passed. */
  readonly refundKey?: Uint8Array
  /** Blocks until the refund key may spend; needed with refundKey. */
  readonly csv?: number
}

/** What a custody coin's script is made of; `u` is 32 zero bytes for a committee's plain address. */
export interface CustodyOutput {
  readonly address: string
  /** 34 bytes. */
  readonly scriptPubKey: Uint8Array
  readonly u: Uint8Array
  /** TapBranch(R, u), or R itself for the plain address. */
  readonly merkleRoot: Uint8Array
  /** x of Q, 32 bytes. */
  readonly outputKey: Uint8Array
  /** y of Q = P + tG itself (P lifted to even y), 32 bytes, even or odd: what the Bridge contract takes as Qy. */
  readonly qy: Uint8Array
  readonly parity: 0 | 1
  /** t, 32 bytes: the x-only tweak of the key path. */
  readonly tweak: Uint8Array
}

export interface DepositAddress extends CustodyOutput {
  /** d: what the COMMIT leaf commits to, 32 bytes. */
  readonly commitment: Uint8Array
  readonly reclaim?: {
    readonly script: Uint8Array
    readonly leafHash: Uint8Array
    readonly controlBlock: Uint8Array
    readonly csv: number
  }
}

/** d = TaggedHash("Hawser/deposit", chainId u64 BE | kind u8 | account 20 | payloadHash 32): 32 bytes. */
export function depositCommitment(
  chainId: bigint,
  account: Address,
  kind: number = DEPOSIT_KIND_PLAIN,
  payloadHash: Uint8Array = new Uint8Array(32),
): Uint8Array {
  return taggedHash('Hawser/deposit', uintBE(chainId, 8), uintBE(kind, 1), fromHex(account), payloadHash)
}

/** The COMMIT leaf, 34 bytes: `<d> OP_RETURN`, never spendable and never revealed. */
export function commitScript(commitment: Uint8Array): Uint8Array {
  return concatBytes(pushData(commitment), Uint8Array.of(OP.RETURN))
}

/** The RECLAIM leaf: `<csv> CSV DROP <refund x-only key> CHECKSIG`. @throws DEPOSIT_INVALID */
export function reclaimScript(refundKey: Uint8Array, csv: number): Uint8Array {
  if (refundKey.length !== 32) throw invalid(`a refund key is x-only, 32 bytes, not ${refundKey.length}`)
  if (!Number.isInteger(csv) || csv < 1 || csv > MAX_CSV_BLOCKS)
    throw invalid(`csv must be 1 to ${MAX_CSV_BLOCKS} blocks, not ${csv}`)
  return concatBytes(
    pushNumber(csv),
    Uint8Array.of(OP.CHECKSEQUENCEVERIFY, OP.DROP),
    pushData(refundKey),
    Uint8Array.of(OP.CHECKSIG),
  )
}

/** The address that credits `account` on the chain (protocol.md, section 6). @throws DEPOSIT_INVALID, PUBLIC_KEY_INVALID */
export function depositAddress(parameters: DepositParameters): DepositAddress {
  const { committee, network, chainId, account, refundKey, csv } = parameters
  const commitment = depositCommitment(chainId, account)
  const commit = tapLeafHash(commitScript(commitment))
  if (!refundKey) return { ...custodyOutput(committee, network, commit), commitment }
  if (csv === undefined) throw invalid('a refund key needs csv, the blocks until it may spend')
  const script = reclaimScript(refundKey, csv)
  const leafHash = tapLeafHash(script)
  const output = custodyOutput(committee, network, tapBranchHash(leafHash, commit))
  return {
    ...output,
    commitment,
    reclaim: {
      script,
      leafHash,
      controlBlock: controlBlock(output.parity, committee.internalKey, [commit, committee.root]),
      csv,
    },
  }
}

/** The committee's plain address: root R, no commitment; it takes change and OP_RETURN deposits. */
export function plainAddress(committee: CustodyTree, network: BitcoinNetwork): CustodyOutput {
  return custodyOutput(committee, network, new Uint8Array(32))
}

/** The output of a custody coin with the given `u` (32 bytes, zero for the plain address). */
export function custodyOutput(committee: CustodyTree, network: BitcoinNetwork, u: Uint8Array): CustodyOutput {
  const { x, y, parity, tweak, merkleRoot } = custodyKey(committee, u)
  const scriptPubKey = p2trScript(x)
  return {
    address: scriptToAddress(scriptPubKey, network),
    scriptPubKey,
    u,
    merkleRoot,
    outputKey: x,
    qy: y,
    parity,
    tweak,
  }
}

/** The output key of a custody coin with the given `u`. */
export function custodyKey(committee: CustodyTree, u: Uint8Array): TweakedKey & { readonly merkleRoot: Uint8Array } {
  const merkleRoot = equalBytes(u, new Uint8Array(32)) ? committee.root : tapBranchHash(committee.root, u)
  return { ...tapTweakKey(committee.internalKey, merkleRoot), merkleRoot }
}

/** What a deposit's OP_RETURN says. */
export interface DepositReturn {
  readonly chainId: bigint
  readonly kind: number
  readonly account: Address
}

/** The 36-byte OP_RETURN script that goes with a payment to the plain address. */
export function depositReturnScript(chainId: bigint, account: Address, kind: number = DEPOSIT_KIND_PLAIN): Uint8Array {
  return concatBytes(
    Uint8Array.of(OP.RETURN, DEPOSIT_RETURN_BYTES),
    DEPOSIT_MAGIC,
    Uint8Array.of(DEPOSIT_RETURN_VERSION),
    uintBE(chainId, 8),
    uintBE(kind, 1),
    fromHex(account),
  )
}

/** Reads a deposit's OP_RETURN script; undefined for any other script or version. */
export function parseDepositReturn(script: Uint8Array): DepositReturn | undefined {
  if (script.length !== 2 + DEPOSIT_RETURN_BYTES || script[0] !== OP.RETURN || script[1] !== DEPOSIT_RETURN_BYTES)
    return undefined
  if (!equalBytes(script.subarray(2, 6), DEPOSIT_MAGIC) || script[6] !== DEPOSIT_RETURN_VERSION) return undefined
  return {
    chainId: readUintBE(script.subarray(7, 15)),
    kind: script[15] ?? 0,
    account: toHex(script.subarray(16)) as Address,
  }
}

function invalid(why: string) {
  return bitcoinError('DEPOSIT_INVALID', 'user', `invalid deposit: ${why}`)
}
