import { isIP } from 'node:net'

/** Hosts and origins that are answered; `*` answers all. */
export interface HttpGuardOptions {
  /** Origins of web pages that may read the answers, as in `https://app.example`. */
  readonly corsOrigins: readonly string[]
  /** Names that the Host header may have besides localhost and IP addresses: a name that leads here in an attacker's DNS is refused. */
  readonly vhosts: readonly string[]
}

/** Whether a request's Host header is one that this server answers to. */
export function isServedHost(host: string | undefined, vhosts: readonly string[]): boolean {
  // HTTP/1.0 has none; a browser always sends one.
  if (host === undefined || vhosts.includes('*')) return true
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '')
  return isIP(name) !== 0 || name.toLowerCase() === 'localhost' || vhosts.includes(name.toLowerCase())
}

/** Whether a web page of this origin may use the server; requests without an origin are not from web pages. */
export function isServedOrigin(origin: string | undefined, corsOrigins: readonly string[]): boolean {
  return origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin)
}

/** The headers that tell a browser so. */
export function corsHeaders(
  origin: string | undefined,
  corsOrigins: readonly string[],
): Readonly<Record<string, string>> {
  if (origin === undefined || !isServedOrigin(origin, corsOrigins)) return {}
  return {
    'access-control-allow-origin': corsOrigins.includes('*') ? '*' : origin,
    ...(corsOrigins.includes('*') ? {} : { vary: 'origin' }),
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': '600',
  }
}
