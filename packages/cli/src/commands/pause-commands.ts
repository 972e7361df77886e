import { devValidatorKeys, DEVNET_VALIDATORS, readConfig, writeResumeRequest } from '@hawser/node'
import { toHex, type Hex } from '@hawser/primitives'
import type { Command } from 'commander'
import { connect } from '../context.ts'
import { cliError } from '../errors.ts'
import { readCount, readId } from '../parse-arguments.ts'
import { keyInFile, signerFrom, withSigner, type SignerOptions } from '../signer.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** hawser halt, hawser vote-resume: what validators do when something is wrong with the bridge. */
export function addPauseCommands(program: Command, session: Session): void {
  addHalt(program, session)
  addVoteResume(program, session)
}

function addHalt(program: Command, session: Session): void {
  const command = program
    .command('halt')
    .description("submit a validator's vote to halt the bridge, signed with its management key")
    .option('--management-key-file <file>', 'the management key: hex, or a Web3 keystore with --password-file')
    .option(
      '--dev-validator <n>',
      "the management key of one of the devnet's validators",
      readCount('--dev-validator', 0, DEVNET_VALIDATORS - 1),
    )
  examples(
    withSigner(command),
    [
      [
        'hawser halt --management-key-file management.json --password-file pw --dev-account 0',
        'the account pays the gas',
      ],
    ],
    'With the votes of more than a third of the validators no deposit, request or batch is accepted; settlement and cancelling go on.',
  ).action(async () => {
    const options = optionsOf<SignerOptions & { managementKeyFile?: string; devValidator?: number }>(command)
    const managementKey = managementKeyFrom(options)
    const account = signerFrom(options)
    const chainId = await connect(options.rpc).getChainId()
    const { hash, pauseId } = await connect(options.rpc, { account, chainId }).haltBridge({ managementKey })
    session
      .outputOf(options)
      .result({ transaction: hash, pauseId }, `voted to halt (after pause ${pauseId}) in ${hash}`)
  })
}

function managementKeyFrom(options: { managementKeyFile?: string; devValidator?: number; passwordFile?: string }): Hex {
  const { managementKeyFile, devValidator, passwordFile } = options
  if ((managementKeyFile === undefined) === (devValidator === undefined))
    throw cliError('USAGE', 'give the management key with one of --management-key-file FILE and --dev-validator N')
  if (managementKeyFile !== undefined) return keyInFile(managementKeyFile, passwordFile)
  return toHex(devValidatorKeys(devValidator as number).management)
}

function addVoteResume(program: Command, session: Session): void {
  const command = program
    .command('vote-resume')
    .description('ask the validator that runs on this machine to vote for resuming the paused bridge')
    .argument('<pause>', 'the number of the pause, as `hawser status` shows it', readId)
    .requiredOption('--config <file>', "the validator's configuration file")
  examples(
    command,
    [['hawser vote-resume 3 --config node0/config.json', 'its next block holds the vote']],
    'More than two thirds of the validators resume the bridge. A new cause begins a new pause, and votes count anew.',
  ).action((pauseId: bigint) => {
    const options = optionsOf<{ config: string }>(command)
    const { dataDir } = readConfig(options.config)
    writeResumeRequest(dataDir, pauseId)
    session
      .outputOf(options)
      .result({ pauseId, dataDir }, `the validator in ${dataDir} will vote to end pause ${pauseId}`)
  })
}
