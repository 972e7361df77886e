import { devAccounts, readKeyFile } from '@hawser/node'
import { toHex, type Hex } from '@hawser/primitives'
import type { Command } from 'commander'
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { cliError } from './errors.ts'
import { readCount, readPasswordFile, readPrivateKey, readTextFile } from './parse-arguments.ts'

const DEV_ACCOUNTS = 10

export interface SignerOptions {
  readonly privateKey?: Hex
  readonly privateKeyFile?: string
  readonly passwordFile?: string
  readonly devAccount?: number
}

/** Adds the ways to name the account that signs. */
export function withSigner(command: Command): Command {
  return command
    .option(
      '--dev-account <n>',
      "sign as account 0 to 9 of the devnet's mnemonic",
      readCount('--dev-account', 0, DEV_ACCOUNTS - 1),
    )
    .option('--private-key-file <file>', 'sign with a key file: hex, or a Web3 keystore with --password-file')
    .option('--password-file <file>', 'the password of the key file, on its first line')
    .option(
      '--private-key <hex>',
      'sign with this key (others on this machine can see it: for devnets)',
      readPrivateKey,
    )
}

/** The account that signs. @throws USAGE unless exactly one is named */
export function signerFrom(options: SignerOptions): PrivateKeyAccount {
  const { privateKey, privateKeyFile, devAccount } = options
  const named = [privateKey, privateKeyFile, devAccount].filter((way) => way !== undefined)
  if (named.length !== 1)
    throw cliError(
      'USAGE',
      `${named.length === 0 ? 'no account to sign with' : 'more than one account to sign with'}; give one of --dev-account N, --private-key-file FILE, --private-key HEX`,
    )
  if (privateKey) return privateKeyToAccount(privateKey)
  if (privateKeyFile) return privateKeyToAccount(keyInFile(privateKeyFile, options.passwordFile))
  return privateKeyToAccount(devAccounts()[devAccount as number]?.privateKey as Hex)
}

/** A secret key from a file: hex, or a Web3 keystore. */
export function keyInFile(path: string, passwordFile?: string): Hex {
  const text = readTextFile(path, 'the key file')
  if (!text.trimStart().startsWith('{')) return readPrivateKey(text)
  return toHex(readKeyFile(path, passwordFile === undefined ? undefined : readPasswordFile(passwordFile)))
}
