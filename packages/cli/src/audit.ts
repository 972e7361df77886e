import type { BitcoindSource } from '@hawser/bitcoin/source'
import { btcHashFromDisplay, toHex } from '@hawser/primitives'
import type { CoinLookup, CustodyCoin, Reserves, TrustedChain } from '@hawser/sdk'
import type { CliClient } from './context.ts'

/** What an audit found. */
export interface AuditReport extends Reserves {
  /** The coins of the custody and their sum, sats. */
  readonly coins: number
  readonly coinSats: bigint
  /** Whether the votes that make the block final were checked against the chain spec, and every figure proven under it; false without one. */
  readonly finalityProven: boolean
  /** What was looked up on Bitcoin; absent without a Bitcoin node. */
  readonly bitcoin?: {
    /** Coins that are unspent on Bitcoin. */
    readonly unspent: number
    /** Coins of batches in flight whose transaction is out already. */
    readonly spentByBatches: number
    /** Coins that ought to be unspent and are not: txid:vout. */
    readonly missing: readonly string[]
  }
  /** Custody covers what is owed, the coins add up to it, and none is missing. */
  readonly passed: boolean
}

/**
 * Reserves against liabilities to the satoshi at the last final block, coin by coin on Bitcoin when a node is given. With a
 * trusted chain nothing that the Hawser node says is believed unproven; without one all of it is.
 * @throws JUSTIFICATION_INVALID, PROOF_INVALID, PROOF_TOO_OLD
 */
export async function audit(client: CliClient, source?: BitcoindSource, trust?: TrustedChain): Promise<AuditReport> {
  if (trust) return proven(client, trust, source && coinsOf(source))
  const reserves = await client.getReserves()
  const coins = await client.getCustodyCoins({ blockNumber: reserves.block.number })
  const coinSats = coins.reduce((sum, coin) => sum + coin.sats, 0n)
  const bitcoin = source && (await lookUp(client, source, coins))
  const passed = reserves.covered && coinSats === reserves.custodySats && (bitcoin?.missing.length ?? 0) === 0
  return { ...reserves, coins: coins.length, coinSats, finalityProven: false, bitcoin, passed }
}

async function proven(client: CliClient, trust: TrustedChain, bitcoin?: CoinLookup): Promise<AuditReport> {
  let found = await client.verifyReserves({ trust, bitcoin })
  // A coin may be gone with a batch that became final since: then a later block has it in that batch.
  if (found.bitcoin && found.bitcoin.missing.length > 0) found = await client.verifyReserves({ trust, bitcoin })
  const { block, coins, ...report } = found
  return { ...report, block: { number: block.number, hash: block.hash }, coins: coins.length, finalityProven: true }
}

function coinsOf(source: BitcoindSource): CoinLookup {
  return async ({ txid, vout }) => {
    const found = await source.utxo(btcHashFromDisplay(txid), vout)
    return found && { sats: found.sats, scriptPubKey: toHex(found.script) }
  }
}

async function lookUp(client: CliClient, source: BitcoindSource, coins: readonly CustodyCoin[]) {
  let unspent = 0
  let spentByBatches = 0
  const gone: CustodyCoin[] = []
  for (const coin of coins) {
    const utxo = await source.utxo(btcHashFromDisplay(coin.txid), coin.vout)
    if (utxo?.sats === coin.sats) unspent++
    else if (coin.status === 'in-batch') spentByBatches++
    else gone.push(coin)
  }
  // A batch may have become final, signed and sent since the block that was audited: only what is free still is missing.
  const free = gone.length === 0 ? [] : (await latestCoins(client)).filter((coin) => coin.status === 'available')
  const missing = gone.filter((coin) => free.some((other) => other.id === coin.id))
  return {
    unspent,
    spentByBatches: spentByBatches + gone.length - missing.length,
    missing: missing.map(({ txid, vout }) => `${txid}:${vout}`),
  }
}

async function latestCoins(client: CliClient): Promise<CustodyCoin[]> {
  const { number } = await client.getBlock({ blockTag: 'finalized' })
  return client.getCustodyCoins({ blockNumber: number })
}
