import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { ValidatorSpec } from '@hawser/chain'
import { validatorSpecOf, writeKeyFile } from '@hawser/node'
import { peerIdOf } from '@hawser/p2p'
import { cliError } from './errors.ts'
import { readTextFile } from './parse-arguments.ts'

/** The key files of a validator. */
export const KEY_NAMES = ['node', 'session', 'management', 'bitcoin'] as const

/** A validator's secret keys, 32 bytes each. */
export type ValidatorSecrets = Readonly<Record<(typeof KEY_NAMES)[number], Uint8Array>>

/** What others may know of them: the validator's entry in the chain spec, and its peer id. */
export interface PublicParts extends ValidatorSpec {
  readonly peerId: string
}

export function newValidatorKeys(): ValidatorSecrets {
  const secret = () => new Uint8Array(randomBytes(32))
  return { node: secret(), session: secret(), management: secret(), bitcoin: secret() }
}

/** The public parts; tips and fees go to the management key's address unless told otherwise. */
export function publicParts(secrets: ValidatorSecrets, beneficiary?: string): PublicParts {
  const spec = validatorSpecOf({ ...secrets, beneficiary: secrets.management })
  return { ...spec, ...(beneficiary ? { beneficiary: beneficiary.toLowerCase() } : {}), peerId: peerIdOf(secrets.node) }
}

/** Writes the key files, readable by their owner alone; none is overwritten. */
export function writeKeys(folder: string, secrets: ValidatorSecrets, password?: string): void {
  for (const name of KEY_NAMES) writeKeyFile(join(folder, `${name}.json`), secrets[name], password)
}

/** @throws FILE_UNREADABLE, USAGE */
export function readPublicParts(folder: string): PublicParts {
  const path = join(folder, 'public.json')
  const [parts] = parsePublicParts(readTextFile(path, 'the file of public keys'), path)
  return parts as PublicParts
}

/** The public parts in a JSON document: one object or a list of them. @throws USAGE */
export function parsePublicParts(text: string, path: string): PublicParts[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw cliError('USAGE', `${path} is not JSON; give what \`hawser keys show --json\` prints`, cause)
  }
  const list: unknown[] = Array.isArray(value) ? value : [value]
  for (const [index, entry] of list.entries()) {
    const { session, beneficiary, managementKey, bitcoinKey } = (entry ?? {}) as Partial<Record<string, unknown>>
    const wrong = !isHex(session, 20)
      ? 'session'
      : !isHex(beneficiary, 20)
        ? 'beneficiary'
        : !isHex(managementKey, 33)
          ? 'managementKey'
          : !isHex(bitcoinKey, 33)
            ? 'bitcoinKey'
            : undefined
    if (wrong)
      throw cliError(
        'USAGE',
        `${path}: entry ${index} has no valid ${wrong}; give what \`hawser keys show --json\` prints`,
      )
  }
  return list as PublicParts[]
}

function isHex(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`).test(value)
}
