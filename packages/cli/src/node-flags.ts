import {
  defaultLimit,
  DEFAULT_HISTORY,
  HISTORY_BOUNDS,
  isHostName,
  isOrigin,
  limitFlag,
  NAMESPACES,
  parseApi,
  RPC_LIMIT_NAMES,
  RPC_LIMIT_SETTINGS,
  type ConfigOverrides,
  type Namespace,
  type RpcConfig,
} from '@hawser/node'
import type { Command } from 'commander'
import { cliError } from './errors.ts'
import { readCount } from './parse-arguments.ts'

/** Names in one list on the command line. */
const MAX_LISTED = 100

/** What the flags of `withNodeFlags` come to. */
export interface NodeFlags {
  readonly history?: 'archive' | number
  readonly rpcApi?: Namespace[]
  readonly rpcCorsOrigins?: string[]
  readonly rpcVhosts?: string[]
}

/** Adds --history and the --rpc-… options that a node and a devnet share. */
export function withNodeFlags(command: Command, historyDefault: string = String(DEFAULT_HISTORY)): Command {
  command
    .option(
      '--history <archive|n>',
      `keep all final states, or those of the last n blocks, at least ${HISTORY_BOUNDS[0]} (default: ${historyDefault})`,
      readHistory,
    )
    .option('--rpc-api <list>', `namespaces that are served: ${NAMESPACES.join(',')} (default: all)`, readNamespaces)
    .option(
      '--rpc-cors-origins <list>',
      'origins of web pages that may ask, such as https://app.example; * for all (default: *)',
      readList('--rpc-cors-origins', isOrigin, 'an origin such as https://app.example, or *'),
    )
    .option(
      '--rpc-vhosts <list>',
      'host names that are answered besides localhost and IP addresses; * for all (default: localhost)',
      readList('--rpc-vhosts', isHostName, 'a host name without port, or *'),
    )
  for (const name of RPC_LIMIT_NAMES) {
    const { least, most, what } = RPC_LIMIT_SETTINGS[name]
    const flag = limitFlag(name)
    command.option(`${flag} <n>`, `${what} (default: ${defaultLimit(name)})`, readCount(flag, least, most))
  }
  return command
}

/** What a command line says instead of the configuration; nothing where it says nothing. */
export function overridesOf(options: NodeFlags): ConfigOverrides {
  const { history, rpcApi, rpcCorsOrigins, rpcVhosts } = options
  const values = options as Readonly<Record<string, unknown>>
  const limits = Object.fromEntries(
    RPC_LIMIT_NAMES.flatMap((name) => {
      const value = values[`rpc${name.charAt(0).toUpperCase()}${name.slice(1)}`]
      return value === undefined ? [] : [[name, value]]
    }),
  ) as NonNullable<RpcConfig['limits']>
  const rpc: ConfigOverrides['rpc'] = {
    ...(rpcApi && { api: rpcApi }),
    ...(rpcCorsOrigins && { corsOrigins: rpcCorsOrigins }),
    ...(rpcVhosts && { vhosts: rpcVhosts }),
    ...(Object.keys(limits).length > 0 && { limits }),
  }
  return { ...(history !== undefined && { history }), rpc }
}

function readHistory(text: string): 'archive' | number {
  if (text === 'archive') return text
  const [least, most] = HISTORY_BOUNDS
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN
  if (!(value >= least && value <= most))
    throw cliError(
      'USAGE',
      `--history must be archive, or a whole number of blocks from ${least} to ${most}, not "${text.slice(0, 40)}"`,
    )
  return value
}

function readNamespaces(text: string): Namespace[] {
  try {
    return [...new Set(parseApi(text))]
  } catch (cause) {
    throw cliError('USAGE', `--rpc-api: ${(cause as Error).message}`, cause)
  }
}

function readList(flag: string, isRight: (item: string) => boolean, what: string): (text: string) => string[] {
  return (text) => {
    const items = text.split(',').map((item) => item.trim())
    if (items.length > MAX_LISTED) throw cliError('USAGE', `${flag} lists more than ${MAX_LISTED} names`)
    const wrong = items.find((item) => !isRight(item))
    if (wrong !== undefined) throw cliError('USAGE', `${flag}: "${wrong.slice(0, 80)}" is not ${what}`)
    return items
  }
}
