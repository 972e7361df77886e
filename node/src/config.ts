import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { AppError, messageOf } from '@hawser/primitives'
import * as v from 'valibot'
import type { NodeError } from './errors.ts'
import { rpcConfigSchema, type RpcConfig } from './rpc-config.ts'

/** A configuration file is a few kilobytes. */
const MAX_CONFIG_BYTES = 256 * 1024

/** How many final states a node keeps unless it is told: as Geth, a day of one-second blocks. */
export const DEFAULT_HISTORY = 90_000
/** What a node may keep at the least and, short of all, at the most. */
export const HISTORY_BOUNDS: readonly [number, number] = [128, 1_000_000_000]

const historyText = `"archive", or a whole number of blocks from ${HISTORY_BOUNDS[0]} to ${HISTORY_BOUNDS[1]}`

const path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096))

/** The node's configuration file (JSON); docs/configuration.md explains the fields. Paths are relative to the file. */
export const configSchema = v.strictObject({
  /** The chain spec's file. */
  chainSpec: path,
  /** Where the node keeps its database, guard and logs; one node for each folder. */
  dataDir: path,
  /** Key files. Without `session` and `bitcoin` the node is a follower. */
  keys: v.strictObject({
    /** libp2p identity. */
    node: path,
    session: v.optional(path),
    bitcoin: v.optional(path),
    /** First line: the password of encrypted key files. */
    passwordFile: v.optional(path),
  }),
  p2p: v.strictObject({
    /** Multiaddrs. */
    listen: v.pipe(v.array(v.pipe(v.string(), v.startsWith('/'))), v.minLength(1), v.maxLength(8)),
    /** Multiaddrs at which others reach it, told in place of those that it listens on. */
    announce: v.optional(v.pipe(v.array(v.pipe(v.string(), v.startsWith('/'))), v.maxLength(8))),
    /** Multiaddrs that end in /p2p/ID. */
    bootnodes: v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^\/.+\/p2p\/[A-Za-z0-9]+$/, 'a multiaddr that ends in /p2p/ID'))),
      v.maxLength(200),
    ),
    /** Connections altogether, and those that others may make from one IP address. */
    maxPeers: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(10_000))),
    maxPeersPerIp: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000))),
  }),
  /** JSON-RPC; null for none. */
  rpc: v.nullable(rpcConfigSchema),
  /** /metrics for Prometheus and /health; nothing listens without it. */
  metrics: v.optional(
    v.nullable(
      v.strictObject({
        host: v.pipe(v.string(), v.minLength(1), v.maxLength(253)),
        port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
      }),
    ),
  ),
  /** How an empty database begins: with every block from genesis on, or at the state of a young final block. */
  sync: v.optional(v.picklist(['full', 'state'])),
  /** How many final states are kept: all, or those of the last so many blocks. */
  history: v.optional(
    v.union(
      [
        v.literal('archive'),
        v.pipe(
          v.number(historyText),
          v.integer(historyText),
          v.minValue(HISTORY_BOUNDS[0], historyText),
          v.maxValue(HISTORY_BOUNDS[1], historyText),
        ),
      ],
      historyText,
    ),
  ),
  /** The Bitcoin node: its own or one that it trusts to answer; what it says is checked. */
  bitcoin: v.strictObject({
    /** http://host:port */
    url: v.pipe(v.string(), v.url()),
    cookieFile: v.optional(path),
    user: v.optional(v.string()),
    password: v.optional(v.string()),
  }),
  log: v.optional(
    v.strictObject({ level: v.picklist(['debug', 'info', 'warn', 'error', 'silent']), file: v.optional(path) }),
    { level: 'info' },
  ),
})

export type NodeConfig = v.InferOutput<typeof configSchema>

/** What the command line says instead of the configuration file. */
export interface ConfigOverrides {
  readonly history?: NodeConfig['history']
  readonly sync?: NodeConfig['sync']
  readonly rpc?: Partial<RpcConfig>
  readonly metrics?: { readonly host?: string; readonly port?: number }
}

/**
 * Reads a configuration file, puts the command line's values in place of its own, and makes its paths absolute.
 * @throws FILE_UNREADABLE, CONFIG_INVALID
 */
export function readConfig(file: string, overrides: ConfigOverrides = {}): NodeConfig {
  let value: unknown
  try {
    if (statSync(file).size > MAX_CONFIG_BYTES) throw new Error(`it is longer than ${MAX_CONFIG_BYTES} bytes`)
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'FILE_UNREADABLE', fault: 'user' },
      `the configuration ${file} cannot be read: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
  const parsed = v.safeParse(configSchema, value)
  if (!parsed.success) {
    const issue = parsed.issues[0]
    throw new AppError<NodeError>(
      { code: 'CONFIG_INVALID', fault: 'user' },
      `the configuration ${file} is not valid: ${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`,
    )
  }
  const base = dirname(resolve(file))
  const absolute = (p: string) => (isAbsolute(p) ? p : join(base, p))
  const maybe = (p: string | undefined) => (p === undefined ? undefined : absolute(p))
  const config = parsed.output
  return {
    ...config,
    history: overrides.history ?? config.history,
    sync: overrides.sync ?? config.sync,
    rpc: overriddenRpc(config.rpc, overrides.rpc),
    metrics: overriddenMetrics(config.metrics, overrides.metrics),
    chainSpec: absolute(config.chainSpec),
    dataDir: absolute(config.dataDir),
    keys: {
      node: absolute(config.keys.node),
      session: maybe(config.keys.session),
      bitcoin: maybe(config.keys.bitcoin),
      passwordFile: maybe(config.keys.passwordFile),
    },
    bitcoin: { ...config.bitcoin, cookieFile: maybe(config.bitcoin.cookieFile) },
    log: { ...config.log, file: maybe(config.log.file) },
  }
}

function overriddenRpc(own: NodeConfig['rpc'], { limits, ...given }: Partial<RpcConfig> = {}): NodeConfig['rpc'] {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const setLimits = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined)
  if (Object.keys(set).length === 0 && setLimits.length === 0) return own
  if (own === null && given.port === undefined)
    throw new AppError<NodeError>(
      { code: 'CONFIG_INVALID', fault: 'user' },
      'the configuration has no JSON-RPC ("rpc": null); give --rpc-port to turn it on, or leave the other --rpc options out',
    )
  return {
    ...(own ?? { host: '127.0.0.1', port: 0 }),
    ...set,
    limits: { ...own?.limits, ...Object.fromEntries(setLimits) },
  }
}

/** The port turns it on; the address alone does not. */
function overriddenMetrics(
  own: NodeConfig['metrics'],
  { host, port }: NonNullable<ConfigOverrides['metrics']> = {},
): NodeConfig['metrics'] {
  if (!own && port === undefined) {
    if (host === undefined) return own
    throw new AppError<NodeError>(
      { code: 'CONFIG_INVALID', fault: 'user' },
      'the configuration has no metrics; give --metrics-port to turn them on, or leave --metrics-host out',
    )
  }
  return { host: host ?? own?.host ?? '127.0.0.1', port: port ?? own?.port ?? 0 }
}
