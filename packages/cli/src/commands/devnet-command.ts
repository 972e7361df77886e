import { resolve } from 'node:path'
import { Devnet, type L1Choice } from '@hawser/node'
import { delay, messageOf } from '@hawser/primitives'
import type { Command } from 'commander'
import { devnetBanner, devnetFacts, type DevnetFacts } from '../devnet-banner.ts'
import { claimDevnetFolder } from '../devnet-folder.ts'
import { devnetStatusLine } from '../devnet-status.ts'
import { cliError } from '../errors.ts'
import { ExitCode } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { overridesOf, withNodeFlags, type NodeFlags } from '../node-flags.ts'
import { readCount, readL1, secondsOption } from '../parse-arguments.ts'
import { programPath } from '../program-path.ts'
import { StopRequest } from '../stop-request.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'
import type { BitcoinStatus } from './status-command.ts'

const STATUS_EVERY_MS = { terminal: 1_000, log: 10_000 } as const

interface DevnetCommandOptions extends NodeFlags {
  readonly l1: L1Choice
  readonly l1Cookie?: string
  readonly dataDir?: string
  readonly rpcPort: number
  readonly blockTimeL1: number
  readonly mine: boolean
}

/** hawser devnet */
export function addDevnet(program: Command, session: Session): void {
  const command = program
    .command('devnet')
    .description('a whole Hawser on this machine: Bitcoin regtest, four validators, ten funded accounts')
    .option(
      '--l1 <kind>',
      'embedded, bitcoind (on PATH or in HAWSER_BITCOIND), or the URL of a running regtest',
      readL1,
      'embedded',
    )
    .option('--l1-cookie <file>', 'with --l1 URL: the cookie file, when the URL has no user and password')
    .option(
      '--data-dir <folder>',
      'keep everything there and resume; without it a temporary folder is used and removed',
    )
    .option(
      '--rpc-port <port>',
      'JSON-RPC of the first validator, the others take the next free ones; 0: any',
      readCount('--rpc-port', 0, 65_532),
      8_545,
    )
    .addOption(secondsOption('--block-time-l1 <seconds>', 'between two Bitcoin blocks', [0.2, 86_400], 4_000))
    .option('--no-mine', 'mine Bitcoin blocks on demand alone (`hawser l1 mine`)')
  examples(
    withNodeFlags(command, 'archive'),
    [
      ['hawser devnet', 'ready in some seconds; Ctrl-C stops every process'],
      ['hawser devnet --data-dir ~/hawser', 'keep the chain, go on with it next time'],
      ['hawser devnet --l1 bitcoind', 'on Bitcoin Core, in a data folder and on ports of its own'],
      [
        'hawser devnet --l1 http://127.0.0.1:18443 --l1-cookie ~/.bitcoin/regtest/.cookie',
        'on a regtest that runs already',
      ],
    ],
    'Regtest blocks cost nothing: whoever can send a transaction on a devnet can forge deposits there. Keep it on this machine.',
  ).action(async () => {
    const options = optionsOf<DevnetCommandOptions>(command)
    if (options.l1Cookie !== undefined && !options.l1.startsWith('http'))
      throw cliError('USAGE', '--l1-cookie goes with --l1 URL; a bitcoind that is started here makes its own cookie')
    await runDevnet(options, session.outputOf(options), session)
  })
}

async function runDevnet(options: DevnetCommandOptions, output: Output, session: Session): Promise<void> {
  const dataDir = options.dataDir === undefined ? undefined : resolve(options.dataDir)
  const release = dataDir === undefined ? () => undefined : claimDevnetFolder(dataDir)
  const stop = new StopRequest(() => {
    output.endProgress()
    output.line('Stopping every process (Ctrl-C once more: at once)')
  })
  const mineEveryMs = options.mine ? options.blockTimeL1 : 0
  const began = Date.now()
  let failed: (why: string) => void = () => undefined
  const allDead = new Promise<string>((resolveDead) => (failed = resolveDead))
  let started: Devnet | undefined
  try {
    const devnet = await Devnet.start({
      program: programPath(),
      l1: options.l1,
      l1CookieFile: options.l1Cookie,
      dataDir,
      rpcPort: options.rpcPort,
      ...overridesOf(options),
      mineEveryMs,
      onProgress: (what) => {
        if (!started) stop.check()
        if (output.isInteractive) output.progress(`${what} ...`)
        else output.line(what)
      },
      onDeath: (why) => {
        output.complain(`hawser: ${why}`)
        if (started && started.validators.every((validator) => !validator.running)) failed('every validator has ended')
      },
    })
    started = devnet
    try {
      stop.check()
      const facts = await devnetFacts(devnet)
      await checkBitcoinIsTheSame(devnet, facts)
      const run = { startedInMs: Date.now() - began, temporary: dataDir === undefined, mineEveryMs }
      output.result(facts, devnetBanner(facts, run))
      const dead = await Promise.race([stop.requested, allDead, showStatus(devnet, output, stop)])
      if (typeof dead === 'string') {
        output.complain(`hawser: ${dead}; the logs are in ${devnet.dataDir}/validators; nothing is left to run`)
        session.exitCode = ExitCode.failure
      }
    } finally {
      output.endProgress()
      await devnet.stop()
    }
    output.line('Stopped.')
  } catch (error) {
    // A stop during the start is what was asked for.
    if (!stop.isRequested) throw error
    output.line('Stopped.')
  } finally {
    release()
  }
}

/** A Bitcoin that lost blocks can never be caught up with: deposits and custody are gone with them. */
async function checkBitcoinIsTheSame(devnet: Devnet, { l1, dataDir }: DevnetFacts): Promise<void> {
  const { lightClient } = await devnet.rpc<BitcoinStatus>('btc_getStatus')
  if (l1.height >= lightClient.height) return
  throw cliError(
    'DATA_FOLDER_INVALID',
    `Bitcoin (${l1.kind}) is at height ${l1.height}, but the chain in ${dataDir} has seen ${lightClient.height}: it is another Bitcoin, or its folder is damaged; restore it, or choose another --data-dir`,
  )
}

async function showStatus(devnet: Devnet, output: Output, stop: StopRequest): Promise<void> {
  const onTerminal = output.isInteractive
  let trouble = ''
  while (!stop.isRequested) {
    try {
      const line = await devnetStatusLine(devnet)
      if (stop.isRequested) return
      if (onTerminal) output.progress(line)
      else output.line(line)
      trouble = ''
    } catch (error) {
      const now = messageOf(error)
      if (!stop.isRequested && now !== trouble)
        output.complain(`hawser: the status cannot be read: ${now}; trying again`)
      trouble = now
    }
    await Promise.race([delay(onTerminal ? STATUS_EVERY_MS.terminal : STATUS_EVERY_MS.log), stop.requested])
  }
}
