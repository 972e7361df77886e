import { getManagementNonce, publicOf, type SubmittedActs, type ValidatorAct } from '@hawser/sdk'
import type { Command } from 'commander'
import { connect } from '../context.ts'
import { cliError } from '../errors.ts'
import { managementKeyFrom, withManagementKey, type ManagementKeyOptions } from '../management-key.ts'
import { readWhole } from '../parse-arguments.ts'
import { signerFrom, withSigner, type SignerOptions } from '../signer.ts'
import { writeActFile } from '../validator-files.ts'
import type { Session } from './command-kit.ts'

/** The options of what a management key signs. */
export interface ActOptions extends SignerOptions, ManagementKeyOptions {
  readonly signOnly?: boolean
  readonly out?: string
  readonly nonce?: bigint
  readonly chainId?: bigint
}

/** Adds what every act and vote takes: the management key, an account to send with, or a file to write to. */
export function withAct(command: Command): Command {
  return withSigner(withManagementKey(command))
    .option('--sign-only', 'send nothing: write what was signed to --out, for `hawser validator submit`')
    .option('--out <file>', 'where --sign-only writes')
    .option('--chain-id <n>', 'the chain; asked of the node unless given', readWhole('--chain-id'))
}

/** The same for acts that have a nonce. */
export const withNonce = (command: Command) =>
  withAct(command).option(
    '--nonce <n>',
    "the management key's next act; asked of the node unless given",
    readWhole('--nonce'),
  )

/** The chain, the key and its next nonce: no node is asked for what is given. */
export async function acting(options: ActOptions & { readonly rpc: string }) {
  const managementKey = managementKeyFrom(options)
  const chainId = await chainIdOf(options)
  const nonce = options.nonce ?? (await getManagementNonce(connect(options.rpc), publicOf(managementKey).address))
  return { managementKey, chainId, nonce }
}

/** @throws NODE_UNREACHABLE when it was not given and no node answers */
export const chainIdOf = async (options: { readonly rpc: string; readonly chainId?: bigint }) =>
  options.chainId === undefined ? connect(options.rpc).getChainId() : Number(options.chainId)

/** Refuses what cannot end well before a key is asked for. */
export function checkWays({ signOnly, out, devAccount, privateKey, privateKeyFile }: ActOptions): void {
  if ((signOnly === true) !== (out !== undefined)) throw cliError('USAGE', '--sign-only and --out FILE go together')
  const sends = [devAccount, privateKey, privateKeyFile].some((way) => way !== undefined)
  if (signOnly && sends) throw cliError('USAGE', '--sign-only sends nothing, so it takes no account to send with')
}

/** Writes what was signed, or sends it. */
export async function finish(
  session: Session,
  options: ActOptions & { readonly rpc: string },
  act: ValidatorAct,
  chainId: number,
) {
  if (options.out === undefined) return submit(session, options, [act])
  writeActFile(options.out, chainId, act)
  session
    .outputOf(options)
    .result({ file: options.out, chainId, act }, `Signed; \`hawser validator submit ${options.out}\` sends it`)
}

/** Sends acts and says what became of them. */
export async function submit(
  session: Session,
  options: SignerOptions & { readonly rpc: string },
  acts: readonly ValidatorAct[],
) {
  const account = signerFrom(options)
  const chainId = await connect(options.rpc).getChainId()
  const done = await connect(options.rpc, { account, chainId }).submitActs(acts)
  const told = done.map(({ acts: sent, ...rest }) => ({
    ...rest,
    acts: sent.map(({ kind }) => kind),
    ...(sent[0]?.kind === 'vote' && { proposal: sent[0].proposal }),
  }))
  session.outputOf(options).result({ chainId, submitted: told }, done.map(describeSubmitted))
}

function describeSubmitted({ hash, blockNumber, acts, takesEffectAfter, votes }: SubmittedActs): string {
  const what = votes
    ? `${acts.length} votes: ${votes.count} of ${votes.of} count, ${votes.passed ? `passed, in force after block ${takesEffectAfter}` : `${votes.needed} are needed`}`
    : `${acts[0]?.kind}: in force after block ${takesEffectAfter}`
  return `${what}  (transaction ${hash} in block ${blockNumber})`
}
