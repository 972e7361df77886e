import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Devnet, type L1Choice } from '@hawser/node'
import { AppError, isAppError, messageOf } from '@hawser/primitives'
import type { Command } from 'commander'
import { DEMO_STEPS, runDemo } from '../demo/run-demo.ts'
import { Tour } from '../demo/tour.ts'
import { cliError } from '../errors.ts'
import { seconds } from '../format.ts'
import type { Output } from '../output.ts'
import { readL1, secondsOption } from '../parse-arguments.ts'
import { programPath } from '../program-path.ts'
import { StopRequest } from '../stop-request.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

interface DemoOptions {
  readonly l1: L1Choice
  readonly l1Cookie?: string
  readonly blockTimeL1: number
}

/** hawser demo */
export function addDemo(program: Command, session: Session): void {
  const command = program
    .command('demo')
    .description('the whole journey on a devnet of its own: deposit, contract, a crash, withdrawals, audit')
    .option('--l1 <kind>', 'embedded, bitcoind, or the URL of a running regtest', readL1, 'embedded')
    .option('--l1-cookie <file>', 'with --l1 URL: the cookie file, when the URL has no user and password')
    .addOption(secondsOption('--block-time-l1 <seconds>', 'between two Bitcoin blocks', [0.2, 60], 2_000))
  examples(
    command,
    [
      ['hawser demo', 'exit code 0: every step went as it must; otherwise stderr says which did not'],
      ['hawser demo --l1 bitcoind', 'the same on Bitcoin Core'],
      ['hawser demo --json | jq .steps', 'transaction ids, times and fees of the steps'],
    ],
    'It uses free ports and a temporary folder, which it keeps when a step fails.',
  ).action(async () => {
    const options = optionsOf<DemoOptions>(command)
    if (options.l1Cookie !== undefined && !options.l1.startsWith('http'))
      throw cliError('USAGE', '--l1-cookie goes with --l1 URL; a bitcoind that is started here makes its own cookie')
    await tourOnOwnDevnet(options, session.outputOf(options))
  })
}

async function tourOnOwnDevnet(options: DemoOptions, output: Output): Promise<void> {
  const stop = new StopRequest(() => output.line('Stopping every process (Ctrl-C once more: at once)'))
  // A folder of our own rather than the devnet's temporary one: after a failure the logs must still be there.
  const dataDir = mkdtempSync(join(tmpdir(), 'hawser-demo-'))
  const began = Date.now()
  let keep = false
  let devnet: Devnet | undefined
  try {
    devnet = await Devnet.start({
      program: programPath(),
      l1: options.l1,
      l1CookieFile: options.l1Cookie,
      dataDir,
      rpcPort: 0,
      mineEveryMs: options.blockTimeL1,
      onProgress: (what) => {
        if (!devnet) stop.check()
        output.line(`     ${seconds(Date.now() - began).padStart(7)}  ${what}`)
      },
      onDeath: (why) => output.complain(`hawser: ${why}`),
    })
    output.line(
      `     ${seconds(Date.now() - began).padStart(7)}  A devnet of four validators on Bitcoin regtest (${devnet.l1.kind}) is up\n`,
    )
    const tour = new Tour(output, stop, DEMO_STEPS)
    const report = await runDemo(devnet, tour)
    const totalMs = Date.now() - began
    output.result(
      { passed: true, totalMs, l1: devnet.l1.kind, steps: tour.reports, audit: report },
      `Every step went as it must (${seconds(totalMs)} in all). Your own: npm start`,
    )
  } catch (error) {
    keep = !stop.isRequested && (devnet !== undefined || isAppError(error, 'DEVNET_NOT_READY'))
    throw keep ? withLogs(error, dataDir) : error
  } finally {
    await devnet?.stop()
    if (!keep) rmSync(dataDir, { recursive: true, force: true })
  }
}

/** The same error, with the place of the logs. */
function withLogs(error: unknown, dataDir: string): Error {
  const message = `${messageOf(error)}; the logs are in ${join(dataDir, 'validators', '*', 'node.log')}`
  return isAppError(error)
    ? new AppError(error.info, message, { cause: error })
    : cliError('DEMO_FAILED', message, error)
}
