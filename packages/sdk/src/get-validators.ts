import { systemContracts, validatorsAbi } from '@hawser/contracts'
import type { Hex } from '@hawser/primitives'
import { getBlockNumber, readContract } from 'viem/actions'
import { explained, type HawserClient } from './hawser-client.ts'
import { votesNeeded, type ValidatorKeys } from './validator-acts.ts'

/** A validator that has a seat now. */
export interface CurrentValidator extends ValidatorKeys {
  readonly id: bigint
  /** Recorded equivocations. */
  readonly offences: bigint
  /** What happens at the end of the epoch. All keys changed at once look like one that leaves and one that joins. */
  readonly next: 'stays' | 'changes' | 'leaves'
}

/** The validators of now, and what the end of the epoch will make of them. */
export interface ValidatorsInfo {
  readonly blockNumber: bigint
  readonly setId: bigint
  /** The next epoch's, if nothing else happens: greater than `setId` when the session addresses change. */
  readonly nextSetId: bigint
  readonly epochBlocks: bigint
  /** The epoch's last block: what is pending takes effect on it. */
  readonly epochEnd: bigint
  readonly validators: readonly CurrentValidator[]
  /** How many of them must vote for a block to be final, and for a proposal to pass. */
  readonly needed: bigint
  /** The next epoch's with their new keys, where they are not what they were. */
  readonly changing: readonly ValidatorKeys[]
  readonly joining: readonly ValidatorKeys[]
}

/** Reads the validators off the contract, by the node's word. */
export async function getValidators(client: HawserClient): Promise<ValidatorsInfo> {
  return explained(async () => {
    const blockNumber = await getBlockNumber(client, { cacheTime: 0 })
    const at = { address: systemContracts.validators, abi: validatorsAbi, blockNumber } as const
    const [current, ids, setId, epochLength, [nextSetId, next]] = await Promise.all([
      readContract(client, { ...at, functionName: 'getValidators' }),
      readContract(client, { ...at, functionName: 'validatorIds' }),
      readContract(client, { ...at, functionName: 'setId' }),
      readContract(client, { ...at, functionName: 'epochLength' }),
      readContract(client, { ...at, functionName: 'getNextValidators' }),
    ])
    const offences = await Promise.all(
      current.map(({ session }) => readContract(client, { ...at, functionName: 'offences', args: [session] })),
    )
    const validators = current.map((validator, index) => ({
      ...validator,
      id: ids[index] ?? 0n,
      offences: offences[index] ?? 0n,
      next: fateOf(validator, next),
    }))
    const changed = next.filter((later) => !current.some((now) => isSame(now, later)))
    return {
      blockNumber,
      setId,
      nextSetId,
      epochBlocks: epochLength,
      // The state after a block: what is pending then belongs to the epoch of the next one.
      epochEnd: (blockNumber / epochLength + 1n) * epochLength,
      validators,
      needed: votesNeeded(BigInt(validators.length)),
      changing: changed.filter((later) => current.some((now) => sharesKey(now, later))),
      joining: changed.filter((later) => !current.some((now) => sharesKey(now, later))),
    }
  })
}

const NAMES = ['session', 'managementKey', 'bitcoinKey'] as const

function fateOf(validator: ValidatorKeys, next: readonly ValidatorKeys[]): CurrentValidator['next'] {
  const later = next.find((other) => sharesKey(validator, other))
  if (later === undefined) return 'leaves'
  return isSame(validator, later) ? 'stays' : 'changes'
}

/** Keys are never used twice: whoever has one of them is the same validator. */
function sharesKey(a: ValidatorKeys, b: ValidatorKeys): boolean {
  return NAMES.some((name) => equal(a[name], b[name]))
}

function isSame(a: ValidatorKeys, b: ValidatorKeys): boolean {
  return [...NAMES, 'beneficiary' as const].every((name) => equal(a[name], b[name]))
}

const equal = (a: Hex, b: Hex) => a.toLowerCase() === b.toLowerCase()
