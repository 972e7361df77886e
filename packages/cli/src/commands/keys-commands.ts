import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Hex } from '@hawser/primitives'
import type { Command } from 'commander'
import { cliError } from '../errors.ts'
import { columns } from '../format.ts'
import {
  KEY_NAMES,
  newValidatorKeys,
  publicParts,
  readPublicParts,
  writeKeys,
  type PublicParts,
} from '../key-folder.ts'
import { readAccount, readPasswordFile } from '../parse-arguments.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

export interface EncryptionOptions {
  readonly passwordFile?: string
  readonly plain?: boolean
}

/** Adds the choice between encrypted and plain key files. */
export function withEncryption(command: Command): Command {
  return command
    .option('--password-file <file>', 'encrypt the keys with the password on its first line (Web3 keystore v3)')
    .option('--plain', 'do not encrypt: only for devnets')
}

/** The password, or undefined for plain files. @throws USAGE unless exactly one was chosen */
export function passwordFrom({ passwordFile, plain }: EncryptionOptions): string | undefined {
  if ((passwordFile === undefined) === (plain !== true))
    throw cliError(
      'USAGE',
      'keys are encrypted by default; give --password-file FILE, or --plain for a devnet, not both',
    )
  return passwordFile === undefined ? undefined : readPasswordFile(passwordFile)
}

/** The public parts for people. */
export function describePublicParts(parts: PublicParts): string[] {
  return columns([
    ['Session', `${parts.session}  (address; seals blocks and votes)`],
    ['Beneficiary', `${parts.beneficiary}  (address; gets tips and fees)`],
    ['Management', `${parts.managementKey}  (public key; keep its secret offline)`],
    ['Bitcoin', `${parts.bitcoinKey}  (public key; custody)`],
    ['Peer id', parts.peerId],
  ])
}

/** hawser keys new|show */
export function addKeys(program: Command, session: Session): void {
  const keys = program
    .command('keys')
    .description("a validator's keys: session, management, bitcoin and the node's own")
  const make = keys
    .command('new')
    .description('make keys in a folder that has none')
    .requiredOption('--dir <folder>', 'where')
    .option(
      '--beneficiary <account>',
      "who gets tips and fees; the management key's address unless told otherwise",
      readAccount,
    )
  examples(
    withEncryption(make),
    [
      [
        'hawser keys new --dir keys --password-file password.txt',
        'four encrypted key files, and public.json to hand out',
      ],
      ['hawser keys new --dir keys --plain', 'for a devnet'],
    ],
    'Move management.json to a machine without a network: it can replace the others, and no node needs it. Make other keys for another network: one session key on two can be convicted.',
  ).action(() => {
    const options = optionsOf<EncryptionOptions & { dir: string; beneficiary?: Hex }>(make)
    const password = passwordFrom(options)
    const folder = resolve(options.dir)
    const taken = [...KEY_NAMES.map((name) => `${name}.json`), 'public.json'].find((name) =>
      existsSync(join(folder, name)),
    )
    if (taken)
      throw cliError(
        'FILE_EXISTS',
        `${join(folder, taken)} is there already and is not overwritten; choose another --dir`,
      )
    const secrets = newValidatorKeys()
    const parts = publicParts(secrets, options.beneficiary)
    mkdirSync(folder, { recursive: true })
    writeKeys(folder, secrets, password)
    writeFileSync(join(folder, 'public.json'), `${JSON.stringify(parts, null, 2)}\n`, { flag: 'wx' })
    session
      .outputOf(options)
      .result({ dir: folder, ...parts }, [`Keys are in ${folder}`, ...describePublicParts(parts)])
  })
  const show = keys
    .command('show')
    .description('the public parts of the keys in a folder')
    .requiredOption('--dir <folder>', 'where')
  examples(show, [
    ['hawser keys show --dir keys --json', 'what `hawser init --validators` wants of each validator'],
  ]).action(() => {
    const options = optionsOf<{ dir: string }>(show)
    const parts = readPublicParts(resolve(options.dir))
    session.outputOf(options).result(parts, describePublicParts(parts))
  })
}
