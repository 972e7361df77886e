import { MAX_SATS, type BtcHash } from '@hawser/primitives'
import { classifyScript, dustLimitSats } from '../script.ts'
import { encodeStripped, isCoinbase, vsize, weight, type Transaction } from '../transaction.ts'
import type { Coin, EmbeddedChain } from './embedded-chain.ts'
import {
  idsOf,
  MAX_ANCESTORS,
  MAX_MEMPOOL_TRANSACTIONS,
  MAX_REPLACED,
  Mempool,
  outpointKey,
  type MempoolEntry,
} from './mempool.ts'
import { checkScripts } from './script-check.ts'

/** Blocks until a coinbase may be spent. */
export const COINBASE_MATURITY = 100
const MAX_STANDARD_WEIGHT = 400_000
const MAX_SCRIPT_SIG_BYTES = 1650
const MAX_DATA_CARRIER_BYTES = 83
const SEQUENCE_DISABLED = 0x8000_0000
const SEQUENCE_TIME = 0x0040_0000

/** Whether a transaction may enter the mempool; reasons in bitcoind's words. */
export type MempoolVerdict =
  | { readonly accepted: true; readonly entry: MempoolEntry; readonly replaces: readonly BtcHash[] }
  | {
      readonly accepted: false
      readonly txid: BtcHash
      readonly wtxid: BtcHash
      readonly reason: string
      readonly details?: string
    }

/** bitcoind's checks in its order: form, standardness, inputs, replacement, age, fee, scripts. */
export function checkForMempool(chain: EmbeddedChain, tx: Transaction): MempoolVerdict {
  const ids = idsOf(tx)
  const refuse = (reason: string, details?: string): MempoolVerdict => ({ accepted: false, ...ids, reason, details })
  const form = formProblem(tx) ?? standardProblem(tx)
  if (form) return refuse(form)
  if (!isFinal(chain, tx)) return refuse('non-final')
  if (chain.mempool.get(ids.txid)) return refuse('txn-already-in-mempool')

  const nextHeight = chain.height + 1
  const coins: Coin[] = []
  for (const input of tx.inputs) {
    const parent = chain.mempool.get(input.txid)?.tx.outputs[input.vout]
    const coin = chain.coins.get(outpointKey(input)) ?? (parent && { ...parent, height: nextHeight, isCoinbase: false })
    if (!coin)
      return refuse(tx.outputs.some((_, vout) => chain.coin(ids.txid, vout)) ? 'txn-already-known' : 'missing-inputs')
    coins.push(coin)
  }
  if (coins.some((coin) => coin.isCoinbase && nextHeight - coin.height < COINBASE_MATURITY))
    return refuse('bad-txns-premature-spend-of-coinbase')
  const inSats = coins.reduce((sum, coin) => sum + coin.sats, 0n)
  const outSats = tx.outputs.reduce((sum, output) => sum + output.sats, 0n)
  if (inSats < outSats) return refuse('bad-txns-in-belowout')
  if (!isOldEnough(chain, tx, coins)) return refuse('non-BIP68-final')

  const feeSats = inSats - outSats
  const size = vsize(tx)
  if (feeSats < BigInt(Math.ceil(chain.minRelayFeeRateSatPerVb * size)))
    return refuse('min relay fee not met', `${feeSats} < ${Math.ceil(chain.minRelayFeeRateSatPerVb * size)}`)
  const replacement = replacementProblem(chain, tx, feeSats, size)
  if (typeof replacement === 'string') return refuse(...(replacement.split(': ', 2) as [string, string?]))
  if (chain.mempool.ancestors(tx).size + 1 > MAX_ANCESTORS) return refuse('too-long-mempool-chain')
  if (chain.mempool.size - replacement.length >= MAX_MEMPOOL_TRANSACTIONS) return refuse('mempool full')
  const failure = checkScripts(tx, coins)
  if (failure) return refuse(`mandatory-script-verify-flag-failed (${failure})`)
  const entry = Mempool.entry(tx, ids, feeSats, Math.floor(chain.clock.nowMs() / 1000), chain.height)
  return { accepted: true, entry, replaces: replacement }
}

function formProblem(tx: Transaction): string | undefined {
  if (tx.outputs.length === 0) return 'bad-txns-vout-empty'
  if (tx.outputs.some((o) => o.sats > MAX_SATS)) return 'bad-txns-vout-toolarge'
  if (tx.outputs.reduce((sum, o) => sum + o.sats, 0n) > MAX_SATS) return 'bad-txns-txouttotal-toolarge'
  if (new Set(tx.inputs.map(outpointKey)).size !== tx.inputs.length) return 'bad-txns-inputs-duplicate'
  if (isCoinbase(tx)) return 'coinbase'
  return undefined
}

function standardProblem(tx: Transaction): string | undefined {
  if (tx.version < 1 || tx.version > 3) return 'version'
  if (weight(tx) > MAX_STANDARD_WEIGHT) return 'tx-size'
  if (encodeStripped(tx).length < 65) return 'tx-size-small'
  if (tx.inputs.some((input) => input.scriptSig.length > MAX_SCRIPT_SIG_BYTES)) return 'scriptsig-size'
  const kinds = tx.outputs.map((output) => classifyScript(output.script).type)
  const tooLong = tx.outputs.some((o, i) => kinds[i] === 'op_return' && o.script.length > MAX_DATA_CARRIER_BYTES)
  if (kinds.includes('other') || tooLong) return 'scriptpubkey'
  if (tx.outputs.some((o) => o.sats < (dustLimitSats(o.script) ?? 0n))) return 'dust'
  if (kinds.filter((kind) => kind === 'op_return').length > 1) return 'multi-op-return'
  return undefined
}

function isFinal(chain: EmbeddedChain, tx: Transaction): boolean {
  if (tx.locktime === 0 || tx.inputs.every((input) => input.sequence === 0xffff_ffff)) return true
  const limit = tx.locktime < 500_000_000 ? chain.height + 1 : chain.medianTimeS(chain.tip)
  return tx.locktime < limit
}

/** BIP68: relative lock times of version 2 transactions. */
function isOldEnough(chain: EmbeddedChain, tx: Transaction, coins: readonly Coin[]): boolean {
  if (tx.version < 2) return true
  return tx.inputs.every(({ sequence }, i) => {
    if ((sequence & SEQUENCE_DISABLED) !== 0) return true
    const coin = coins[i] as Coin
    const value = sequence & 0xffff
    if ((sequence & SEQUENCE_TIME) === 0) return chain.height + 1 >= coin.height + value
    const before = chain.atHeight(Math.max(coin.height - 1, 0)) ?? chain.tip
    return chain.medianTimeS(chain.tip) >= chain.medianTimeS(before) + value * 512
  })
}

/** BIP125 without its rule 1 (bitcoind replaces any transaction): what is replaced, or why not. */
function replacementProblem(chain: EmbeddedChain, tx: Transaction, feeSats: bigint, size: number): BtcHash[] | string {
  const { mempool } = chain
  const conflicts = [...new Set(tx.inputs.map((input) => mempool.spender(input)).filter((id) => id !== undefined))]
  if (conflicts.length === 0) return []
  const gone = mempool.withDescendants(conflicts)
  if (gone.size > MAX_REPLACED) return 'too many potential replacements'
  if ([...mempool.ancestors(tx)].some((id) => gone.has(id))) return 'bad-txns-spends-conflicting-tx'
  const direct = conflicts.map((id) => mempool.get(id) as MempoolEntry)
  const inherited = new Set(direct.flatMap((entry) => entry.tx.inputs.map((input) => input.txid)))
  if (mempool.parents(tx).some((id) => !inherited.has(id))) return 'replacement-adds-unconfirmed'
  if (direct.some((entry) => feeSats * BigInt(entry.vsize) <= entry.feeSats * BigInt(size)))
    return 'insufficient fee: rejecting replacement, new feerate is not above the old one'
  const goneFees = [...gone].reduce((sum, id) => sum + (mempool.get(id) as MempoolEntry).feeSats, 0n)
  const least = goneFees + BigInt(Math.ceil(chain.minRelayFeeRateSatPerVb * size))
  if (feeSats < least) return `insufficient fee: rejecting replacement, ${feeSats} sat do not pay for ${least}`
  return [...gone]
}
