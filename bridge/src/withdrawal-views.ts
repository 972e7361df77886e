import { scriptToAddress } from '@hawser/bitcoin'
import type { BatchView, BitcoinSource, ChainSpec, Page, WithdrawalView } from '@hawser/chain'
import { BatchStatus, WithdrawalReason, WithdrawalStatus } from '@hawser/contracts'
import { btcHashFromDisplay, displayBtcHash, fromHex, type Address, type BtcHash } from '@hawser/primitives'
import type { BatchState, ContractReader, WithdrawalState } from './contract-reader.ts'
import type { WithdrawalSignerService } from './withdrawal-signer-service.ts'

/** What a caller waits for the own Bitcoin node's word on its mempool. */
const MEMPOOL_TIMEOUT_MS = 2_000

/** Why a request stands where it stands, in the contract's view. */
const REASONS: Readonly<Record<number, string>> = {
  [WithdrawalReason.WaitingForBatch]: 'the next batch takes it',
  [WithdrawalReason.FeeTooLow]: 'its max fee cannot pay the lowest Bitcoin fee; raise it',
  [WithdrawalReason.NotCovered]: 'not enough of the custody is free now; it waits for batches to settle',
  [WithdrawalReason.BridgePaused]: 'the bridge is paused',
  [WithdrawalReason.TooManyBatches]: 'too many batches are in flight; it waits for one to settle',
}

export interface WithdrawalViewsParts {
  readonly spec: ChainSpec
  readonly source: BitcoinSource
  readonly signer: Pick<WithdrawalSignerService, 'job'>
  readonly readerAtHead: () => ContractReader
  /** Number of the last final block. */
  readonly finalNumber: () => bigint
}

/** Withdrawals and their batches, from request to settlement, with the reason where one waits. */
export class WithdrawalViews {
  readonly #parts: WithdrawalViewsParts

  constructor(parts: WithdrawalViewsParts) {
    this.#parts = parts
  }

  async withdrawal(id: bigint): Promise<WithdrawalView | undefined> {
    const state = await this.#parts.readerAtHead().withdrawal(id)
    return state.status === WithdrawalStatus.None ? undefined : this.#view(state)
  }

  async withdrawals(account: Address, { offset, limit }: Page): Promise<readonly WithdrawalView[]> {
    const states = await this.#parts.readerAtHead().withdrawalsOf(account, BigInt(offset), BigInt(limit))
    const batches = new Map<bigint, Promise<BatchView>>()
    const batchOf = (id: bigint) => {
      const known = batches.get(id) ?? this.batch(id)
      batches.set(id, known)
      return known
    }
    return Promise.all(states.map((state) => this.#view(state, batchOf)))
  }

  async batch(id: bigint): Promise<BatchView> {
    const { spec, signer, readerAtHead } = this.#parts
    const reader = readerAtHead()
    const state = await reader.batch(id)
    const job = await signer.job(id)
    const base = {
      id: id.toString(),
      withdrawals: state.requests.map((request) => request.id.toString()),
      required: spec.bridge.depositConfirmations,
      refusals: job?.refusals ?? [],
    }
    if (state.status === BatchStatus.None) return { ...base, status: 'unknown' }
    if (state.status === BatchStatus.Failed) return { ...base, status: 'failed' }
    if (state.status === BatchStatus.Settled) return { ...base, ...(await this.#settled(state, reader)) }
    if (!job) return { ...base, status: 'waiting-for-finality' }
    const { signed, path, broadcast, mined, members } = job
    const known = { ...base, ...(path && { path }) }
    const sent = broadcast && { txid: broadcast.txid, feeRateSatPerVb: broadcast.rate }
    if (mined) {
      const { height } = await reader.bestBitcoinBlock()
      const confirmations = Math.max(0, height - mined.height + 1)
      return { ...known, ...sent, status: 'confirmed', txid: displayBtcHash(mined.txid), confirmations }
    }
    if (sent) return { ...known, ...sent, status: 'broadcast', ...(await this.#mempool(sent.txid)) }
    return { ...known, status: signed ? 'signed' : 'signing', ...(!signed && { members: await members() }) }
  }

  async #settled(state: BatchState, reader: ContractReader) {
    const [{ height }, block] = await Promise.all([
      reader.bestBitcoinBlock(),
      reader.bitcoinHeader(state.bitcoinBlock as BtcHash),
    ])
    return {
      status: 'settled',
      txid: displayBtcHash(state.txid as BtcHash),
      feeRateSatPerVb: Number(state.feeSats) / Number(state.vsize),
      confirmations: block.onBestChain ? Math.max(0, height - block.height + 1) : 0,
    } as const
  }

  /** Nothing when the own Bitcoin node does not say. */
  async #mempool(txid: string): Promise<{ inMempool?: boolean }> {
    try {
      const signal = AbortSignal.timeout(MEMPOOL_TIMEOUT_MS)
      return { inMempool: await this.#parts.source.isInMempool(btcHashFromDisplay(txid), { signal }) }
    } catch {
      return {}
    }
  }

  async #view(state: WithdrawalState, batchOf = (id: bigint) => this.batch(id)): Promise<WithdrawalView> {
    const { spec } = this.#parts
    const batch = state.batchId > 0n ? await batchOf(state.batchId) : undefined
    const { status, reason } = this.#stand(state, batch)
    const isSettled = state.status === WithdrawalStatus.Settled
    return {
      id: state.id.toString(),
      account: state.account.toLowerCase() as Address,
      status,
      ...(reason !== undefined && { reason }),
      amountSats: state.amountSats.toString(),
      maxFeeSats: state.maxFeeSats.toString(),
      feeSats: state.feeSats.toString(),
      to: scriptToAddress(fromHex(state.script), spec.parent.network),
      scriptPubKey: state.script,
      requestedAtBlock: state.requestedAtBlock.toString(),
      ...(batch && { batch }),
      ...(isSettled && { txid: displayBtcHash(state.txid as BtcHash), vout: state.vout }),
    }
  }

  #stand(state: WithdrawalState, batch: BatchView | undefined): Pick<WithdrawalView, 'status' | 'reason'> {
    switch (state.status) {
      case WithdrawalStatus.Settled:
        return { status: 'settled' }
      case WithdrawalStatus.Cancelled:
        return { status: 'cancelled', reason: 'its account took it back' }
      case WithdrawalStatus.Batched:
        return batch && batch.status !== 'unknown'
          ? { status: batch.status, ...reasonOf(batch) }
          : { status: 'batched' }
      default:
        // The best block stands on the final one: what was requested up to there is final.
        if (state.requestedAtBlock > this.#parts.finalNumber())
          return { status: 'requested', reason: 'its block is not final yet' }
        return { status: 'queued', reason: REASONS[state.reason] }
    }
  }
}

/** What a batch waits for, in words. */
function reasonOf(batch: BatchView): { reason?: string } {
  switch (batch.status) {
    case 'waiting-for-finality':
      return { reason: `batch ${batch.id} is not in this node's final state yet` }
    case 'signing': {
      const absent = (batch.members ?? []).filter(({ state }) => state !== 'ready')
      if (absent.length === 0) return { reason: 'the committee is signing' }
      return { reason: absent.map(({ session, state, reason }) => `${session} ${reason ?? state}`).join('; ') }
    }
    case 'signed':
      return { reason: 'it is signed and goes to the Bitcoin network' }
    case 'broadcast':
      return { reason: `waits for a Bitcoin block, at ${batch.feeRateSatPerVb} sat/vB` }
    case 'confirmed':
      return { reason: `${batch.confirmations} of ${batch.required} confirmations` }
    case 'failed':
      return { reason: 'an input of its batch was spent otherwise' }
    case 'unknown':
    case 'settled':
      return {}
  }
}
