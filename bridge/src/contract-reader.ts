import type { BlockHeader } from '@ethereumjs/block'
import type { Cancellable, ExecutionEngine } from '@hawser/chain'
import { bitcoinLightClientAbi, bridgeAbi, systemContracts } from '@hawser/contracts'
import { fromHex, toHex, type Address, type BtcHash, type Hex } from '@hawser/primitives'
import {
  decodeErrorResult,
  decodeFunctionResult,
  encodeFunctionData,
  type Abi,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
} from 'viem'
import { bridgeError } from './errors.ts'

type BridgeAbi = typeof bridgeAbi
type LightAbi = typeof bitcoinLightClientAbi
type View<A extends Abi, N extends ContractFunctionName<A, 'view'>> = ContractFunctionReturnType<A, 'view', N>

/** A batch as the bridge contract gives it; amounts in sat, hashes in internal byte order. */
export type BatchState = View<BridgeAbi, 'getBatch'>
/** A custody coin as the bridge contract gives it. */
export type CoinState = View<BridgeAbi, 'getCoin'>
export type ReservesState = View<BridgeAbi, 'reserves'>
export type WithdrawalState = View<BridgeAbi, 'getWithdrawal'>
export type CommitteeState = View<BridgeAbi, 'committee'>
export type BitcoinHeaderState = View<LightAbi, 'getHeader'>
/** The light client's best block. */
export interface BestBitcoinBlock {
  readonly hash: BtcHash
  readonly height: number
  readonly chainWork: bigint
}
/** What a call would do: how much gas it takes, or why it reverts. */
export type Simulation =
  { readonly ok: true; readonly gasUsed: bigint } | { readonly ok: false; readonly reason: string }

/** Reads the system contracts in the state after one block. */
export class ContractReader {
  readonly #engine: ExecutionEngine
  readonly #at: BlockHeader
  readonly #options: Cancellable

  constructor(engine: ExecutionEngine, at: BlockHeader, options: Cancellable = {}) {
    this.#engine = engine
    this.#at = at
    this.#options = options
  }

  /** The block whose state is read. */
  get header(): BlockHeader {
    return this.#at
  }

  async bestBitcoinBlock(): Promise<BestBitcoinBlock> {
    const [hash, height, chainWork] = await this.#light('getBestBlock', [])
    return { hash: hash as BtcHash, height, chainWork }
  }

  /** A header that the light client has stored; time is 0 when it has not. */
  bitcoinHeader(hash: BtcHash): Promise<BitcoinHeaderState> {
    return this.#light('getHeader', [hash])
  }

  /** Whether the light client has stored a Bitcoin header. */
  async knowsBitcoinHeader(hash: BtcHash): Promise<boolean> {
    return (await this.bitcoinHeader(hash)).time !== 0
  }

  /** The hash at a height of the light client's best chain, zero outside it. */
  async bitcoinHashAt(height: number): Promise<BtcHash> {
    return (await this.#light('hashAt', [height])) as BtcHash
  }

  isReorganising(): Promise<boolean> {
    return this.#light('reorganising', [])
  }

  coin(txid: BtcHash, vout: number): Promise<CoinState> {
    return this.#bridge('getCoin', [txid, vout])
  }

  async committee(): Promise<CommitteeState> {
    return this.#bridge('committee', [await this.#bridge('currentCommitteeId', [])])
  }

  withdrawal(id: bigint): Promise<WithdrawalState> {
    return this.#bridge('getWithdrawal', [id])
  }

  /** Requests of an account, oldest first, at most 100. */
  withdrawalsOf(account: Address, offset: bigint, limit: bigint): Promise<readonly WithdrawalState[]> {
    return this.#bridge('withdrawalsOf', [account, offset, limit])
  }

  batch(id: bigint): Promise<BatchState> {
    return this.#bridge('getBatch', [id])
  }

  batchesInFlight(): Promise<readonly bigint[]> {
    return this.#bridge('batchesInFlight', [])
  }

  formBatchStatus(): Promise<number> {
    return this.#bridge('formBatchStatus', [])
  }

  reserves(): Promise<ReservesState> {
    return this.#bridge('reserves', [])
  }

  /** Coins credited to an account, oldest first, at most 100. */
  depositsOf(account: Address, offset: bigint, limit: bigint): Promise<readonly CoinState[]> {
    return this.#bridge('depositsOf', [account, offset, limit])
  }

  /** Tries a call without keeping what it does; the reason is the contract's error with its arguments. */
  async simulate(to: Address, data: Uint8Array): Promise<Simulation> {
    const outcome = await this.#engine.call(this.#at, { to, data }, this.#options)
    if (outcome.kind === 'success') return { ok: true, gasUsed: outcome.gasUsed }
    return { ok: false, reason: outcome.kind === 'revert' ? revertReason(outcome.output) : outcome.reason }
  }

  #light<N extends ContractFunctionName<LightAbi, 'view'>>(
    name: N,
    args: ContractFunctionArgs<LightAbi, 'view', N>,
  ): Promise<View<LightAbi, N>> {
    return this.#read(systemContracts.bitcoinLightClient, bitcoinLightClientAbi, name, args) as Promise<
      View<LightAbi, N>
    >
  }

  #bridge<N extends ContractFunctionName<BridgeAbi, 'view'>>(
    name: N,
    args: ContractFunctionArgs<BridgeAbi, 'view', N>,
  ): Promise<View<BridgeAbi, N>> {
    return this.#read(systemContracts.bridge, bridgeAbi, name, args) as Promise<View<BridgeAbi, N>>
  }

  async #read(to: Address, abi: Abi, functionName: string, args: unknown): Promise<unknown> {
    const data = fromHex(encodeFunctionData({ abi, functionName, args: args as readonly unknown[] }))
    const outcome = await this.#engine.call(this.#at, { to, data }, this.#options)
    if (outcome.kind !== 'success') {
      const reason = outcome.kind === 'revert' ? revertReason(outcome.output) : outcome.reason
      throw bridgeError('BRIDGE_CALL_FAILED', 'local', `${functionName} at block ${this.#at.number} failed: ${reason}`)
    }
    return decodeFunctionResult({ abi, functionName, data: toHex(outcome.output) })
  }
}

/** The name and arguments of the custom error in a revert's output; the bytes when it is none of ours. */
export function revertReason(output: Uint8Array): string {
  const data: Hex = toHex(output)
  for (const abi of [bridgeAbi, bitcoinLightClientAbi] as readonly Abi[])
    try {
      const { errorName, args } = decodeErrorResult({ abi, data })
      return `${errorName}(${(args ?? []).map(String).join(', ')})`
    } catch {
      // The next contract's errors, or none: an unknown selector throws.
    }
  return data.slice(0, 74)
}
