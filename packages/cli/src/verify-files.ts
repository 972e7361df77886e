import { existsSync, renameSync, writeFileSync } from 'node:fs'
import type { Hash32 } from '@hawser/primitives'
import {
  readVerifiedSets,
  writeVerifiedSets,
  type FinalityProof,
  type TrustedChain,
  type VerifiedSets,
} from '@hawser/sdk'
import { cliError } from './errors.ts'
import { readTextFile } from './parse-arguments.ts'

/** Characters of kept sets: 128 sets of 100 validators are about 800 kB. */
const MAX_STATE_CHARS = 16 * 1024 * 1024
/** Characters of a proof: some thousand handovers. */
const MAX_PROOF_CHARS = 256 * 1024 * 1024

/** The validator sets that were kept in a file; undefined when there is none yet. @throws VERIFIED_SETS_INVALID, FILE_UNREADABLE */
export function readState(path: string | undefined, trust: TrustedChain): VerifiedSets | undefined {
  if (path === undefined || !existsSync(path)) return undefined
  return readVerifiedSets(readTextFile(path, 'the file of kept validator sets', MAX_STATE_CHARS), trust)
}

/** Keeps validator sets; the old file stays whole until the new one is. */
export function writeState(path: string, sets: VerifiedSets): void {
  writeFileSync(`${path}.new`, `${writeVerifiedSets(sets)}\n`)
  renameSync(`${path}.new`, path)
}

const FORMAT = 'hawser finality proof 1'

/** A proof that can be checked where there is no node. */
export function writeProof(path: string, trust: TrustedChain, proof: FinalityProof): void {
  const { chainId, genesisHash } = trust
  writeFileSync(path, `${JSON.stringify({ format: FORMAT, chainId: String(chainId), genesisHash, ...proof })}\n`)
}

/** @throws PROOF_FILE_INVALID, FILE_UNREADABLE */
export function readProofFile(path: string, trust: TrustedChain): FinalityProof {
  const text = readTextFile(path, 'the proof', MAX_PROOF_CHARS)
  let value: (FinalityProof & { format?: string; chainId?: string; genesisHash?: Hash32 }) | null
  try {
    value = JSON.parse(text) as typeof value
  } catch (cause) {
    throw cliError('PROOF_FILE_INVALID', `${path} is not JSON; give what \`hawser verify --save\` wrote`, cause)
  }
  if (value?.format !== FORMAT)
    throw cliError('PROOF_FILE_INVALID', `${path} is no finality proof; give what \`hawser verify --save\` wrote`)
  if (value.chainId !== String(trust.chainId) || value.genesisHash !== trust.genesisHash)
    throw cliError(
      'PROOF_FILE_INVALID',
      `${path} is of another chain (id ${value.chainId}, genesis ${value.genesisHash}) than the chain spec; it proves nothing here`,
    )
  const { justification, headers, setProofs } = value
  return { justification, headers, setProofs }
}
