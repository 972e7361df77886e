import type { HeaderChain } from '@hawser/bitcoin'
import type { ChainSpec, DepositView } from '@hawser/chain'
import { CoinStatus } from '@hawser/contracts'
import { displayBtcHash, ZERO_ADDRESS, type Address, type BtcHash } from '@hawser/primitives'
import type { CoinState, ContractReader } from './contract-reader.ts'
import { refusalOfPayment } from './creditable.ts'
import type { CustodyRecords } from './custody-records.ts'
import { outpointKey, type CustodyPayment, type Outpoint } from './scan-block.ts'

/** Deposits of an account that a view shows. */
const MAX_SHOWN_DEPOSITS = 100n
const COINBASE_MATURITY = 100

export interface DepositViewsParts {
  readonly bridge: ChainSpec['bridge']
  readonly chain: HeaderChain
  readonly records: CustodyRecords
  /** Why the contract did not credit a payment when it was tried last. */
  readonly refusalOf: (payment: CustodyPayment) => string | undefined
  readonly readerAtHead: () => ContractReader
}

/** Payments to deposit addresses: what the contract has credited, and what this node has seen on Bitcoin. */
export class DepositViews {
  readonly #parts: DepositViewsParts

  constructor(parts: DepositViewsParts) {
    this.#parts = parts
  }

  async deposits(account: Address): Promise<readonly DepositView[]> {
    const reader = this.#parts.readerAtHead()
    const light = await reader.bestBitcoinBlock()
    const credited = await reader.depositsOf(account, 0n, MAX_SHOWN_DEPOSITS)
    const known = new Set(credited.map((coin) => outpointKey({ txid: coin.txid as BtcHash, vout: coin.vout })))
    const pending = this.#parts.records.paymentsTo(account).filter((payment) => !known.has(outpointKey(payment)))
    return [
      ...credited.map((coin) => this.#credited(coin, light.height)),
      ...pending.map((payment) => this.#pending(payment, light.height)),
    ]
  }

  async deposit(outpoint: Outpoint): Promise<DepositView | undefined> {
    const reader = this.#parts.readerAtHead()
    const [coin, light] = await Promise.all([reader.coin(outpoint.txid, outpoint.vout), reader.bestBitcoinBlock()])
    if (coin.status !== CoinStatus.None)
      // What no account was credited for is change of a batch.
      return coin.account === ZERO_ADDRESS ? undefined : this.#credited(coin, light.height)
    const payment = this.#parts.records.paymentAt(outpoint)
    return payment?.account && this.#pending(payment, light.height)
  }

  #credited(coin: CoinState, lightHeight: number): DepositView {
    return {
      txid: displayBtcHash(coin.txid as BtcHash),
      vout: coin.vout,
      account: coin.account.toLowerCase() as Address,
      sats: coin.sats.toString(),
      status: 'credited',
      confirmations: Math.max(0, lightHeight - coin.height + 1),
      required: this.#parts.bridge.depositConfirmations,
    }
  }

  #pending(payment: CustodyPayment, lightHeight: number): DepositView {
    const { bridge, chain } = this.#parts
    const onBest = chain.isOnMainChain(payment.blockHash)
    // What the chain counts is the light client's view; it may lag behind the source by a block.
    const confirmations = onBest ? Math.max(0, lightHeight - payment.height + 1) : 0
    const required = payment.isCoinbase
      ? Math.max(COINBASE_MATURITY, bridge.depositConfirmations)
      : bridge.depositConfirmations
    const base = {
      txid: displayBtcHash(payment.txid),
      vout: payment.vout,
      account: payment.account as Address,
      sats: payment.sats.toString(),
      confirmations,
      required,
    }
    const never = refusalOfPayment(payment, bridge)
    if (never !== undefined) return { ...base, status: 'refused', reason: never }
    if (!onBest) return { ...base, status: 'unconfirmed' }
    if (confirmations < required) return { ...base, status: 'confirming' }
    const reason = this.#parts.refusalOf(payment)
    if (reason?.startsWith('ReclaimTooNear')) return { ...base, status: 'refused', reason }
    return { ...base, status: 'creditable', ...(reason && { reason }) }
  }
}
