import type { Command } from 'commander'
import type { GlobalOptions } from '../context.ts'
import type { Output } from '../output.ts'

/** What the commands of one run share. */
export interface Session {
  /** What the process ends with unless something is thrown. */
  exitCode: number
  readonly outputOf: (options: GlobalOptions) => Output
}

/** The options of a command and the global ones. */
export function optionsOf<T extends object>(command: Command): T & GlobalOptions {
  return command.optsWithGlobals()
}

/** Examples under a command's help: what to type, and what it does. */
export function examples(command: Command, rows: readonly (readonly [string, string])[], note = ''): Command {
  const lines = rows.map(([typed, what]) => `  $ ${typed}\n      ${what}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}${note ? `\n\n${note}` : ''}`)
}
