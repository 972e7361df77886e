import { hawserActions, hawserChain, type HawserActions, type HawserClient } from '@hawser/sdk'
import { createClient, http, publicActions, type Account, type PublicActions } from 'viem'
import { readUrl } from './parse-arguments.ts'
import { Output } from './output.ts'

export const DEFAULT_RPC_URL = 'http://127.0.0.1:8545'
const RPC_TIMEOUT_MS = 15_000

/** The options that every command takes. */
export interface GlobalOptions {
  readonly rpc: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export type CliClient = HawserClient & HawserActions & PublicActions

/** A client for the node behind --rpc; with an account it can send. */
export function connect(rpcUrl: string, options: { account?: Account; chainId?: number } = {}): CliClient {
  readUrl('--rpc', rpcUrl)
  return createClient({
    ...(options.account ? { account: options.account } : {}),
    ...(options.chainId === undefined ? {} : { chain: hawserChain(options.chainId, rpcUrl) }),
    transport: http(rpcUrl, { timeout: RPC_TIMEOUT_MS, retryCount: 1 }),
    pollingInterval: 250,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(hawserActions()) as unknown as CliClient
}

export function outputOf(options: GlobalOptions): Output {
  return new Output(options)
}
