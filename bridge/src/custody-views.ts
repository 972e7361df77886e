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
import { BRIDGE_SLOTS, CoinStatus, readStoredCoin, storedCoinSlots, systemContracts } from '@hawser/contracts'
import { displayBtcHash, readUintBE, toHex, uintBE, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { ContractReader } from './contract-reader.ts'

/** Coins that one answer looks at, spent ones included. */
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

  coins(at: BlockHeader, from: bigint, limit: number): { coins: CustodyCoinView[]; next?: string } {
    const state = this.#engine.stateAt(at)
    const word = (slot: bigint) => readUintBE(state.storage(systemContracts.bridge, uintBE(slot, 32)))
    const last = word(BRIDGE_SLOTS.lastCoinId)
    const end = from + BigInt(MAX_COINS_LOOKED_AT)
    const coins: CustodyCoinView[] = []
    let id = from
    for (; id <= last && id < end && coins.length < limit; id++) {
      const { txid, vout, sats, status, batchId } = readStoredCoin(storedCoinSlots(id).map(word))
      if (status !== CoinStatus.Available && status !== CoinStatus.InBatch) continue
      const inBatch = status === CoinStatus.InBatch
      coins.push({
        id: id.toString(),
        txid: displayBtcHash(txid),
        vout,
        sats: sats.toString(),
        status: inBatch ? 'in-batch' : 'available',
        ...(inBatch && { batchId: batchId.toString() }),
      })
    }
    return { coins, ...(id <= last && { next: id.toString() }) }
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
