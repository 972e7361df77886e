import { L1Wallet, type BitcoindSource, type WalletCoin } from '@hawser/bitcoin/source'
import { accessFromUrl, DEV_WALLET_SEED, findDevnet, openSource, type L1Access } from '@hawser/node'
import { cliError } from './errors.ts'
import { readUrl } from './parse-arguments.ts'

export interface L1Options {
  readonly rpc: string
  readonly l1?: string
  readonly l1Cookie?: string
}

/** The Bitcoin that --l1 names, or that of the devnet behind --rpc; undefined when there is neither. */
export function findL1({ rpc, l1, l1Cookie }: L1Options): L1Access | undefined {
  if (l1 !== undefined) return accessFromUrl(readUrl('--l1', l1), l1Cookie)
  return findDevnet(rpc)?.l1
}

/** The devnet's L1 wallet. @throws L1_UNKNOWN */
export function openWallet(options: L1Options): L1Wallet {
  const access = findL1(options)
  if (!access)
    throw cliError(
      'L1_UNKNOWN',
      `no devnet of this machine runs at ${options.rpc}, so its Bitcoin is not known; start one with \`hawser devnet\`, or name a regtest with --l1 URL`,
    )
  return new L1Wallet(openSource(access), DEV_WALLET_SEED)
}

/** Room for the fee of a payment from many small coins. */
const FEE_MARGIN_SATS = 100_000n
/** Coins in one payment: beyond it the transaction would be too large to relay. */
const MAX_COINS = 500

/**
 * Coins that cover an amount and that no waiting transaction spends: a wallet that was opened just now does not know what
 * it sent a second ago.
 */
export async function freeCoins(wallet: L1Wallet, amountSats: bigint): Promise<WalletCoin[]> {
  await wallet.sync()
  const chosen: WalletCoin[] = []
  let sum = 0n
  for (const coin of wallet.coins().sort((a, b) => Number(b.sats - a.sats))) {
    if (sum >= amountSats + FEE_MARGIN_SATS || chosen.length === MAX_COINS) break
    if (!(await isUnspent(wallet.source, coin))) continue
    chosen.push(coin)
    sum += coin.sats
  }
  return chosen
}

async function isUnspent(source: BitcoindSource, coin: WalletCoin): Promise<boolean> {
  return (await source.utxo(coin.txid, coin.vout, { includeMempool: true })) !== undefined
}
