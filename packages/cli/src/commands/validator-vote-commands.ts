import type { Hex } from '@hawser/primitives'
import { publicOf, signJoin, signVote, type ValidatorProposal } from '@hawser/sdk'
import type { Command } from 'commander'
import { connect } from '../context.ts'
import { cliError } from '../errors.ts'
import { columns } from '../format.ts'
import { managementKeyFrom } from '../management-key.ts'
import { readAccount, readWhole } from '../parse-arguments.ts'
import { keyInFile, signerFrom, withSigner, type SignerOptions } from '../signer.ts'
import { readActFile, readCandidateFile, readProposalFile, writeActFile } from '../validator-files.ts'
import { chainIdOf, checkWays, finish, submit, withAct, type ActOptions } from './act-kit.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** Epochs that a proposal is open for unless its deadline is given. */
const OPEN_EPOCHS = 10n

/** hawser validator join */
export function addJoin(group: Command, session: Session): void {
  const command = group
    .command('join')
    .description("a candidate's part: its public keys, each with a signature that proves it is had")
    .requiredOption('--keys <folder>', 'the folder of `hawser keys new`: session, management and bitcoin key')
    .option('--password-file <file>', 'the password of the key files')
    .option('--beneficiary <account>', "who gets tips and fees; the management key's address unless given", readAccount)
    .option('--chain-id <n>', 'the chain; asked of the node unless given', readWhole('--chain-id'))
    .requiredOption('--out <file>', 'where to write it')
  examples(command, [
    [
      'hawser validator join --keys keys --password-file pw --chain-id 18443 --out join.json',
      'hand join.json to a validator',
    ],
  ]).action(async () => {
    const options = optionsOf<{
      keys: string
      passwordFile?: string
      beneficiary?: Hex
      chainId?: bigint
      out: string
    }>(command)
    const read = (name: string) => keyInFile(`${options.keys}/${name}.json`, options.passwordFile)
    const secret = { session: read('session'), management: read('management'), bitcoin: read('bitcoin') }
    const chainId = await chainIdOf(options)
    const joining = await signJoin(chainId, secret, options.beneficiary ?? publicOf(secret.management).address)
    writeActFile(options.out, chainId, joining)
    session
      .outputOf(options)
      .result(
        { file: options.out, chainId, ...joining },
        `Hand ${options.out} to a validator, who proposes you with it`,
      )
  })
}

/** hawser validator propose-add|propose-remove */
export function addPropose(group: Command, session: Session): void {
  const propose = (name: string, what: string, argument: readonly [string, string]) =>
    group
      .command(name)
      .description(what)
      .argument(...argument)
      .requiredOption('--out <file>', 'where to write the proposal, to be handed to every validator')
      .option(
        '--deadline <block>',
        `votes count up to this block; ${OPEN_EPOCHS} epochs from now unless given`,
        readWhole('--deadline'),
      )
      .option('--chain-id <n>', 'the chain; asked of the node unless given', readWhole('--chain-id'))
  const write = async (command: Command, make: (deadline: string) => ValidatorProposal, madeFor?: number) => {
    const options = optionsOf<{ out: string; deadline?: bigint; chainId?: bigint }>(command)
    const chainId = await chainIdOf(options)
    if (madeFor !== undefined && madeFor !== chainId)
      throw cliError('USAGE', `the candidate signed for chain ${madeFor}, and the proposal is for ${chainId}`)
    const { deadline, enough } = await ballotFor(options)
    const proposal = make(String(deadline))
    writeActFile(options.out, chainId, proposal)
    session
      .outputOf(options)
      .result({ file: options.out, chainId, proposal }, [
        `Proposed up to block ${deadline}: hand ${options.out} to every validator`,
        `Each signs with \`hawser validator vote ${options.out}\`; ${enough} must`,
      ])
  }
  const add = propose('propose-add', 'propose a new validator', ['<join>', 'the file of `hawser validator join`'])
  examples(add, [['hawser validator propose-add join.json --out proposal.json', 'to be voted on']]).action(
    (file: string) => {
      const { chainId, joining } = readCandidateFile(file)
      return write(add, (deadline) => ({ kind: 'add', ...joining, deadline }), chainId)
    },
  )
  const remove = propose('propose-remove', 'propose that a validator leaves', ['<session>', 'its session address'])
  examples(remove, [['hawser validator propose-remove 0xSession --out proposal.json', 'to be voted on']]).action(
    (target: string) => {
      const address = readAccount(target)
      return write(remove, (deadline) => ({ kind: 'remove', session: address, deadline }))
    },
  )
}

/** Until when votes count, and how many are enough: without a node nobody knows how many validators there are. */
async function ballotFor({ deadline, rpc }: { readonly deadline?: bigint; readonly rpc: string }) {
  if (deadline !== undefined) return { deadline, enough: 'as many as finality needs (3 of 4, 5 of 6, 5 of 7)' }
  const { epochEnd, epochBlocks, validators, needed } = await connect(rpc).getValidators()
  return { deadline: epochEnd + OPEN_EPOCHS * epochBlocks, enough: `${needed} of ${validators.length}` }
}

/** hawser validator vote */
export function addVote(group: Command, session: Session): void {
  const command = group
    .command('vote')
    .description('sign a vote for a proposal with a management key')
    .argument('<proposal>', 'the file of `hawser validator propose-add` or `propose-remove`')
  examples(
    withAct(command),
    [
      [
        'hawser validator vote proposal.json --management-key-file management.json --password-file pw --sign-only --out vote.json',
        'offline: the file says which chain',
      ],
      ['hawser validator submit vote0.json vote1.json vote2.json --dev-account 0', 'anybody, any number at once'],
    ],
    'The whole proposal is shown before it is signed. Votes have no nonce and may come in any order.',
  ).action(async (file: string) => {
    const options = optionsOf<ActOptions>(command)
    checkWays(options)
    const managementKey = managementKeyFrom(options)
    const { chainId, proposal } = readProposalFile(file, options.chainId)
    const output = session.outputOf(options)
    for (const line of describeProposal(chainId, proposal)) output.line(line)
    await finish(session, options, await signVote(chainId, managementKey, proposal), chainId)
  })
}

/** All that a vote says yes to. */
function describeProposal(chainId: number, proposal: ValidatorProposal): string[] {
  const { kind, deadline } = proposal
  const rows: [string, string][] =
    kind === 'add'
      ? [
          ['Proposal', 'add a validator'],
          ['Session', proposal.candidate.session],
          ['Beneficiary', proposal.candidate.beneficiary],
          ['Management', proposal.candidate.managementKey],
          ['Bitcoin', proposal.candidate.bitcoinKey],
        ]
      : [
          ['Proposal', 'remove a validator'],
          ['Session', proposal.session],
        ]
  return columns([...rows, ['Deadline', `block ${deadline}`], ['Chain', String(chainId)]])
}

/** hawser validator submit */
export function addSubmit(group: Command, session: Session): void {
  const command = group
    .command('submit')
    .description('send what management keys have signed; votes on one proposal go together')
    .argument('<files...>', 'files of --sign-only')
  examples(
    withSigner(command),
    [
      [
        'hawser validator submit vote0.json vote1.json vote2.json --dev-account 0',
        'the account pays the gas and decides nothing',
      ],
    ],
    'Every signature, nonce and deadline is checked, and the call is tried on the node, before anything is sent.',
  ).action(async (files: string[]) => {
    const options = optionsOf<SignerOptions>(command)
    signerFrom(options)
    const read = files.map(readActFile)
    const chainId = await connect(options.rpc).getChainId()
    const foreign = read.findIndex((file) => file.chainId !== chainId)
    if (foreign >= 0)
      throw cliError(
        'USAGE',
        `${files[foreign]} is signed for chain ${read[foreign]?.chainId}, and the node is on ${chainId}`,
      )
    await submit(
      session,
      options,
      read.map(({ act }) => act),
    )
  })
}
