import { runNode } from '@hawser/node'
import { Option, type Command } from 'commander'
import { overridesOf, withNodeFlags, type NodeFlags } from '../node-flags.ts'
import { readCount } from '../parse-arguments.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

interface NodeCommandOptions extends NodeFlags {
  readonly config: string
  readonly allowFreshGuard?: boolean
  readonly iAmOnly?: boolean
  readonly rpcHost?: string
  readonly rpcPort?: number
  readonly sync?: 'full' | 'state'
  readonly metricsHost?: string
  readonly metricsPort?: number
}

/** hawser node */
export function addNode(program: Command, session: Session): void {
  const command = program
    .command('node')
    .description('run one node, validator or follower, from a configuration file')
    .requiredOption('--config <file>', 'the configuration file; `hawser init` writes one')
    .option(
      '--allow-fresh-guard',
      'start without the record of what the session key has signed: only for keys that have never signed',
    )
    .option(
      '--i-am-only',
      'sign at once, without listening for two rounds and a slot of each validator whether another process uses the same key',
    )
    .option('--rpc-host <address>', 'the address that JSON-RPC listens on, such as 127.0.0.1 or 0.0.0.0')
    .option('--rpc-port <port>', 'its port, HTTP and WebSocket; 0: any', readCount('--rpc-port', 0, 65_535))
    .addOption(
      new Option('--sync <how>', 'how an empty folder begins: every block, or the state of a young final one').choices([
        'full',
        'state',
      ]),
    )
    .option('--metrics-host <address>', 'the address that /metrics and /health listen on (default: 127.0.0.1)')
    .option('--metrics-port <port>', 'their port, which turns them on; 0: any', readCount('--metrics-port', 0, 65_535))
  examples(
    withNodeFlags(command),
    [
      ['hawser node --config node0/config.json --allow-fresh-guard', 'the first start of a validator'],
      ['hawser node --config follower/config.json', 'a follower: its configuration names no session key'],
      ['hawser node --config archive/config.json --history archive', 'keep every state, for traces of old blocks'],
    ],
    'Options go before what the configuration says; see docs/configuration.md. It runs until SIGINT or SIGTERM. Its log goes to stderr, or to the file that the configuration names.',
  ).action(async () => {
    const options = optionsOf<NodeCommandOptions>(command)
    const { history, rpc } = overridesOf(options)
    session.exitCode = await runNode({
      configFile: options.config,
      allowFreshGuard: options.allowFreshGuard ?? false,
      iAmOnly: options.iAmOnly ?? false,
      overrides: {
        history,
        sync: options.sync,
        rpc: { ...rpc, host: options.rpcHost, port: options.rpcPort },
        metrics: { host: options.metricsHost, port: options.metricsPort },
      },
    })
  })
}
