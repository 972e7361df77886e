import { runNode } from '@hawser/node'
import type { Command } from 'commander'
import { examples, optionsOf, type Session } from './command-kit.ts'

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
  examples(
    command,
    [
      ['hawser node --config node0/config.json --allow-fresh-guard', 'the first start of a validator'],
      ['hawser node --config follower/config.json', 'a follower: its configuration names no session key'],
    ],
    'It runs until SIGINT or SIGTERM. Its log goes to stderr, or to the file that the configuration names.',
  ).action(async () => {
    const { config, allowFreshGuard } = optionsOf<{ config: string; allowFreshGuard?: boolean }>(command)
    session.exitCode = await runNode({ configFile: config, allowFreshGuard: allowFreshGuard ?? false })
  })
}
