import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { AppError, messageOf } from '@hawser/primitives'
import * as v from 'valibot'
import type { NodeError } from './errors.ts'

/** A configuration file is a few kilobytes. */
const MAX_CONFIG_BYTES = 256 * 1024

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
    /** Multiaddrs that end in /p2p/ID. */
    bootnodes: v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^\/.+\/p2p\/[A-Za-z0-9]+$/, 'a multiaddr that ends in /p2p/ID'))),
      v.maxLength(200),
    ),
  }),
  /** JSON-RPC; null for none. */
  rpc: v.nullable(
    v.strictObject({ host: v.string(), port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)) }),
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

/**
 * Reads a configuration file and makes its paths absolute.
 * @throws FILE_UNREADABLE, CONFIG_INVALID
 */
export function readConfig(file: string): NodeConfig {
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
