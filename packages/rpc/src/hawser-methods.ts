import { blockHash, type BridgeView, type ChainStore, type FinalityGadget } from '@hawser/chain'
import { displayBtcHash, toHex } from '@hawser/primitives'
import type { BlockReader } from './block-reader.ts'
import { invalidParams } from './errors.ts'
import type { Methods } from './method.ts'
import { quantity, readAddress, readBytes, readQuantity, required } from './params.ts'

/** The btc and bridge namespaces, of a node with a bridge. */
export function bridgeMethods(bridge: BridgeView, reader: BlockReader): Methods {
  const refundKey = (value: unknown) => {
    if (value === undefined || value === null) return undefined
    const key = readBytes(value, 'refund key')
    if (key.length !== 32) throw invalidParams('refund key must be an x-only public key of 32 bytes')
    return key
  }
  return {
    btc_getStatus: async () => {
      const { source, lightClient, sourceError } = await bridge.bitcoin()
      return {
        source: source ? { hash: displayBtcHash(source.hash), height: source.height } : null,
        sourceError: sourceError ?? null,
        lightClient: { hash: displayBtcHash(lightClient.hash), height: lightClient.height },
      }
    },
    bridge_getDepositAddress: async (params) => {
      const { address, scriptPubKey } = await bridge.registerDepositAddress(
        readAddress(required(params, 0)),
        refundKey(params[1]),
      )
      return { address, scriptPubKey: toHex(scriptPubKey) }
    },
    bridge_getDeposits: (params) => bridge.deposits(readAddress(required(params, 0))),
    bridge_claim: async (params) => {
      const txid = required(params, 0)
      if (typeof txid !== 'string' || !/^[0-9a-fA-F]{64}$/.test(txid)) throw invalidParams('txid must be 64 hex digits')
      return bridge.claim(txid, readAddress(required(params, 1)), refundKey(params[2]))
    },
    bridge_getBatch: (params) => bridge.batch(readQuantity(required(params, 0), 'batch id')),
    bridge_getReserves: (params) => bridge.reserves(reader.header(params[0] ?? 'finalized')),
  }
}

/** The finality namespace, of a node with a finality gadget. */
export function finalityMethods(finality: FinalityGadget, store: ChainStore, reader: BlockReader): Methods {
  return {
    finality_getStatus: () => {
      const { setId, round, validators, stalled } = finality.status()
      const { head, finalized } = store.pointers()
      return {
        head: { number: quantity(head.number), hash: head.hash },
        finalized: { number: quantity(finalized.number), hash: finalized.hash },
        setId: quantity(setId),
        round: quantity(round),
        validators,
        stalled,
      }
    },
    finality_getJustification: (params) => {
      const sealed = reader.find(required(params, 0))
      const justification = sealed && store.justification(blockHash(sealed.block))
      return justification ? toHex(justification) : null
    },
  }
}
