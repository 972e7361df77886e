import type { BlockHeader } from '@ethereumjs/block'
import type { ExecutionEngine, InherentCall, StateView } from '@hawser/chain'
import { mayHaveSealed as mayHaveSealedBy, membershipSlot, systemContracts, VALIDATORS_SLOTS } from '@hawser/contracts'
import { concatBytes, fromHex, keccak256, readUintBE, uintBE, utf8, type Address } from '@hawser/primitives'
import { voteKindCode } from './digests.ts'
import { timestampOf, type Evidence } from './evidence.ts'
import type { SignedVote } from './types.ts'

const VALIDATORS = systemContracts.validators as Address
/** Gas of a report: two recoveries, two hashes of headers, and what is written down. */
const REPORT_GAS = 500_000n

const WORD = 32
const REPORT_VOTES = selector('reportEquivocation(uint64,uint64,uint8,(uint64,bytes32,bytes),(uint64,bytes32,bytes))')
const REPORT_SEALS = selector('reportSealEquivocation(bytes,bytes,bytes,bytes)')

/** The call of `Validators` that takes the evidence. */
export function reportCall(evidence: Evidence): InherentCall {
  const { offender } = evidence
  const call = { to: VALIDATORS, gasLimit: REPORT_GAS }
  if (evidence.kind === 'votes') {
    const { setId, round, kind } = evidence.first
    const head = [word(setId), word(round), word(voteKindCode(kind))]
    const data = concatBytes(REPORT_VOTES, withTails(head, [evidence.first, evidence.second].map(voteTuple)))
    return { ...call, data, label: `reportEquivocation of ${offender} in round ${round} of set ${setId}` }
  }
  const { first, second, slot } = evidence
  const parts = [first.header, first.seal, second.header, second.seal].map(bytesTail)
  const data = concatBytes(REPORT_SEALS, withTails([], parts))
  return { ...call, data, label: `reportSealEquivocation of ${offender} in slot ${slot}` }
}

/** Whether a state says that an offence was reported. */
export function isReported(state: Pick<StateView, 'storage'>, evidence: Evidence): boolean {
  const session = concatBytes(new Uint8Array(12), fromHex(evidence.offender))
  const rest =
    evidence.kind === 'votes'
      ? [session, word(evidence.first.setId), word(evidence.first.round)]
      : [session, word(timestampOf(evidence.first.header))]
  // abi.encode(string, ...): the text is the first argument, and stands behind the others.
  const name = utf8(evidence.kind === 'votes' ? 'vote' : 'seal')
  const encoded = concatBytes(word(WORD * (rest.length + 1)), ...rest, bytesTail(name))
  const key = keccak256(concatBytes(keccak256(encoded), word(VALIDATORS_SLOTS.reported)))
  return readUintBE(state.storage(VALIDATORS, key)) !== 0n
}

/** Whether a state says that a session address may have sealed a block of this number. */
export function mayHaveSealed(state: Pick<StateView, 'storage'>, session: Address, number: bigint): boolean {
  return mayHaveSealedBy(readUintBE(state.storage(VALIDATORS, membershipSlot(session))), number)
}

/** Whether the contract refuses the evidence on top of a block. @throws STATE_MISSING */
export async function isRefused(
  engine: Pick<ExecutionEngine, 'call'>,
  evidence: Evidence,
  at: BlockHeader,
): Promise<boolean> {
  const { to, data, gasLimit } = reportCall(evidence)
  const { kind } = await engine.call(at, { to, data, gas: gasLimit })
  return kind !== 'success'
}

function voteTuple({ number, hash, signature }: SignedVote): Uint8Array {
  return withTails([word(number), fromHex(hash)], [bytesTail(signature)])
}

/** Static arguments, then dynamic ones: their places in the head, the things themselves behind it. */
function withTails(head: readonly Uint8Array[], tails: readonly Uint8Array[]): Uint8Array {
  let offset = WORD * (head.length + tails.length)
  const places: Uint8Array[] = []
  for (const tail of tails) {
    places.push(word(offset))
    offset += tail.length
  }
  return concatBytes(...head, ...places, ...tails)
}

function bytesTail(bytes: Uint8Array): Uint8Array {
  const padding = (WORD - (bytes.length % WORD)) % WORD
  return concatBytes(word(bytes.length), bytes, new Uint8Array(padding))
}

function word(value: bigint | number): Uint8Array {
  return uintBE(value, WORD)
}

function selector(signature: string): Uint8Array {
  return keccak256(utf8(signature)).subarray(0, 4)
}
