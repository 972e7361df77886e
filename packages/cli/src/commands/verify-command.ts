import { recoverAddress } from '@hawser/primitives/node'
import { isAppError, type Hash32 } from '@hawser/primitives'
import { checkFinality, latestSet, type ProvenBlock, type TrustedChain, type VerifiedSets } from '@hawser/sdk'
import type { Command } from 'commander'
import { findTrustWithGenesis } from '../chain-spec-file.ts'
import { connect, type CliClient } from '../context.ts'
import { cliError } from '../errors.ts'
import { ExitCode } from '../exit-code.ts'
import { columns } from '../format.ts'
import { readBlockName, readHash, type BlockName } from '../parse-arguments.ts'
import { readProofFile, readState, writeProof, writeState } from '../verify-files.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

interface VerifyOptions {
  readonly chainSpec?: string
  readonly genesis?: Hash32
  readonly state?: string
  readonly save?: string
  readonly proof?: string
}

/** hawser verify */
export function addVerify(program: Command, session: Session): void {
  const command = program
    .command('verify')
    .description('whether a block is final, proven by the validators’ votes without trusting the node')
    .argument('[block]', 'number or hash; the last final block that the node tells of unless given', readBlockName)
    .option('--chain-spec <file>', "the chain spec, from a source that you trust (a devnet's is found by itself)")
    .option('--genesis <hash>', 'refuse a chain spec that gives another block 0', readHash)
    .option('--state <file>', 'keep the chain of validator sets there: the next time only what is new is asked for')
    .option('--save <file>', 'write the proof, for `--proof` on a machine without a node')
    .option('--proof <file>', 'check a proof that was saved; no node is asked')
  examples(
    command,
    [
      ['hawser verify 1200 --chain-spec chain-spec.json', 'exit code 0: final; 6: not final yet; 7: not so'],
      ['hawser verify --state sets.json', 'the last final block; follows validator sets from where it left off'],
      [
        'hawser verify 1200 --save proof.json && hawser verify --proof proof.json --chain-spec chain-spec.json',
        'offline',
      ],
    ],
    'Trusted are the chain spec, and the file of --state, alone. A set of validators is followed to the next by the votes of the old one\nand the next set in the state of the block that they voted for.',
  ).action(async (block: BlockName | undefined) => {
    const options = optionsOf<VerifyOptions>(command)
    if (options.proof !== undefined && options.save !== undefined)
      throw cliError('USAGE', '--save writes a proof and --proof reads one; give one of them')
    const trust = await findTrustWithGenesis(options)
    const sets = readState(options.state, trust)
    const found =
      options.proof === undefined ? await online(options, trust, sets, block) : offline(options.proof, trust, sets)
    const other = isOther(found, block)
    // What a file does not speak of, it does not refute.
    if (other && options.proof !== undefined)
      throw cliError(
        'USAGE',
        `the proof is of block ${found.number} ${found.hash}, and says nothing of ${nameOf(block)}`,
      )
    if (options.state !== undefined) writeState(options.state, found.sets)
    if (options.save !== undefined && !other) writeProof(options.save, trust, found.proof)
    const { number, hash, justified, setId, timestamp, stateRoot } = found
    const value = {
      final: !other,
      number,
      hash,
      stateRoot,
      timestamp,
      justified,
      setId,
      latestSet: latestSet(found.sets).voters.setId,
    }
    const rows: [string, string][] = [
      ['Block', `${number}  ${hash}`],
      ['Votes', `of validator set ${setId}, for block ${justified.number}  ${justified.hash}`],
      ['Sets', `followed from the chain spec's to set ${value.latestSet}`],
      ['Verdict', other ? `NOT FINAL: this block is final instead of ${nameOf(block)}` : 'final'],
    ]
    session.outputOf(options).result(value, columns(rows))
    if (other) session.exitCode = ExitCode.refuted
  })
}

function offline(path: string, trust: TrustedChain, sets: VerifiedSets | undefined): ProvenBlock {
  const proof = readProofFile(path, trust)
  return checkFinality({ trust, proof, fromSpec: true, recover: recoverAddress, ...(sets && { sets }) })
}

async function online(
  options: VerifyOptions & { readonly rpc: string },
  trust: TrustedChain,
  known: VerifiedSets | undefined,
  block: BlockName | undefined,
): Promise<ProvenBlock> {
  const client = connect(options.rpc)
  const name = block === undefined ? {} : 'hash' in block ? { blockHash: block.hash } : { blockNumber: block.number }
  // What is saved must begin at the chain spec.
  const fromSpec = options.save !== undefined
  const parameters = { trust, fromSpec, recover: recoverAddress, ...(known && { sets: known }) }
  try {
    return await client.verifyFinality({ ...parameters, ...name })
  } catch (error) {
    if (!isAppError(error, 'BLOCK_NOT_CANONICAL') || block === undefined || !('hash' in block)) throw error
    return client.verifyFinality({ ...parameters, blockNumber: await numberOf(client, block.hash) })
  }
}

/** The height of a block that lost: the node's word, but what is final at that height is proven. */
async function numberOf(client: CliClient, hash: Hash32): Promise<bigint> {
  return (await client.getBlock({ blockHash: hash })).number
}

const nameOf = (block: BlockName | undefined) =>
  block === undefined ? '' : 'hash' in block ? block.hash : String(block.number)

function isOther(found: ProvenBlock, block: BlockName | undefined): boolean {
  if (block === undefined) return false
  return 'hash' in block ? block.hash !== found.hash : block.number !== found.number
}
