import { AppError } from '@hawser/primitives'
import { DEFAULT_LIMITS, type RpcLimits } from './limits.ts'

export const NAMESPACES = ['eth', 'net', 'web3', 'txpool', 'debug', 'btc', 'bridge', 'finality', 'testing'] as const
export type Namespace = (typeof NAMESPACES)[number]

/** The namespaces of a server that is told nothing else; those that the backend lacks are not there. */
export const DEFAULT_API: readonly Namespace[] = NAMESPACES

export interface RpcServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** The namespaces that are served. */
  readonly api?: readonly Namespace[]
  /** Origins of web pages that may read the answers; `*` for all. */
  readonly corsOrigins?: readonly string[]
  /** Host names that are answered besides localhost and IP addresses; `*` for all. */
  readonly vhosts?: readonly string[]
  readonly limits?: Partial<RpcLimits>
}

/** Web pages of any origin may read: nothing here is secret, and the node signs for nobody. */
export const DEFAULT_CORS_ORIGINS: readonly string[] = ['*']
export const DEFAULT_VHOSTS: readonly string[] = ['localhost']

/** The namespaces of a list such as `eth,net,web3`. @throws RPC_API_UNKNOWN */
export function parseApi(list: string): Namespace[] {
  return list.split(',').map((item) => {
    const name = item.trim() as Namespace
    if (!NAMESPACES.includes(name))
      throw new AppError(
        { code: 'RPC_API_UNKNOWN', fault: 'user' },
        `"${item.slice(0, 40)}" is no JSON-RPC namespace; there are ${NAMESPACES.join(', ')}`,
      )
    return name
  })
}

/** The limits with what was not given filled in. */
export function resolveLimits(limits: Partial<RpcLimits> = {}): RpcLimits {
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
  return { ...DEFAULT_LIMITS, ...given }
}
