import { custodyOutput } from '@hawser/bitcoin'
import { BRIDGE_SLOTS, CoinStatus, readStoredCoin, storedCoinSlots, systemContracts } from '@hawser/contracts'
import { displayBtcHash, MAX_SATS, sats, satsToWei, toHex } from '@hawser/primitives'
import type { CoinLookup } from './coin-lookup.ts'
import { sdkError } from './errors.ts'
import { MAX_COINS, type CustodyCoin } from './get-custody-coins.ts'
import { liabilitySats, type Reserves } from './get-reserves.ts'
import type { HawserClient } from './hawser-client.ts'
import type { TrustedChain } from './trusted-chain.ts'
import type { ProvenBlock } from './check-finality.ts'
import { verifyFinality, type VerifyFinalityParameters } from './verify-finality.ts'
import { verifyAccount } from './verify-state.ts'

/** How old the last final block may be unless told otherwise, in seconds: blocks come every few seconds. */
const DEFAULT_MAX_AGE_S = 600
const SUPPLY_WEI = satsToWei(sats(MAX_SATS))

export interface VerifyReservesParameters extends VerifyFinalityParameters {
  /** Where coins are looked for on Bitcoin; without it they are listed alone. */
  readonly bitcoin?: CoinLookup
}

/** Reserves of which every figure was proven under a final state root. */
export interface VerifiedReserves extends Omit<Reserves, 'block'> {
  readonly block: ProvenBlock
  readonly coins: readonly CustodyCoin[]
  /** The sum of the coins. */
  readonly coinSats: bigint
  /** What was found on Bitcoin; absent when nobody looked. */
  readonly bitcoin?: {
    readonly unspent: number
    /** Coins of batches in flight whose transaction is out already. */
    readonly spentByBatches: number
    /** Coins that ought to be there and are not, or not as they should be: txid:vout. */
    readonly missing: readonly string[]
  }
  /** Custody covers what is owed, the coins add up to it, and none is missing. */
  readonly passed: boolean
}

/**
 * Reserves against liabilities without trusting the node: a header that the validators' votes prove final, the Bridge's balance
 * and storage proven under its state root, every custody coin with its outpoint, and each coin looked for on Bitcoin where the
 * caller says how. A coin that is gone may have been spent by a batch that was formed after the proven block: look again then.
 * Without a block number the last final block must be no older than ten minutes, or `maxAgeS`.
 * @throws JUSTIFICATION_INVALID, HANDOVER_INVALID, PROOF_INVALID, PROOF_TOO_OLD, TOO_MANY_COINS
 */
export async function verifyReserves(
  client: HawserClient,
  parameters: VerifyReservesParameters,
): Promise<VerifiedReserves> {
  const { blockNumber, maxAgeS = blockNumber === undefined ? DEFAULT_MAX_AGE_S : undefined } = parameters
  const block = await verifyFinality(client, { ...parameters, maxAgeS })
  const names = Object.keys(BRIDGE_SLOTS) as (keyof typeof BRIDGE_SLOTS)[]
  const { balance, words } = await verifyAccount(client, {
    block,
    account: systemContracts.bridge,
    slots: names.map((name) => BRIDGE_SLOTS[name]),
  })
  const figures = Object.fromEntries(names.map((name, index) => [name, words[index]])) as Record<
    keyof typeof BRIDGE_SLOTS,
    bigint
  >
  const { custodySats, pendingSats, maxFeeSats, shortfallSats, claimableWei, pauseReasons, pauseId } = figures
  const circulatingWei = SUPPLY_WEI - balance
  const owed = liabilitySats({ circulatingWei, pendingSats, maxFeeSats, claimableWei })
  const proven = await provenCoins(client, block, figures.lastCoinId)
  const coins = proven.map(({ coin }) => coin)
  const coinSats = coins.reduce((sum, coin) => sum + coin.sats, 0n)
  const bitcoin = parameters.bitcoin && (await lookUp(proven, parameters.bitcoin, parameters.trust))
  return {
    block,
    custodySats,
    circulatingWei,
    pendingSats,
    maxFeeSats,
    claimableWei,
    liabilitySats: owed,
    shortfallSats,
    paused: pauseReasons !== 0n,
    pauseId,
    covered: custodySats >= owed,
    surplusSats: custodySats - owed,
    coins,
    coinSats,
    ...(bitcoin && { bitcoin }),
    passed: custodySats >= owed && coinSats === custodySats && (bitcoin?.missing.length ?? 0) === 0,
  }
}

interface ProvenCoin {
  readonly coin: CustodyCoin
  /** The sibling of R in the coin's tree: with it and the committee's keys its script is computed. */
  readonly u: Uint8Array
}

async function provenCoins(client: HawserClient, block: ProvenBlock, lastId: bigint): Promise<ProvenCoin[]> {
  if (lastId > BigInt(MAX_COINS))
    throw sdkError('TOO_MANY_COINS', 'user', `${lastId} coins were ever made, at most ${MAX_COINS} are looked through`)
  const ids = Array.from({ length: Number(lastId) }, (_, index) => BigInt(index + 1))
  const slots = ids.map(storedCoinSlots)
  const { words } = await verifyAccount(client, { block, account: systemContracts.bridge, slots: slots.flat() })
  let read = 0
  return ids.flatMap((id, index) => {
    const { txid, vout, sats, status, u } = readStoredCoin(words.slice(read, (read += slots[index]?.length ?? 0)))
    if (status !== CoinStatus.Available && status !== CoinStatus.InBatch) return []
    const inBatch = status === CoinStatus.InBatch
    const coin: CustodyCoin = { id, txid: displayBtcHash(txid), vout, sats, status: inBatch ? 'in-batch' : 'available' }
    return [{ coin, u }]
  })
}

async function lookUp(coins: readonly ProvenCoin[], lookup: CoinLookup, { committee, network }: TrustedChain) {
  let unspent = 0
  let spentByBatches = 0
  const missing: string[] = []
  for (const { coin, u } of coins) {
    const found = await lookup(coin)
    const script = toHex(custodyOutput(committee, network, u).scriptPubKey)
    if (found?.sats === coin.sats && found.scriptPubKey === script) unspent++
    else if (!found && coin.status === 'in-batch') spentByBatches++
    else missing.push(`${coin.txid}:${coin.vout}`)
  }
  return { unspent, spentByBatches, missing }
}
