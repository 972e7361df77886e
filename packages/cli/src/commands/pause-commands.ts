import { readConfig, writeResumeRequest } from '@hawser/node'
import type { Command } from 'commander'
import { connect } from '../context.ts'
import { managementKeyFrom, withManagementKey, type ManagementKeyOptions } from '../management-key.ts'
import { readId } from '../parse-arguments.ts'
import { signerFrom, withSigner, type SignerOptions } from '../signer.ts'
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
  examples(
    withSigner(withManagementKey(command)),
    [
      [
        'hawser halt --management-key-file management.json --password-file pw --dev-account 0',
        'the account pays the gas',
      ],
    ],
    'With the votes of more than a third of the validators no deposit, request or batch is accepted; settlement and cancelling go on.',
  ).action(async () => {
    const options = optionsOf<SignerOptions & ManagementKeyOptions>(command)
    const managementKey = managementKeyFrom(options)
    const account = signerFrom(options)
    const chainId = await connect(options.rpc).getChainId()
    const { hash, pauseId } = await connect(options.rpc, { account, chainId }).haltBridge({ managementKey })
    session
      .outputOf(options)
      .result({ transaction: hash, pauseId }, `voted to halt (after pause ${pauseId}) in ${hash}`)
  })
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
