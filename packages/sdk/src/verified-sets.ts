import {
  decodeHandovers,
  MAX_SET_PROOFS_BYTES,
  verifyHandover,
  VoterSet,
  type LightState,
  type RecoverAddress,
} from '@hawser/consensus/verify'
import { address, hash32, isAppError, messageOf, type Hash32, type Hex } from '@hawser/primitives'
import { sdkError } from './errors.ts'
import { readProofBytes } from './proof-bytes.ts'
import type { TrustedChain } from './trusted-chain.ts'

/** Sets that are kept: a block that an older one made final is proven from the chain spec on. Of 100 validators each they take about 800 kB. */
const MAX_KEPT_SETS = 128
/** Characters of kept sets that are read, and members of one set. */
const MAX_SETS_CHARS = 16 * 1024 * 1024
const MAX_MEMBERS = 1_024

/**
 * Validator sets that were shown to be in office one after the other, oldest first: what a client knows of a chain once it has
 * followed it. To be kept, and handed in again, so that the way is not gone twice.
 */
export interface VerifiedSets {
  /** At least one. */
  readonly states: readonly LightState[]
}

/** What nobody has to prove: the first set, of the chain spec. */
export function firstSets(trust: TrustedChain, genesisHash: Hash32): VerifiedSets {
  const { chainId, epochBlocks, voters } = trust
  const base = { number: 0n, hash: genesisHash }
  return { states: [{ network: { chainId, genesisHash }, epochBlocks, voters, base }] }
}

/** The set that was followed last. */
export function latestSet({ states }: VerifiedSets): LightState {
  return states.at(-1) as LightState
}

/** @internal The way that a proof goes from set to set, and what is known once it is gone. */
export interface SetPath {
  /** From where the proof begins. */
  readonly followed: VerifiedSets
  /** What was known before, with what this way adds: a proof that begins at the chain spec goes along it for a while. */
  readonly known: VerifiedSets
}

/** @internal Where a proof begins: at what is known, or at the chain spec though more is known. @throws HANDOVER_INVALID */
export function beginPath(followed: VerifiedSets, known: VerifiedSets = followed): SetPath {
  return { followed, known: join(known, followed) }
}

/**
 * @internal Goes on with a page of handovers, which must follow from the latest set, and lead through the sets that are known.
 * @throws HANDOVER_INVALID
 */
export function extendPath({ followed, known }: SetPath, page: Hex, recover?: RecoverAddress): SetPath {
  const bytes = readProofBytes(page, MAX_SET_PROOFS_BYTES)
  if (bytes === undefined) throw brokenChain('a page of it is not hex, or too long')
  const states = [...followed.states]
  for (const proof of read(bytes)) {
    const next = verifyHandover(states.at(-1) as LightState, proof, recover)
    if (!next.ok) throw brokenChain(`that set ${proof.setId} took over is not shown: ${next.error}`)
    states.push(next.value)
  }
  return { followed: { states: states.slice(-MAX_KEPT_SETS) }, known: join(known, { states }) }
}

/** Both in one; where a set stands in both, it took over on the same block with the same members. */
function join(known: VerifiedSets, followed: VerifiedSets): VerifiedSets {
  const latest = latestSet(known).voters.setId
  const news: LightState[] = []
  for (const state of followed.states) {
    const { base, voters } = state
    const before = known.states.find((one) => one.voters.setId === voters.setId)
    if (before && (before.base.hash !== base.hash || namesOf(before.voters) !== namesOf(voters)))
      throw brokenChain(
        `it has set ${voters.setId} take over on block ${base.hash}, which is not what was followed before`,
      )
    if (voters.setId > latest) news.push(state)
  }
  return news.length === 0 ? known : { states: [...known.states, ...news].slice(-MAX_KEPT_SETS) }
}

function read(bytes: Uint8Array) {
  try {
    return decodeHandovers(bytes)
  } catch (error) {
    if (isAppError(error, 'CONSENSUS_MALFORMED')) throw brokenChain(error.message)
    throw error
  }
}

/** @internal */
export function brokenChain(why: string) {
  return sdkError('HANDOVER_INVALID', 'peer', `the chain of validator sets is not good: ${why}; ask another node`)
}

/** Kept sets as JSON, to be read by `readVerifiedSets`. */
export function writeVerifiedSets({ states }: VerifiedSets): string {
  const { network, epochBlocks } = states[0] as LightState
  return JSON.stringify({
    format: FORMAT,
    chainId: String(network.chainId),
    genesisHash: network.genesisHash,
    epochBlocks: String(epochBlocks),
    sets: states.map(({ voters, base }) => ({
      setId: String(voters.setId),
      base: { number: String(base.number), hash: base.hash },
      validators: voters.voters,
    })),
  })
}

const FORMAT = 'hawser validator sets 1'

interface Stored {
  readonly format: string
  readonly chainId: string
  readonly genesisHash: string
  readonly epochBlocks: string
  readonly sets: readonly {
    readonly setId: string
    readonly base: { readonly number: string; readonly hash: string }
    readonly validators: readonly { readonly id: string; readonly weight: number }[]
  }[]
}

/**
 * Reads kept sets, which the user trusts as much as the chain spec: nothing in them is proven again.
 * @throws VERIFIED_SETS_INVALID when they are malformed, or of another chain than the chain spec's
 */
export function readVerifiedSets(text: string, trust: TrustedChain): VerifiedSets {
  try {
    if (text.length > MAX_SETS_CHARS) throw new Error(`they are longer than ${MAX_SETS_CHARS} characters`)
    const { format, chainId, genesisHash, epochBlocks, sets } = JSON.parse(text) as Stored
    if (format !== FORMAT) throw new Error('they are of no known format')
    if (!Array.isArray(sets) || sets.length === 0 || sets.length > MAX_KEPT_SETS)
      throw new Error(`1 to ${MAX_KEPT_SETS} sets are needed`)
    const network = { chainId: wholeNumber(chainId), genesisHash: hash32(genesisHash) }
    const states = (sets as Stored['sets']).map(({ setId, base, validators }): LightState => {
      if (validators.length > MAX_MEMBERS) throw new Error('a set has too many members')
      return {
        network,
        epochBlocks: wholeNumber(epochBlocks),
        voters: new VoterSet(
          wholeNumber(setId),
          validators.map(({ id, weight }) => ({ id: address(id), weight })),
        ),
        base: { number: wholeNumber(base.number), hash: hash32(base.hash) },
      }
    })
    for (const [index, { voters, base }] of states.entries()) {
      const before = states[index - 1]
      if (before && (voters.setId !== before.voters.setId + 1n || base.number <= before.base.number))
        throw new Error('the sets do not follow one another')
    }
    return sameChain({ states }, trust)
  } catch (cause) {
    if (isAppError(cause, 'VERIFIED_SETS_INVALID')) throw cause
    throw sdkError('VERIFIED_SETS_INVALID', 'user', `these are no kept validator sets: ${messageOf(cause)}`, { cause })
  }
}

/** @internal @throws VERIFIED_SETS_INVALID */
export function sameChain(sets: VerifiedSets, trust: TrustedChain): VerifiedSets {
  const { network, epochBlocks, voters } = sets.states[0] as LightState
  const differs =
    network.chainId !== trust.chainId ||
    epochBlocks !== trust.epochBlocks ||
    (trust.genesisHash !== undefined && network.genesisHash !== trust.genesisHash) ||
    (voters.setId === 0n && namesOf(voters) !== namesOf(trust.voters))
  if (!differs) return sets
  throw sdkError(
    'VERIFIED_SETS_INVALID',
    'user',
    'the kept validator sets are of another chain than the chain spec; delete them, or give the right spec',
  )
}

const namesOf = (set: VoterSet) => set.voters.map(({ id, weight }) => `${id} ${weight}`).join()

function wholeNumber(text: unknown): bigint {
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text)) throw new Error('a number in them is none')
  return BigInt(text)
}
