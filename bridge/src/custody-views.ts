import type { BlockHeader } from '@ethereumjs/block'
import { plainAddress, type Committee } from '@hawser/bitcoin'
import type {
  ChainSpec,
  CommitteeView,
  CustodyCoinView,
  CustodyView,
  ExecutionEngine,
  ReservesProof,
} from '@hawser/chain'
import { BRIDGE_SLOTS, CoinStatus, systemContracts } from '@hawser/contracts'
import { displayBtcHash, toHex, uintBE, type Address, type BtcHash, type Hash32, type Hex } from '@hawser/primitives'
import { ContractReader } from './contract-reader.ts'

/** Coins that one answer looks at: each is a call of the contract. */
export const MAX_COINS_LOOKED_AT = 512

/** What the bridge holds on Bitcoin, with proofs, and who holds it. */
export class CustodyViews implements CustodyView {
  readonly #engine: ExecutionEngine
  readonly #spec: ChainSpec
  readonly #committee: Committee

  constructor(parts: { readonly engine: ExecutionEngine; readonly spec: ChainSpec; readonly committee: Committee }) {
    this.#engine = parts.engine
    this.#spec = parts.spec
    this.#committee = parts.committee
  }

  reservesProof(at: BlockHeader): ReservesProof {
    const slots = Object.entries(BRIDGE_SLOTS).map(([name, slot]) => ({ name, key: uintBE(slot, 32) }))
    return {
      block: { number: at.number, hash: toHex(at.hash()) as Hash32 },
      header: at.serialize(),
      address: systemContracts.bridge,
      slots,
      proof: this.#engine.stateAt(at).prove(
        systemContracts.bridge,
        slots.map(({ key }) => key),
      ),
    }
  }

  async coins(at: BlockHeader, from: bigint, limit: number): Promise<{ coins: CustodyCoinView[]; next?: string }> {
    const reader = new ContractReader(this.#engine, at)
    const coins: CustodyCoinView[] = []
    for (let id = from; id < from + BigInt(MAX_COINS_LOOKED_AT); id++) {
      if (coins.length >= limit) return { coins, next: id.toString() }
      const { txid, vout, sats, status, batchId } = await reader.coinById(id)
      if (status === CoinStatus.None) return { coins }
      if (status !== CoinStatus.Available && status !== CoinStatus.InBatch) continue
      const inBatch = status === CoinStatus.InBatch
      coins.push({
        id: id.toString(),
        txid: displayBtcHash(txid as BtcHash),
        vout,
        sats: sats.toString(),
        status: inBatch ? 'in-batch' : 'available',
        ...(inBatch && { batchId: batchId.toString() }),
      })
    }
    return { coins, next: (from + BigInt(MAX_COINS_LOOKED_AT)).toString() }
  }

  async committee(at: BlockHeader): Promise<CommitteeView> {
    const { id, internalKey, treeRoot, outputKey, n, t } = await new ContractReader(this.#engine, at).committee()
    const { validators, parent } = this.#spec
    const memberOf = (key: string) => validators.find(({ bitcoinKey }) => bitcoinKey === key)
    return {
      id,
      internalKey,
      treeRoot,
      outputKey,
      members: n,
      threshold: t,
      keys: this.#committee.sortedKeys.flatMap((key) => {
        const member = memberOf(toHex(key))
        if (!member) return []
        const { session, bitcoinKey, managementKey } = member
        return [{ session: session as Address, bitcoinKey: bitcoinKey as Hex, managementKey: managementKey as Hex }]
      }),
      address: plainAddress(this.#committee, parent.network).address,
    }
  }
}
