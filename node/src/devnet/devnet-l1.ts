import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { EmbeddedChain, serveEmbeddedRpc } from '@hawser/bitcoin/embedded'
import { BitcoindClient, BitcoindSource, startBitcoind, type BitcoindAuth } from '@hawser/bitcoin/source'
import { AppError, messageOf } from '@hawser/primitives'
import type { NodeError } from '../errors.ts'

/** Which Bitcoin a devnet runs on: one inside the process, a bitcoind of its own, or one that runs already (a URL). */
export type L1Choice = 'embedded' | 'bitcoind' | `http://${string}` | `https://${string}`

export interface L1Access {
  readonly url: string
  readonly auth: BitcoindAuth
}

/** A running Bitcoin regtest. */
export interface RunningL1 extends L1Access {
  readonly kind: 'embedded' | 'bitcoind' | 'url'
  readonly source: BitcoindSource
  stop(): Promise<void>
}

/** Opens a source on a Bitcoin JSON-RPC. */
export function openSource({ url, auth }: L1Access): BitcoindSource {
  return new BitcoindSource(new BitcoindClient({ url, auth }), { network: 'regtest' })
}

/** @throws BITCOIND_MISSING, L1_UNREACHABLE, L1_WRONG_NETWORK */
export async function startL1(choice: L1Choice, dataDir: string, cookieFile?: string): Promise<RunningL1> {
  if (choice === 'embedded') {
    const chain = new EmbeddedChain({ dataDir })
    const cookie = join(dataDir, '.cookie')
    const server = await serveEmbeddedRpc(chain, { cookieFile: cookie })
    const access = { url: server.url, auth: { cookieFile: cookie } }
    return { kind: 'embedded', ...access, source: openSource(access), stop: () => server.close() }
  }
  if (choice === 'bitcoind') {
    const binary = findBitcoind()
    let running
    try {
      running = await startBitcoind({ binary, dataDir })
    } catch (cause) {
      throw new AppError<NodeError>(
        { code: 'BITCOIND_MISSING', fault: 'user' },
        `${binary} did not start: ${messageOf(cause)}`,
        { cause },
      )
    }
    const access = { url: running.url, auth: { cookieFile: running.cookieFile } }
    return { kind: 'bitcoind', ...access, source: openSource(access), stop: () => running.stop() }
  }
  const access = accessFromUrl(choice, cookieFile)
  const source = openSource(access)
  try {
    await source.identify()
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'L1_UNREACHABLE', fault: 'user', retry: true },
      `no usable Bitcoin regtest at ${access.url}: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
  return { kind: 'url', ...access, source, stop: async () => undefined }
}

/** Splits http://user:password@host:port; without credentials a cookie file must be named. */
export function accessFromUrl(text: string, cookieFile?: string): L1Access {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'L1_UNREACHABLE', fault: 'user', retry: true },
      `not a URL: ${text}; write http://user:password@host:port`,
      {
        cause,
      },
    )
  }
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  url.username = ''
  url.password = ''
  const plain = url.href.replace(/\/$/, '')
  return { url: plain, auth: cookieFile !== undefined ? { cookieFile } : { user, password } }
}

/** The bitcoind in HAWSER_BITCOIND or on PATH. @throws BITCOIND_MISSING */
export function findBitcoind(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['HAWSER_BITCOIND']
  const candidates = named
    ? [named]
    : (env['PATH'] ?? '')
        .split(delimiter)
        .filter(Boolean)
        .map((folder) => join(folder, 'bitcoind'))
  const found = candidates.find((candidate) => existsSync(candidate))
  if (found) return found
  throw new AppError<NodeError>(
    { code: 'BITCOIND_MISSING', fault: 'user' },
    named
      ? `HAWSER_BITCOIND names ${named}, and there is no such file`
      : 'no bitcoind on PATH; install Bitcoin Core, set HAWSER_BITCOIND to one, or use --l1 embedded',
  )
}
