import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '@hawser/chain'

/** The longest multiaddr that is taken from others, in characters. */
export const MAX_ADDRESS_CHARS = 160

/** The peer id that a multiaddr ends in; undefined when it is no address of TCP that does. */
export function peerIn(address: string): PeerId | undefined {
  const match = /^\/(?:ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/[0-9]{1,5}\/p2p\/([A-Za-z0-9]{20,80})$/.exec(address)
  if (!match || address.length > MAX_ADDRESS_CHARS) return undefined
  try {
    multiaddr(address)
    return match[1]
  } catch {
    return undefined
  }
}

/** The host of a multiaddr: an IP address or a name; empty when there is none. */
export function hostOf(address: string): string {
  return /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)/.exec(address)?.[1] ?? ''
}

export function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1' || host.startsWith('::ffff:127.')
}

/** Addresses that mean nothing, or something else, to a peer outside of the own network. */
export function isPrivate(host: string): boolean {
  return (
    isLoopback(host) ||
    /^(?:10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)/.test(
      host,
    ) ||
    /^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:/i.test(host)
  )
}
