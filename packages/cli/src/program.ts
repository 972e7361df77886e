import { Command, CommanderError, Option } from 'commander'
import { isAppError, messageOf } from '@hawser/primitives'
import { explainError } from '@hawser/sdk'
import { BaseError } from 'viem'
import { addAudit } from './commands/audit-command.ts'
import type { Session } from './commands/command-kit.ts'
import { addDemo } from './commands/demo-command.ts'
import { addDepositCommands } from './commands/deposit-commands.ts'
import { addDevnet } from './commands/devnet-command.ts'
import { addImportChain } from './commands/import-chain-command.ts'
import { addInit } from './commands/init-command.ts'
import { addKeys } from './commands/keys-commands.ts'
import { addL1Commands } from './commands/l1-commands.ts'
import { addNode } from './commands/node-command.ts'
import { addPauseCommands } from './commands/pause-commands.ts'
import { addStatus } from './commands/status-command.ts'
import { addValidatorCommands } from './commands/validator-commands.ts'
import { addVerify } from './commands/verify-command.ts'
import { addWithdrawalCommands } from './commands/withdrawal-commands.ts'
import { DEFAULT_RPC_URL, type GlobalOptions } from './context.ts'
import { ExitCode, exitCodeOf } from './exit-code.ts'
import { Output, toJson, type Stream } from './output.ts'

export const VERSION = '0.1.0'

const GUIDE = `
Hawser is an EVM chain whose coin is BTC, moored to Bitcoin: deposits come in from Bitcoin, withdrawals go out to it.

First steps:
  $ hawser devnet                                  everything on this machine; prints accounts and addresses
  $ hawser demo                                    the whole journey, step by step, on a devnet of its own
  $ hawser deposit-address 0x…                     a Bitcoin address that credits an EVM account
  $ hawser withdraw --to bcrt1… --amount 0.1 --dev-account 0 --wait
  $ hawser audit                                   reserves against liabilities, to the satoshi
  $ hawser verify                                  a block is final: proven, not believed

Every command has its own --help with examples. --json prints one JSON document on stdout; amounts in it are satoshis.

Exit codes:
  0  done
  1  it failed; stderr says what, why and what to do
  2  the command line is wrong: an unknown flag, a malformed address or amount; nothing was changed
  3  audit: the reserves do not cover what is owed
  4  the node or the Bitcoin node cannot be reached
  5  it took longer than --timeout, or a devnet was not ready in time
  6  verify: the block is not final yet, as far as this node knows
  7  verify, audit: another block is final, or a proof is not good
  130  Ctrl-C twice: ended at once`

/** The whole command line; `session` takes the exit code that commands set. */
export function buildProgram(session: Session): Command {
  const program = new Command('hawser')
    .description('A Bitcoin-anchored EVM sidechain node, its bridge and its devnet.')
    .version(VERSION, '-V, --version', 'print the version')
    .addOption(new Option('--rpc <url>', 'JSON-RPC of a Hawser node').env('HAWSER_RPC').default(DEFAULT_RPC_URL))
    .option('--json', 'one JSON document on stdout, for scripts')
    .option('--quiet', 'results alone: no progress')
    .helpOption('-h, --help', 'explain a command')
    .configureHelp({ showGlobalOptions: true, helpWidth: 110 })
    .addHelpText('after', GUIDE)
  addDevnet(program, session)
  addDemo(program, session)
  addStatus(program, session)
  addDepositCommands(program, session)
  addWithdrawalCommands(program, session)
  addAudit(program, session)
  addVerify(program, session)
  addL1Commands(program, session)
  addNode(program, session)
  addImportChain(program, session)
  addInit(program, session)
  addKeys(program, session)
  addValidatorCommands(program, session)
  addPauseCommands(program, session)
  return program
}

/** Runs a command line. @returns the exit code */
export async function runCli(
  args: readonly string[],
  streams: { readonly stdout: Stream; readonly stderr: Stream } = process,
): Promise<number> {
  const session: Session = { exitCode: ExitCode.ok, outputOf: (options) => new Output({ ...options, ...streams }) }
  const program = buildProgram(session)
  for (const command of everyCommand(program)) {
    command.exitOverride()
    command.configureOutput({
      writeOut: (text) => void streams.stdout.write(text),
      writeErr: (text) => void streams.stderr.write(text),
      // Said below, once and in one line.
      outputError: () => undefined,
    })
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return session.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return usageExit(error, streams.stderr)
    const { rpc, json } = program.opts<GlobalOptions>()
    const output = new Output({ json, ...streams })
    const { code, message } = describeError(error, rpc)
    output.complain(`hawser: ${message}`)
    if (json) streams.stdout.write(`${toJson({ error: { code, message } })}\n`)
    return exitCodeOf(error instanceof BaseError ? explainError(error) : error)
  }
}

/** What to do, for errors of rooms that know only what and why. */
const HINTS: Readonly<Record<string, string>> = {
  BTC_ADDRESS_INVALID: 'copy the address again',
  BTC_ADDRESS_WRONG_NETWORK: "use an address of the chain's own Bitcoin network",
  BTC_HASH_INVALID: 'copy the transaction id again, without 0x',
  HEX_INVALID: 'write 0x and an even number of hex digits',
  FILE_UNREADABLE: 'check the path and its permissions',
  GENESIS_INVALID: 'correct the field, or take the file from where the chain was exported',
  CHAIN_FILE_INVALID: 'export the file again; what was imported up to there stays',
  CONFIG_INVALID: 'correct the field; `hawser init` writes a valid file',
  SPEC_INVALID: 'get the chain spec from a source you trust',
  L1_UNREACHABLE: 'start it, or correct its URL and credentials (of a node: `bitcoin` in its configuration)',
  BITCOIND_UNREACHABLE: 'start it, or check its URL; a devnet that was killed leaves a URL that nobody answers',
  BITCOIND_UNAUTHORIZED: 'check the cookie file or user and password',
  L1_WALLET_EMPTY: 'send less, or mine with `hawser l1 mine 101`',
  STORAGE_LOCKED: 'stop the other process, then try again',
  STORAGE_CORRUPT: 'restore the folder, or delete it and sync again',
}

/** @internal An error's code and its one sentence. */
export function describeError(error: unknown, rpc: string): { readonly code: string; readonly message: string } {
  const known = error instanceof BaseError ? explainError(error) : error
  if (isAppError(known, 'NODE_UNREACHABLE'))
    return {
      code: known.code,
      message: `no node answers at ${rpc}: ${known.message.replace(/^the node does not answer: /, '')}; start one with \`hawser devnet\`, or name another with --rpc`,
    }
  const code = isAppError(known) ? known.code : 'INTERNAL'
  const hint = HINTS[code]
  const message = oneLine(messageOf(known))
  return { code, message: hint === undefined || message.includes('; ') ? message : `${message}; ${hint}` }
}

/** A process that did not come up brings the end of its log along: what it said itself is its last `hawser:` line. */
function oneLine(message: string): string {
  const lines = message.trimEnd().split('\n')
  const own = lines.findLast((line) => line.startsWith('hawser: '))
  return lines.length > 1 && own ? `${lines[0]} ${own.slice('hawser: '.length)}` : message.trimEnd()
}

function usageExit(error: CommanderError, stderr: Stream): number {
  // --help and --version have printed what was asked for.
  if (error.exitCode === 0) return ExitCode.ok
  if (error.code !== 'commander.help') {
    const what = error.message.replace(/^error: /, '').replace(/\n\(?(.*?)\)?$/s, ' ($1)')
    stderr.write(`hawser: ${what}; \`hawser --help\` and \`hawser COMMAND --help\` list what there is\n`)
  }
  return ExitCode.usage
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)]
}
