import { parseCheckpointScript, verifyInclusionProof, type ProvenTransaction } from '@hawser/bitcoin'
import type { CustodyCheckpoint } from '@hawser/chain'
import { isAppError } from '@hawser/primitives'
import type { CustodyPayment, CustodySpend, Outpoint } from './scan-block.ts'

/** Whether a spend stands behind another in Bitcoin's history: in a higher block, or further down in the same. */
export function isLater(a: CustodySpend, b: CustodySpend): boolean {
  return a.height === b.height ? a.proof.index > b.proof.index : a.height > b.height
}

/**
 * The block that a spend of custody names as final (protocol.md, section 7); undefined when it names none, or when it is not the
 * committee's word. Anybody can write an OP_RETURN and pay the custody address beside it, but only a supermajority of the
 * committee spends custody. A coin that its depositor may take back proves nothing: he spends it by himself.
 */
export function checkpointOf(
  spend: CustodySpend,
  payment: (outpoint: Outpoint) => CustodyPayment | undefined,
): CustodyCheckpoint | undefined {
  const isOfCommittee = spend.spent.some(({ outpoint }) => {
    const coin = payment(outpoint)
    return coin !== undefined && coin.refundKey === undefined
  })
  const proven = isOfCommittee ? prove(spend) : undefined
  const [block] = proven?.transaction.outputs.flatMap(({ script }) => parseCheckpointScript(script) ?? []) ?? []
  return block && { ...block, txid: spend.txid, height: spend.height }
}

/** The Bitcoin source is not believed: the transaction has to be in the block whose depth is looked at. */
function prove({ proof, txid, blockHash }: CustodySpend): ProvenTransaction | undefined {
  try {
    const proven = verifyInclusionProof(proof)
    return proven.txid === txid && proven.blockHash === blockHash ? proven : undefined
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}
