import type { HeaderChain, InclusionProof } from '@hawser/bitcoin'
import { inherentGasCap, type ChainSpec, type InherentCall } from '@hawser/chain'
import { BatchStatus, bridgeAbi, CoinStatus, FormBatchStatus, systemContracts } from '@hawser/contracts'
import { fromHex, toHex, ZERO_HASH, type BtcHash, type Clock, type Hex, type Logger } from '@hawser/primitives'
import { encodeFunctionData } from 'viem'
import type { ContractReader, Simulation } from './contract-reader.ts'
import type { CustodyRecords } from './custody-records.ts'
import { refusalOfPayment } from './creditable.ts'
import { windowOf } from './finish-records.ts'
import { relayHeaders } from './header-relayer.ts'
import { gasLimitFor } from './inherent-gas.ts'
import { outpointKey, type CustodyPayment, type CustodySpend } from './scan-block.ts'

/** Trials for one block at most: at some 5 ms each they fit the budget. */
const MAX_TRIALS = 32
/** Records looked at for one block. */
const MAX_LOOKED_AT = 256
/** Time for gathering inherents: a slot waits for them. */
const BUDGET_MS = 200
/** Time in which the first trial may begin: reading what it needs can take longer than the budget. */
const FIRST_TRIAL_MS = 600
/** Failed trials remembered. */
const MAX_REASONS = 10_000
/** Bitcoin blocks that a payment whose trial failed waits at most: dust must not use up the trials of others. */
const MAX_BACKOFF_BLOCKS = 16
const COINBASE_MATURITY = 100
/** Own blocks that a vote to resume is put into: one may lose its slot, and a second vote would only revert. */
const MAX_RESUME_BLOCKS = 3
const RESUME_GAS = 1_000_000n
const FIRST_COMMITTEE = 0

export interface BridgeInherentsParts {
  readonly spec: ChainSpec
  readonly chain: HeaderChain
  readonly records: CustodyRecords
  readonly clock: Clock
  readonly logger: Logger
}

/** What the node puts first in a block: news from Bitcoin and what is due on the bridge (protocol.md, section 2). */
export class BridgeInherents {
  readonly #parts: BridgeInherentsParts
  readonly #failures = new Map<string, { reason: string; count: number; retryAtHeight: number }>()
  #resume: { readonly pauseId: bigint; readonly blocks: number } | undefined

  constructor(parts: BridgeInherentsParts) {
    this.#parts = parts
  }

  /** Votes to resume the bridge from a pause, in this node's next block. */
  requestResume(pauseId: bigint): void {
    this.#resume = { pauseId, blocks: MAX_RESUME_BLOCKS }
  }

  /** Why the last trial of a payment's deposit call failed. */
  refusalOf(payment: CustodyPayment): string | undefined {
    return this.#failures.get(outpointKey(payment))?.reason
  }

  /** The calls for a block on top of the reader's block, in protocol order; what does not fit waits for the next one. */
  async gather(reader: ContractReader): Promise<readonly InherentCall[]> {
    const { spec, chain, clock } = this.#parts
    const endMs = clock.nowMs() + BUDGET_MS
    const calls: InherentCall[] = []
    let gasLeft = inherentGasCap(reader.header.gasLimit)
    let trials = MAX_TRIALS
    const put = (call: InherentCall | undefined) => {
      if (!call || call.gasLimit > gasLeft) return
      gasLeft -= call.gasLimit
      calls.push(call)
    }
    const tryCall = async (data: Uint8Array, label: string): Promise<Simulation> => {
      trials--
      const result = await reader.simulate(systemContracts.bridge, data)
      if (result.ok) put({ to: systemContracts.bridge, data, gasLimit: gasLimitFor(result.gasUsed), label })
      return result
    }
    put(await relayHeaders(spec, chain, reader, gasLeft))
    const light = await reader.bestBitcoinBlock()
    // Proofs count from blocks of the chain that the parent's light client is on.
    const deep = (height: number) => light.height - height + 1 >= spec.bridge.depositConfirmations
    const proven = chain.isOnMainChain(light.hash)
      ? (record: CustodyPayment | CustodySpend) => deep(record.height) && chain.isOnMainChain(record.blockHash)
      : () => false

    // The first trial has more time: a slow machine must not fall silent.
    const lateMs = clock.nowMs() + FIRST_TRIAL_MS
    const inTime = () => trials > 0 && clock.nowMs() < (trials === MAX_TRIALS ? Math.max(endMs, lateMs) : endMs)
    const isDue = (name: string) => light.height >= (this.#failures.get(name)?.retryAtHeight ?? 0)
    const round = Number(reader.header.number)

    const reports: SpendCall[] = []
    for (const spend of await this.#spendsToTry(reader, proven, round)) {
      if (!inTime()) break
      const { settle, report } = await this.#spendCalls(reader, spend, isDue, inTime)
      if (settle) this.#note(settle.label, reasonOf(await tryCall(settle.data(), settle.label)), light.height)
      reports.push(...report)
    }
    for (const { data, label } of reports)
      if (inTime()) this.#note(label, reasonOf(await tryCall(data(), label)), light.height)

    const due = this.#parts.records
      .unfinishedPayments()
      .filter((p) => p.proof && proven(p) && this.#isWorthTrying(p, light.height))
    for (const kind of ['address', 'op-return'] as const) {
      const ofKind = due.filter((p) => p.kind === kind)
      for (const payment of windowOf(ofKind, MAX_LOOKED_AT, round)) {
        if (!inTime()) break
        const coin = await reader.coin(payment.txid, payment.vout)
        // Credited from this very block: nothing to do. From another one: it may have to be proven again.
        if (coin.status !== CoinStatus.None && coin.bitcoinBlock === payment.blockHash) continue
        const result = await tryCall(depositData(payment), `${kind} deposit ${outpointKey(payment)}`)
        this.#note(outpointKey(payment), reasonOf(result), light.height)
      }
    }

    if (inTime() && (await reader.formBatchStatus()) === FormBatchStatus.Ready)
      await tryCall(call('formBatch', []), 'formBatch')
    if (this.#resume !== undefined) await this.#voteResume(reader, put)
    return calls
  }

  /** Settlements of batches in flight first, then a window of the others that moves from block to block. */
  async #spendsToTry(reader: ContractReader, proven: (spend: CustodySpend) => boolean, round: number) {
    const { records } = this.#parts
    const others = new Set(records.unfinishedSpends().filter(proven))
    if (others.size === 0) return []
    const settlements: CustodySpend[] = []
    for (const id of await reader.batchesInFlight()) {
      const anchor = (await reader.batch(id)).inputs[0]
      const spend = anchor && records.spendOf({ txid: anchor.txid as BtcHash, vout: anchor.vout })
      if (spend && others.delete(spend)) settlements.push(spend)
    }
    return [...settlements, ...windowOf([...others], MAX_LOOKED_AT, round)]
  }

  async #spendCalls(
    reader: ContractReader,
    spend: CustodySpend,
    isDue: (label: string) => boolean,
    inTime: () => boolean,
  ): Promise<{ readonly settle?: SpendCall; readonly report: readonly SpendCall[] }> {
    const report: SpendCall[] = []
    let settle: SpendCall | undefined
    for (const { index, outpoint } of spend.spent) {
      if (!inTime()) break
      const coin = await reader.coin(outpoint.txid, outpoint.vout)
      if (coin.status === CoinStatus.Available) {
        const label = `reportSpend ${outpointKey(outpoint)}`
        if (isDue(label)) report.push({ label, data: () => call('reportSpend', [proofArgument(spend.proof), index]) })
      } else if (coin.batchId !== 0n && !settle) {
        const batch = await reader.batch(coin.batchId)
        if (batch.status === BatchStatus.Settled && batch.bitcoinBlock === spend.blockHash) break
        const label = `settleBatch ${coin.batchId}`
        const data = () => call('settleBatch', [coin.batchId, proofArgument(spend.proof)])
        if (isDue(label)) settle = { label, data }
      }
    }
    return { settle, report }
  }

  async #voteResume(reader: ContractReader, put: (call: InherentCall) => void): Promise<void> {
    const { pauseId, blocks } = this.#resume ?? { pauseId: 0n, blocks: 0 }
    const reserves = await reader.reserves()
    if (!reserves.paused || reserves.pauseId !== pauseId || blocks === 0) {
      this.#resume = undefined
      return
    }
    this.#resume = { pauseId, blocks: blocks - 1 }
    put({
      to: systemContracts.bridge,
      data: call('voteResume', [pauseId]),
      gasLimit: RESUME_GAS,
      label: `voteResume ${pauseId}`,
    })
  }

  #isWorthTrying(payment: CustodyPayment, lightHeight: number): boolean {
    if (refusalOfPayment(payment, this.#parts.spec.bridge) !== undefined) return false
    if (payment.isCoinbase && lightHeight - payment.height + 1 < COINBASE_MATURITY) return false
    return lightHeight >= (this.#failures.get(outpointKey(payment))?.retryAtHeight ?? 0)
  }

  #note(name: string, reason: string | undefined, lightHeight: number): void {
    const count = (this.#failures.get(name)?.count ?? 0) + 1
    this.#failures.delete(name)
    // A pause is nobody's fault: it is tried again in the first block after it.
    if (reason === undefined || reason.startsWith('BridgePaused')) return
    if (this.#failures.size >= MAX_REASONS) this.#failures.delete(this.#failures.keys().next().value as string)
    const wait = Math.min(2 ** (count - 1), MAX_BACKOFF_BLOCKS)
    this.#failures.set(name, { reason, count, retryAtHeight: lightHeight + wait })
  }
}

interface SpendCall {
  readonly label: string
  readonly data: () => Uint8Array
}

function reasonOf(result: Simulation): string | undefined {
  return result.ok ? undefined : result.reason
}

function depositData(payment: CustodyPayment): Uint8Array {
  const proof = proofArgument(payment.proof as InclusionProof)
  if (payment.kind === 'op-return') return call('depositByOpReturn', [proof, FIRST_COMMITTEE])
  return call('deposit', [
    proof,
    {
      vout: payment.vout,
      committeeId: FIRST_COMMITTEE,
      kind: 0,
      account: payment.account as Hex,
      refundKey: payment.refundKey ? toHex(payment.refundKey) : ZERO_HASH,
      qy: toHex(payment.qy ?? new Uint8Array(32)),
    },
  ])
}

/** A proof as the contracts' ABI takes it. */
export function proofArgument(proof: InclusionProof) {
  return {
    header: toHex(proof.header),
    index: proof.index,
    coinbase: toHex(proof.coinbase),
    coinbaseBranch: proof.coinbaseBranch.map((hash) => toHex(hash)),
    transaction: toHex(proof.transaction),
    branch: proof.branch.map((hash) => toHex(hash)),
  }
}

type Call = (typeof bridgeAbi)[number] & { readonly type: 'function' }
function call<N extends Call['name']>(functionName: N, args: readonly unknown[]): Uint8Array {
  return fromHex(encodeFunctionData({ abi: bridgeAbi, functionName, args } as never))
}
