import { blockHash } from '@hawser/chain'
import { isAppError, toHex } from '@hawser/primitives'
import type { RpcBackend, ValidatorSetBook } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import { finalityProof } from './finality-proof.ts'
import type { Methods } from './method.ts'
import { quantity, readUint64, required } from './params.ts'

/** The finality namespace, of a node with a finality gadget. */
export function finalityMethods(
  { finality, sets, store }: Required<Pick<RpcBackend, 'finality' | 'sets' | 'store'>>,
  reader: BlockReader,
): Methods {
  const ref = (block: { readonly number: bigint; readonly hash: string } | undefined) =>
    block ? { number: quantity(block.number), hash: block.hash } : null
  return {
    finality_getStatus: () => {
      const { setId, round, validators, stalled } = finality.status()
      const { head, finalized } = store.pointers()
      return {
        head: ref(head),
        finalized: ref(finalized),
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
    finality_getProof: async (params) => {
      const sealed = reader.find(params[0] ?? 'finalized')
      if (!sealed) return null
      const { block, justified, justification, headers } = await finalityProof(store, sealed.block.header)
      return {
        block: ref(block),
        justified: ref(justified),
        setId: quantity(sets.signedBy(justification)),
        justification: toHex(justification),
        headers: headers.map((rlp) => toHex(rlp)),
      }
    },
    finality_getSetProofs: (params) => {
      const from = readUint64(required(params, 0), 'set id')
      const upTo = params[1] === undefined || params[1] === null ? undefined : readUint64(params[1], 'last set id')
      if (upTo !== undefined && upTo < from)
        throw invalidParams(`the last set ${upTo} must not be before the first, ${from}`)
      const { proofs, next } = setProofs(sets, from, upTo)
      return { proofs: toHex(proofs), next: next === undefined ? null : quantity(next) }
    },
    finality_getValidatorSet: (params) => {
      const given = params[0] ?? undefined
      const found = sets.find(given === undefined ? finality.status().setId : readUint64(given, 'set id'))
      if (found === undefined) return null
      const { setId, base, totalWeight, threshold, validators } = found
      return { setId: quantity(setId), base: ref(base), totalWeight, threshold, validators }
    },
    finality_getRoundState: () => {
      const view = finality.round()
      const missing = (kind: 'prevote' | 'precommit') =>
        view.voters.filter((voter) => voter[kind] === undefined).map(({ validator }) => validator)
      return {
        setId: quantity(view.setId),
        round: quantity(view.round),
        primary: view.primary,
        totalWeight: view.totalWeight,
        threshold: view.threshold,
        prevotes: { weight: view.prevoteWeight, missing: missing('prevote') },
        precommits: { weight: view.precommitWeight, missing: missing('precommit') },
        votes: view.voters.map(({ validator, weight, prevote, precommit, equivocated }) => ({
          validator,
          weight,
          prevote: ref(prevote),
          precommit: ref(precommit),
          equivocated,
        })),
        base: ref(view.base),
        prevoteGhost: ref(view.prevoteGhost),
        estimate: ref(view.estimate),
        finalized: ref(view.finalized),
        completable: view.completable,
      }
    },
    finality_getValidators: () => {
      const { setId, totalWeight, threshold, voters } = finality.round()
      return {
        setId: quantity(setId),
        totalWeight,
        threshold,
        validators: voters.map(({ validator, weight }) => ({ validator, weight })),
      }
    },
  }
}

/** @throws -32001 where this node did not see a handover happen */
function setProofs(sets: ValidatorSetBook, from: bigint, upTo: bigint | undefined) {
  try {
    return sets.setProofs(from, upTo)
  } catch (error) {
    if (isAppError(error, 'HANDOVER_UNKNOWN')) throw new RpcError(RpcCode.resourceNotFound, error.message)
    throw error
  }
}
