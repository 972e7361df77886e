import { DEFAULT_LIMITS, NAMESPACES, type RpcLimits, type RpcServerOptions } from '@hawser/rpc'
import * as v from 'valibot'

/** Origins, and host names, that one configuration lists. */
const MAX_NAMES = 100
const MEGABYTE = 1024 * 1024

/** A limit of the JSON-RPC server as its operator sets it: a whole number between two bounds. */
export interface LimitSetting {
  readonly least: number
  readonly most: number
  /** For help and documentation, with the unit. */
  readonly what: string
}

/** Every limit of the server, by its name in the configuration's `rpc.limits`. */
export const RPC_LIMIT_SETTINGS: { readonly [Name in keyof RpcLimits]: LimitSetting } = {
  maxBodyBytes: { least: 1024, most: 128 * MEGABYTE, what: 'bytes of an HTTP body or WebSocket message' },
  maxBatch: { least: 1, most: 100_000, what: 'requests in one batch' },
  maxResponseChars: { least: 1024, most: 256 * MEGABYTE, what: "characters of one answer, a batch's altogether" },
  maxLogBlocks: { least: 1, most: 1_000_000_000, what: 'blocks that one eth_getLogs looks at' },
  maxLogResults: { least: 1, most: 1_000_000, what: 'logs in one answer' },
  gasCap: { least: 21_000, most: 1_000_000_000_000, what: 'gas of one call, estimate, trace or simulation' },
  evmTimeoutMs: { least: 1, most: 600_000, what: 'milliseconds that one call, trace or simulation may run' },
  maxConnections: { least: 1, most: 100_000, what: 'connections at the same time, HTTP and WebSocket' },
  maxSockets: { least: 0, most: 100_000, what: 'WebSockets among them' },
  maxConnectionRequests: { least: 1, most: 100_000, what: 'requests of one connection at the same time' },
  maxExecutions: { least: 1, most: 1_000, what: 'calls, traces, log queries and proofs at the same time' },
  maxTracesPerSecond: { least: 1, most: 1_000_000, what: 'traces and simulations of one client in a second' },
  maxAddressesPerSecond: { least: 1, most: 1_000_000, what: 'deposit addresses for one client in a second' },
  maxSubscriptions: { least: 0, most: 100_000, what: 'subscriptions of one WebSocket' },
  maxSocketBufferBytes: { least: 1024, most: 1024 * MEGABYTE, what: 'bytes that wait for a slow WebSocket' },
}

/** The names of the limits, in the order of the documentation. */
export const RPC_LIMIT_NAMES = Object.keys(RPC_LIMIT_SETTINGS) as (keyof RpcLimits)[]

/** What a limit is when nobody sets it. */
export function defaultLimit(name: keyof RpcLimits): number {
  return Number(DEFAULT_LIMITS[name])
}

/** The command line's name of a limit: `maxBatch` is `--rpc-max-batch`. */
export function limitFlag(name: keyof RpcLimits): string {
  return `--rpc-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** Whether a text is a web page's origin as browsers send it, such as `https://app.example`, or `*` for all. */
export function isOrigin(text: string): boolean {
  return text === '*' || (URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text)
}

/** Whether a text is a host name without port, or `*` for all. */
export function isHostName(text: string): boolean {
  return text === '*' || (text.length <= 253 && /^[a-zA-Z0-9_-]{1,63}(\.[a-zA-Z0-9_-]{1,63})*$/.test(text))
}

function limitSchema(name: keyof RpcLimits) {
  const { least, most } = RPC_LIMIT_SETTINGS[name]
  const bounds = `a whole number from ${least} to ${most}`
  return v.optional(v.pipe(v.number(bounds), v.integer(bounds), v.minValue(least, bounds), v.maxValue(most, bounds)))
}

const names = (check: (text: string) => boolean, what: string) =>
  v.optional(v.pipe(v.array(v.pipe(v.string(), v.check(check, what))), v.maxLength(MAX_NAMES)))

/** The configuration's `rpc`; what it leaves out is as DEFAULT_LIMITS and its neighbours have it. */
export const rpcConfigSchema = v.strictObject({
  host: v.pipe(v.string(), v.minLength(1), v.maxLength(253)),
  port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  api: v.optional(v.pipe(v.array(v.picklist(NAMESPACES)), v.minLength(1), v.maxLength(NAMESPACES.length))),
  corsOrigins: names(isOrigin, 'an origin such as https://app.example, or *'),
  vhosts: names(isHostName, 'a host name without port, or *'),
  limits: v.optional(
    v.strictObject(
      Object.fromEntries(RPC_LIMIT_NAMES.map((name) => [name, limitSchema(name)])) as {
        [Name in keyof RpcLimits]: ReturnType<typeof limitSchema>
      },
    ),
  ),
})

export type RpcConfig = v.InferOutput<typeof rpcConfigSchema>

/** What the server takes: the same, with gas as a bigint. */
export function rpcServerOptions({ limits = {}, ...rest }: RpcConfig): RpcServerOptions {
  const { gasCap, ...numbers } = limits
  return { ...rest, limits: gasCap === undefined ? numbers : { ...numbers, gasCap: BigInt(gasCap) } }
}
