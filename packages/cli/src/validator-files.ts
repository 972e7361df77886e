import { writeFileSync } from 'node:fs'
import {
  readAct,
  readCandidate,
  readProposal,
  type KeyProofs,
  type ValidatorAct,
  type ValidatorKeys,
  type ValidatorProposal,
} from '@hawser/sdk'
import { isAppError } from '@hawser/primitives'
import { cliError } from './errors.ts'
import { readTextFile } from './parse-arguments.ts'

const FORMAT = 'hawser validator act 1'

/** Files that go from machine to machine: what was signed, proposed or introduced, and for which chain. */
type Content = ValidatorAct | ValidatorProposal | { readonly candidate: ValidatorKeys; readonly proofs: KeyProofs }

/** Writes one; an old file is not overwritten. @throws FILE_EXISTS */
export function writeActFile(path: string, chainId: number, content: Content): void {
  try {
    writeFileSync(path, `${JSON.stringify({ format: FORMAT, chainId, content }, null, 2)}\n`, { flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw cliError('FILE_EXISTS', `${path} is there already and is not overwritten; choose another --out`, cause)
    throw cause
  }
}

/** @throws USAGE, FILE_UNREADABLE */
export function readActFile(path: string): { readonly chainId: number; readonly act: ValidatorAct } {
  const { chainId, value } = read(path, readAct)
  return { chainId, act: value }
}

/** @throws USAGE, also when the file is for another chain than the one that was named */
export function readProposalFile(path: string, expected: bigint | undefined) {
  const { chainId, value } = read(path, readProposal)
  if (expected !== undefined && BigInt(chainId) !== expected)
    throw cliError('USAGE', `${path} is for chain ${chainId}, not ${expected}`)
  return { chainId, proposal: value as ValidatorProposal }
}

/** @throws USAGE, FILE_UNREADABLE */
export function readCandidateFile(path: string) {
  const { chainId, value } = read(path, readCandidate)
  return { chainId, joining: value }
}

function read<T>(path: string, parse: (content: unknown) => T): { readonly chainId: number; readonly value: T } {
  const text = readTextFile(path, 'the file')
  try {
    const { format, chainId, content } = (JSON.parse(text) ?? {}) as {
      format?: string
      chainId?: number
      content?: unknown
    }
    if (format !== FORMAT || !Number.isSafeInteger(chainId)) throw new SyntaxError('it is of no known format')
    return { chainId: chainId as number, value: parse(content) }
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !isAppError(cause)) throw cause
    throw cliError('USAGE', `${path} is not what \`hawser validator\` wrote: ${cause.message}`, cause)
  }
}
