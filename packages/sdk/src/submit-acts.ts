import { systemContracts, validatorsAbi } from '@hawser/contracts'
import type { Hex } from '@hawser/primitives'
import {
  getBlockNumber,
  getChainId,
  readContract,
  simulateContract,
  waitForTransactionReceipt,
  writeContract,
} from 'viem/actions'
import { sdkError } from './errors.ts'
import { explained, type HawserClient } from './hawser-client.ts'
import { signerOf } from './send-to-bridge.ts'
import { callOf, checkAct, votesNeeded, type ValidatorAct } from './validator-acts.ts'

const validators = { address: systemContracts.validators, abi: validatorsAbi } as const
/** Acts of one call: a vote of every validator there can be. */
const MAX_ACTS = 100

export interface SubmittedActs {
  readonly hash: Hex
  readonly blockNumber: bigint
  readonly acts: readonly ValidatorAct[]
  /** The epoch's last block: from the next one on it is in force. */
  readonly takesEffectAfter: bigint
  /** Of votes: how many count, how many are needed, how many validators there are, and whether the proposal has passed. */
  readonly votes?: {
    readonly count: bigint
    readonly needed: bigint
    readonly of: bigint
    readonly passed: boolean
  }
}

/** The nonce of a management key's next act. @throws CONTRACT_REVERTED, VALIDATOR_ACT_INVALID when it is no current validator's */
export async function getManagementNonce(client: HawserClient, management: Hex): Promise<bigint> {
  const [session, nonce] = await explained(() =>
    Promise.all([
      readContract(client, { ...validators, functionName: 'sessionOfManagement', args: [management] }),
      readContract(client, { ...validators, functionName: 'nonceOf', args: [management] }),
    ]),
  )
  if (BigInt(session) === 0n)
    throw sdkError(
      'VALIDATOR_ACT_INVALID',
      'user',
      `no current validator has the management key ${management}; check which key signs`,
    )
  return nonce
}

/**
 * Submits what management keys have signed: votes on one proposal go together, everything else alone and in the order given.
 * Each is checked here and run by eth_call before it is sent; the client's account pays the gas.
 * @throws VALIDATOR_ACT_INVALID, CONTRACT_REVERTED, ACCOUNT_MISSING
 */
export async function submitActs(client: HawserClient, acts: readonly ValidatorAct[]): Promise<SubmittedActs[]> {
  if (acts.length === 0 || acts.length > MAX_ACTS)
    throw sdkError('VALIDATOR_ACT_INVALID', 'user', `1 to ${MAX_ACTS} acts are submitted at once`)
  const chainId = await explained(() => getChainId(client))
  for (const act of acts) await checkAct(chainId, act)
  const done: SubmittedActs[] = []
  for (const group of groupsOf(acts)) {
    for (const act of group) await checkNow(client, act)
    done.push(await send(client, group))
  }
  return done
}

/** Votes on the same proposal together, in the place of the first. */
function groupsOf(acts: readonly ValidatorAct[]): ValidatorAct[][] {
  const groups = new Map<string, ValidatorAct[]>()
  for (const [index, act] of acts.entries()) {
    const key = act.kind === 'vote' ? JSON.stringify(act.proposal).toLowerCase() : String(index)
    const group = groups.get(key)
    if (!group) groups.set(key, [act])
    else if (group.every((other) => other.management.toLowerCase() !== act.management.toLowerCase())) group.push(act)
  }
  return [...groups.values()]
}

/** What the contract could only answer with a bad signature. */
async function checkNow(client: HawserClient, act: ValidatorAct): Promise<void> {
  const nonce = await getManagementNonce(client, act.management)
  if (act.kind === 'vote') {
    const head = await explained(() => getBlockNumber(client, { cacheTime: 0 }))
    if (head >= BigInt(act.proposal.deadline))
      throw sdkError(
        'VALIDATOR_ACT_INVALID',
        'user',
        `the proposal's deadline, block ${act.proposal.deadline}, has passed; propose it anew`,
      )
  } else if (BigInt(act.nonce) !== nonce)
    throw sdkError(
      'VALIDATOR_ACT_INVALID',
      'user',
      `it is signed for nonce ${act.nonce}, and the next act of ${act.management} has ${nonce}: ${BigInt(act.nonce) < nonce ? 'it was submitted already, or another act came first' : 'another act must come first'}; sign it again`,
    )
}

async function send(client: HawserClient, acts: readonly ValidatorAct[]): Promise<SubmittedActs> {
  const account = signerOf(client)
  return explained(async () => {
    const call = { ...validators, account, ...callOf(acts) }
    await simulateContract(client, call as never)
    const hash = await writeContract(client, { chain: client.chain ?? null, ...call } as never)
    const { status, blockNumber } = await waitForTransactionReceipt(client, { hash, ...WAITING })
    if (status !== 'success')
      throw sdkError('CONTRACT_REVERTED', 'user', `transaction ${hash} reverted in block ${blockNumber}; try again`)
    const epoch = await readContract(client, { ...validators, functionName: 'epochLength' })
    const votes = await votesOn(client, acts[0] as ValidatorAct)
    const takesEffectAfter = ((blockNumber - 1n) / epoch + 1n) * epoch
    return { hash, blockNumber, acts, takesEffectAfter, ...(votes && { votes }) }
  })
}

const WAITING = { timeout: 60_000, pollingInterval: 250 } as const

async function votesOn(client: HawserClient, act: ValidatorAct): Promise<SubmittedActs['votes']> {
  if (act.kind !== 'vote') return undefined
  const { proposal } = act
  const deadline = BigInt(proposal.deadline)
  const id = await (proposal.kind === 'add'
    ? readContract(client, { ...validators, functionName: 'addProposal', args: [proposal.candidate, deadline] })
    : readContract(client, { ...validators, functionName: 'removeProposal', args: [proposal.session, deadline] }))
  const [[count, passed], of] = await Promise.all([
    readContract(client, { ...validators, functionName: 'votesOn', args: [id] }),
    readContract(client, { ...validators, functionName: 'count' }),
  ])
  return { count, needed: votesNeeded(of), of, passed }
}
