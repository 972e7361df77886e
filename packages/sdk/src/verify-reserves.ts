import { custodyOutput } from '@hawser/bitcoin'
import { BRIDGE_COIN, BRIDGE_COINS_SLOT, BRIDGE_SLOTS, CoinStatus, systemContracts } from '@hawser/contracts'
import {
  concatBytes,
  displayBtcHash,
  keccak256,
  MAX_SATS,
  readUintBE,
  sats,
  satsToWei,
  toHex,
  uintBE,
  type BtcHash,
} from '@hawser/primitives'
import type { CoinLookup } from './coin-lookup.ts'
import { sdkError } from './errors.ts'
import { MAX_COINS, type CustodyCoin } from './get-custody-coins.ts'
import { liabilitySats, type Reserves } from './get-reserves.ts'
import type { HawserClient } from './hawser-client.ts'
import type { TrustedChain } from './trusted-chain.ts'
import { verifyFinality, type ProvenBlock, type VerifyFinalityParameters } from './verify-finality.ts'
import { verifyAccount } from './verify-state.ts'

const SUPPLY_WEI = satsToWei(sats(MAX_SATS))
const COIN_WORDS = [BRIDGE_COIN.txidWord, BRIDGE_COIN.uWord, BRIDGE_COIN.amountsWord] as const
const MASK = { u64: (1n << 64n) - 1n, u32: (1n << 32n) - 1n, u8: 0xffn } as const

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
 * @throws JUSTIFICATION_INVALID, PROOF_INVALID, PROOF_TOO_OLD, TOO_MANY_COINS
 */
export async function verifyReserves(
  client: HawserClient,
  parameters: VerifyReservesParameters,
): Promise<VerifiedReserves> {
  const block = await verifyFinality(client, parameters)
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
  const { words } = await verifyAccount(client, {
    block,
    account: systemContracts.bridge,
    slots: ids.flatMap((id) => {
      const first = readUintBE(keccak256(concatBytes(uintBE(id, 32), uintBE(BRIDGE_COINS_SLOT, 32))))
      return COIN_WORDS.map((word) => first + word)
    }),
  })
  return ids.flatMap((id, index) => {
    const [txid, u, amounts] = words.slice(index * COIN_WORDS.length, (index + 1) * COIN_WORDS.length) as [
      bigint,
      bigint,
      bigint,
    ]
    const status = (amounts >> BRIDGE_COIN.statusBits) & MASK.u8
    const inBatch = status === BigInt(CoinStatus.InBatch)
    if (!inBatch && status !== BigInt(CoinStatus.Available)) return []
    const coin: CustodyCoin = {
      id,
      txid: displayBtcHash(toHex(uintBE(txid, 32)) as BtcHash),
      vout: Number((amounts >> BRIDGE_COIN.voutBits) & MASK.u32),
      sats: (amounts >> BRIDGE_COIN.satsBits) & MASK.u64,
      status: inBatch ? 'in-batch' : 'available',
    }
    return [{ coin, u: uintBE(u, 32) }]
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
