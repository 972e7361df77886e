import { validatorsTypedData, type validatorsTypes } from '@hawser/contracts'
import { messageOf, type Hex } from '@hawser/primitives'
import { recoverTypedDataAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { sdkError } from './errors.ts'

/** A validator as the contract has it: addresses of session key and beneficiary, compressed public keys of 33 bytes. */
export interface ValidatorKeys {
  readonly session: Hex
  readonly beneficiary: Hex
  readonly managementKey: Hex
  readonly bitcoinKey: Hex
}

/** Signatures by new keys over what introduces them; `0x` where there is no new key. */
export interface KeyProofs {
  readonly session: Hex
  readonly management: Hex
  readonly bitcoin: Hex
}

/** What the validators vote on; a candidate brings his proofs along. */
export type ValidatorProposal =
  | { readonly kind: 'add'; readonly candidate: ValidatorKeys; readonly proofs: KeyProofs; readonly deadline: string }
  | { readonly kind: 'remove'; readonly session: Hex; readonly deadline: string }

/** What a management key signed; anybody may submit it. Plain JSON: numbers are decimal strings. */
export type ValidatorAct = { readonly management: Hex; readonly signature: Hex } & (
  | {
      readonly kind: 'rotate-keys'
      readonly nonce: string
      /** Zero or empty where the old key stays. */
      readonly keys: { readonly session: Hex; readonly managementKey: Hex; readonly bitcoinKey: Hex }
      readonly proofs: KeyProofs
    }
  | { readonly kind: 'set-beneficiary'; readonly nonce: string; readonly beneficiary: Hex }
  | { readonly kind: 'leave'; readonly nonce: string }
  | { readonly kind: 'vote'; readonly proposal: ValidatorProposal }
)

/** Whose seat is meant, and which act of his it is. */
interface Acting {
  readonly chainId: number
  /** Secret key, 32 bytes. */
  readonly managementKey: Hex
  /** What the contract's nonceOf answers. */
  readonly nonce: bigint
}

const NO_ADDRESS: Hex = `0x${'00'.repeat(20)}`

/** The address and the compressed public key of a secret key. */
export function publicOf(secretKey: Hex): { readonly address: Hex; readonly publicKey: Hex } {
  const { address, publicKey } = privateKeyToAccount(secretKey)
  const odd = Number.parseInt(publicKey.slice(-1), 16) % 2 === 1
  return { address, publicKey: `0x${odd ? '03' : '02'}${publicKey.slice(4, 4 + 64)}` }
}

/** Signs a change of keys; each new secret key proves that it is had. */
export async function signRotateKeys(
  { chainId, managementKey, nonce }: Acting,
  fresh: { readonly session?: Hex; readonly management?: Hex; readonly bitcoin?: Hex },
): Promise<ValidatorAct> {
  const keys = {
    session: fresh.session ? publicOf(fresh.session).address : NO_ADDRESS,
    managementKey: fresh.management ? publicOf(fresh.management).publicKey : '0x',
    bitcoinKey: fresh.bitcoin ? publicOf(fresh.bitcoin).publicKey : '0x',
  } as const
  const management = publicOf(managementKey).address
  const by = (key: Hex | undefined) =>
    key === undefined ? '0x' : sign(key, chainId, 'RotateKeys', { management, nonce, ...keys })
  return {
    kind: 'rotate-keys',
    management,
    nonce: String(nonce),
    keys,
    proofs: {
      session: await by(fresh.session),
      management: await by(fresh.management),
      bitcoin: await by(fresh.bitcoin),
    },
    signature: await by(managementKey),
  }
}

export async function signSetBeneficiary(
  { chainId, managementKey, nonce }: Acting,
  beneficiary: Hex,
): Promise<ValidatorAct> {
  const management = publicOf(managementKey).address
  const signature = await sign(managementKey, chainId, 'SetBeneficiary', { management, nonce, beneficiary })
  return { kind: 'set-beneficiary', management, nonce: String(nonce), beneficiary, signature }
}

export async function signLeave({ chainId, managementKey, nonce }: Acting): Promise<ValidatorAct> {
  const management = publicOf(managementKey).address
  const signature = await sign(managementKey, chainId, 'Leave', { management, nonce })
  return { kind: 'leave', management, nonce: String(nonce), signature }
}

/** A candidate's own part: his public keys, and each key's signature over them. */
export async function signJoin(
  chainId: number,
  secret: { readonly session: Hex; readonly management: Hex; readonly bitcoin: Hex },
  beneficiary: Hex,
): Promise<{ readonly candidate: ValidatorKeys; readonly proofs: KeyProofs }> {
  const candidate = {
    session: publicOf(secret.session).address,
    beneficiary,
    managementKey: publicOf(secret.management).publicKey,
    bitcoinKey: publicOf(secret.bitcoin).publicKey,
  }
  const by = (key: Hex) => sign(key, chainId, 'Join', { ...candidate })
  const [session, management, bitcoin] = [
    await by(secret.session),
    await by(secret.management),
    await by(secret.bitcoin),
  ]
  return { candidate, proofs: { session, management, bitcoin } }
}

/** Votes that pass a proposal among so many validators, at least one: n - floor((n - 1) / 3), as many as finality needs. */
export function votesNeeded(validators: bigint): bigint {
  return validators - (validators - 1n) / 3n
}

/** A vote has no nonce: it counts once for its proposal. */
export async function signVote(
  chainId: number,
  managementKey: Hex,
  proposal: ValidatorProposal,
): Promise<ValidatorAct> {
  const management = publicOf(managementKey).address
  const { primaryType, message } = ballot(management, proposal)
  return { kind: 'vote', management, proposal, signature: await sign(managementKey, chainId, primaryType, message) }
}

function ballot(management: Hex, proposal: ValidatorProposal): TypedMessage {
  const deadline = BigInt(proposal.deadline)
  return proposal.kind === 'add'
    ? { primaryType: 'VoteAdd', message: { management, ...proposal.candidate, deadline } }
    : { primaryType: 'VoteRemove', message: { management, session: proposal.session, deadline } }
}

interface TypedMessage {
  readonly primaryType: keyof typeof validatorsTypes
  readonly message: Record<string, unknown>
}

function typedMessageOf(act: ValidatorAct): TypedMessage {
  if (act.kind === 'vote') return ballot(act.management, act.proposal)
  const { management } = act
  const nonce = BigInt(act.nonce)
  if (act.kind === 'rotate-keys') return { primaryType: 'RotateKeys', message: { management, nonce, ...act.keys } }
  if (act.kind === 'leave') return { primaryType: 'Leave', message: { management, nonce } }
  return { primaryType: 'SetBeneficiary', message: { management, nonce, beneficiary: act.beneficiary } }
}

function sign(key: Hex, chainId: number, primaryType: TypedMessage['primaryType'], message: Record<string, unknown>) {
  return privateKeyToAccount(key).signTypedData({ ...validatorsTypedData(chainId), primaryType, message } as never)
}

/** Whether an act is signed by the management key that it names. @throws VALIDATOR_ACT_INVALID */
export async function checkAct(chainId: number, act: ValidatorAct): Promise<void> {
  let signer: Hex | undefined
  try {
    const { signature } = act
    signer = await recoverTypedDataAddress({
      ...validatorsTypedData(chainId),
      ...typedMessageOf(act),
      signature,
    } as never)
  } catch (cause) {
    throw invalid(`the ${act.kind} of ${act.management} has no valid signature: ${messageOf(cause)}`, cause)
  }
  if (signer.toLowerCase() !== act.management.toLowerCase())
    throw invalid(
      `the ${act.kind} of ${act.management} is signed by another key, for another chain, or was changed since; sign it again`,
    )
}

/** Characters of one act: three keys with their proofs are about 2,000. */
const MAX_ACT_CHARS = 16 * 1024

/** Reads an act that came as JSON from somewhere; its signature is not checked yet. @throws VALIDATOR_ACT_INVALID */
export function readAct(value: unknown): ValidatorAct {
  const act = value as ValidatorAct
  if (typeof value !== 'object' || value === null || JSON.stringify(value).length > MAX_ACT_CHARS)
    throw invalid('it is no act of a validator')
  if (!hasHex(act, ['management'], 20) || !hasHex(act, ['signature'], 65)) throw invalid('it is not signed')
  if (act.kind === 'vote') return { ...act, proposal: readProposal(act.proposal) }
  if (!isNumber(act.nonce)) throw invalid('it has no nonce')
  if (act.kind === 'leave') return act
  if (act.kind === 'set-beneficiary' && hasHex(act, ['beneficiary'], 20)) return act
  if (
    act.kind === 'rotate-keys' &&
    hasHex(act.keys, ['session'], 20) &&
    hasHex(act.keys, ['managementKey', 'bitcoinKey'], 33, 0) &&
    hasHex(act.proofs, ['session', 'management', 'bitcoin'], 65, 0)
  )
    return act
  throw invalid('it is of no known kind, or incomplete')
}

/** Reads a proposal that came as JSON from somewhere. @throws VALIDATOR_ACT_INVALID */
export function readProposal(value: unknown): ValidatorProposal {
  const proposal = value as ValidatorProposal
  if (!isNumber(proposal?.deadline)) throw invalid('it has no deadline')
  if (proposal.kind === 'remove' && hasHex(proposal, ['session'], 20)) return proposal
  if (proposal.kind === 'add') return { ...proposal, ...readCandidate(proposal) }
  throw invalid('it is no proposal')
}

/** Reads a candidate's own part. @throws VALIDATOR_ACT_INVALID */
export function readCandidate(value: unknown): { readonly candidate: ValidatorKeys; readonly proofs: KeyProofs } {
  const { candidate, proofs } = (value ?? {}) as { candidate: ValidatorKeys; proofs: KeyProofs }
  if (
    hasHex(candidate, ['session', 'beneficiary'], 20) &&
    hasHex(candidate, ['managementKey', 'bitcoinKey'], 33) &&
    hasHex(proofs, ['session', 'management', 'bitcoin'], 65)
  )
    return { candidate, proofs }
  throw invalid('it is no candidate with keys and their proofs')
}

function hasHex(value: unknown, names: readonly string[], ...lengths: readonly number[]): boolean {
  const record = (value ?? {}) as Record<string, unknown>
  return names.every((name) => {
    const hex = record[name]
    return typeof hex === 'string' && /^0x[0-9a-fA-F]*$/.test(hex) && lengths.includes((hex.length - 2) / 2)
  })
}

const isNumber = (value: unknown) => typeof value === 'string' && /^\d{1,19}$/.test(value)

function invalid(why: string, cause?: unknown) {
  return sdkError('VALIDATOR_ACT_INVALID', 'user', why, { cause })
}

/** @internal The contract's function and arguments for an act, or for several votes on one proposal. */
export function callOf(acts: readonly ValidatorAct[]): {
  readonly functionName: string
  readonly args: readonly unknown[]
} {
  const [act] = acts as [ValidatorAct]
  const { management, signature } = act
  if (act.kind === 'rotate-keys')
    return { functionName: 'rotateKeys', args: [management, act.keys, signature, act.proofs] }
  if (act.kind === 'set-beneficiary')
    return { functionName: 'setBeneficiary', args: [management, act.beneficiary, signature] }
  if (act.kind === 'leave') return { functionName: 'leaveSet', args: [management, signature] }
  const votes = acts.map((vote) => ({ management: vote.management, signature: vote.signature }))
  const { proposal } = act
  const deadline = BigInt(proposal.deadline)
  return proposal.kind === 'add'
    ? { functionName: 'addValidator', args: [proposal.candidate, deadline, proposal.proofs, votes] }
    : { functionName: 'removeValidator', args: [proposal.session, deadline, votes] }
}
