import { hash32, type Hash32 } from '@hawser/primitives'
import { verifyFinality, type ProvenBlock } from '@hawser/sdk'
import type { Command } from 'commander'
import { findTrust } from '../chain-spec-file.ts'
import { connect } from '../context.ts'
import { cliError } from '../errors.ts'
import { columns } from '../format.ts'
import { readCount } from '../parse-arguments.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** A proven block for people: what it rests on. */
export function describeProof({ number, hash, justified, setId, sets, timestamp }: ProvenBlock): string[] {
  const set = sets.find(({ voters }) => voters.setId === setId)
  return columns([
    ['Block', `${number}  ${hash}`],
    ['Time', new Date(Number(timestamp) * 1000).toISOString()],
    ['Votes', `of set ${setId} (${set?.voters.size} validators) for block ${justified.number}`],
    ['Sets', `${sets.length - 1} changes of the validators are proven since genesis`],
    ['Verdict', 'final'],
  ])
}

/** hawser verify */
export function addVerify(program: Command, session: Session): void {
  const command = program
    .command('verify')
    .description('prove a block final without believing the node: votes, headers, and every change of the validators')
    .argument(
      '[number]',
      'the block; the last final one unless it is given',
      readCount('the block', 0, Number.MAX_SAFE_INTEGER),
    )
    .option('--chain-spec <file>', "the chain's spec from a source that you trust (a devnet's is found by itself)")
    .option('--genesis <hash>', "block 0's hash, from there too; without it the node is asked", readGenesis)
  examples(
    command,
    [
      ['hawser verify', 'the last final block of the devnet on this machine; exit code 0: proven'],
      [
        'hawser verify 1200 --chain-spec chain-spec.json --rpc https://…',
        'block 1200 of a node that nobody has to trust',
      ],
      ['hawser verify --json | jq .stateRoot', 'a root to check account and storage proofs against'],
    ],
    'What does not prove ends with exit code 1 and says why; a block that is not final yet too.',
  ).action(async (number: number | undefined) => {
    const options = optionsOf<{ chainSpec?: string; genesis?: Hash32 }>(command)
    const trust = findTrust(options)
    if (!trust)
      throw cliError(
        'USAGE',
        'give the chain spec with --chain-spec: without it there is nobody to believe but the node',
      )
    const proven = await verifyFinality(connect(options.rpc), {
      trust: options.genesis ? { ...trust, genesisHash: options.genesis } : trust,
      ...(number !== undefined && { blockNumber: BigInt(number) }),
    })
    const { hash, stateRoot, timestamp, justified, setId, sets } = proven
    const set = sets.find(({ voters }) => voters.setId === setId)
    const report = {
      number: proven.number,
      hash,
      stateRoot,
      timestamp,
      justified,
      setId,
      validators: set?.voters.voters.map(({ id }) => id),
      setChanges: sets.length - 1,
    }
    session.outputOf(options).result(report, describeProof(proven))
  })
}

function readGenesis(text: string): Hash32 {
  try {
    return hash32(text)
  } catch {
    throw cliError('USAGE', `--genesis: "${text.slice(0, 80)}" is not a hash of 32 bytes in hex`)
  }
}
