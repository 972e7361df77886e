import { devValidatorKeys, DEVNET_VALIDATORS } from '@hawser/node'
import { toHex, type Hex } from '@hawser/primitives'
import type { Command } from 'commander'
import { cliError } from './errors.ts'
import { readCount } from './parse-arguments.ts'
import { keyInFile } from './signer.ts'

export interface ManagementKeyOptions {
  readonly managementKeyFile?: string
  readonly devValidator?: number
  readonly passwordFile?: string
}

/** Adds the ways to name a validator's management key. */
export function withManagementKey(command: Command): Command {
  return command
    .option('--management-key-file <file>', 'the management key: hex, or a Web3 keystore with --password-file')
    .option(
      '--dev-validator <n>',
      "the management key of one of the devnet's validators",
      readCount('--dev-validator', 0, DEVNET_VALIDATORS - 1),
    )
}

/** @throws USAGE unless exactly one is named */
export function managementKeyFrom({ managementKeyFile, devValidator, passwordFile }: ManagementKeyOptions): Hex {
  if ((managementKeyFile === undefined) === (devValidator === undefined))
    throw cliError('USAGE', 'give the management key with one of --management-key-file FILE and --dev-validator N')
  if (managementKeyFile !== undefined) return keyInFile(managementKeyFile, passwordFile)
  return toHex(devValidatorKeys(devValidator as number).management)
}
