import { DEVNET_CHAIN_ID } from '@hawser/genesis'
import type { Devnet } from '@hawser/node'
import { hawserActions, hawserChain, type HawserActions } from '@hawser/sdk'
import {
  createPublicClient,
  createWalletClient,
  http,
  publicActions,
  type Chain,
  type Client,
  type Hex,
  type HttpTransport,
  type PrivateKeyAccount,
  type PublicActions,
  type PublicClient,
  type WalletActions,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

/** Between two looks of a client that waits, milliseconds: slots are a second long. */
export const POLL_MS = 100

/** A viem client that reads. */
export function readerOf(rpcUrl: string): PublicClient<HttpTransport, Chain> {
  return createPublicClient({
    chain: hawserChain(DEVNET_CHAIN_ID, rpcUrl),
    transport: http(rpcUrl),
    pollingInterval: POLL_MS,
    cacheTime: 0,
  })
}

type Wallet = Client<
  HttpTransport,
  Chain,
  PrivateKeyAccount,
  undefined,
  WalletActions<Chain, PrivateKeyAccount> & PublicActions<HttpTransport, Chain, PrivateKeyAccount> & HawserActions
>

/** A viem client that reads, signs with one of the devnet's accounts (or a key), and knows the bridge. */
export function walletOf(devnet: Devnet, account: number | Hex): Wallet {
  const key = typeof account === 'number' ? devnet.accounts[account]?.privateKey : account
  if (!key) throw new Error(`the devnet has no account ${account}`)
  return createWalletClient({
    account: privateKeyToAccount(key),
    chain: hawserChain(DEVNET_CHAIN_ID, devnet.rpcUrl),
    transport: http(devnet.rpcUrl),
    pollingInterval: POLL_MS,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(hawserActions())
}
