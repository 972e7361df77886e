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
    key === undefined ? '0x' : sign(key, chainId, 'RotateKeys', { ...keys, management, nonce })
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
    ? { primaryType: 'VoteAdd', message: { ...proposal.candidate, management, deadline } }
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
  if (act.kind === 'rotate-keys') return { primaryType: 'RotateKeys', message: { ...act.keys, management, nonce } }
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

/** Reads an act that came as JSON from somewhere, and nothing else that stands there; its signature is not checked yet. @throws VALIDATOR_ACT_INVALID */
export function readAct(value: unknown): ValidatorAct {
  if (typeof value !== 'object' || value === null || JSON.stringify(value).length > MAX_ACT_CHARS)
    throw invalid('it is no act of a validator')
  const act = value as Record<string, unknown>
  const management = pickHex(act, ['management'], 20)
  const signature = pickHex(act, ['signature'], 65)
  if (!management || !signature) throw invalid('it is not signed')
  const { kind, nonce } = act
  const signed = { ...management, ...signature }
  if (kind === 'vote') return { kind, proposal: readProposal(act['proposal']), ...signed }
  if (!isNumber(nonce)) throw invalid('it has no nonce')
  if (kind === 'leave') return { kind, nonce, ...signed }
  const paid = pickHex(act, ['beneficiary'], 20)
  if (kind === 'set-beneficiary' && paid) return { kind, nonce, ...paid, ...signed }
  const session = pickHex(act['keys'], ['session'], 20)
  const others = pickHex(act['keys'], ['managementKey', 'bitcoinKey'], 33, 0)
  const proofs = pickHex(act['proofs'], PROOFS, 65, 0)
  if (kind === 'rotate-keys' && session && others && proofs)
    return { kind, nonce, keys: { ...session, ...others }, proofs, ...signed }
  throw invalid('it is of no known kind, or incomplete')
}

/** Reads a proposal that came as JSON from somewhere, and nothing else that stands there. @throws VALIDATOR_ACT_INVALID */
export function readProposal(value: unknown): ValidatorProposal {
  const { kind, deadline, ...rest } = (value ?? {}) as Record<string, unknown>
  if (!isNumber(deadline)) throw invalid('it has no deadline')
  if (kind === 'add') return { kind, ...readCandidate(rest), deadline }
  const target = pickHex(rest, ['session'], 20)
  if (kind === 'remove' && target) return { kind, ...target, deadline }
  throw invalid('it is no proposal')
}

/** Reads a candidate's own part, and nothing else that stands there. @throws VALIDATOR_ACT_INVALID */
export function readCandidate(value: unknown): { readonly candidate: ValidatorKeys; readonly proofs: KeyProofs } {
  const { candidate, proofs } = (value ?? {}) as Record<string, unknown>
  const accounts = pickHex(candidate, ['session', 'beneficiary'], 20)
  const keys = pickHex(candidate, ['managementKey', 'bitcoinKey'], 33)
  const signatures = pickHex(proofs, PROOFS, 65)
  if (accounts && keys && signatures) return { candidate: { ...accounts, ...keys }, proofs: signatures }
  throw invalid('it is no candidate with keys and their proofs')
}

const PROOFS = ['session', 'management', 'bitcoin'] as const

/** These fields alone; undefined unless each is hex of one of the lengths in bytes. */
function pickHex<Name extends string>(
  value: unknown,
  names: readonly Name[],
  ...lengths: readonly number[]
): Record<Name, Hex> | undefined {
  const record = (value ?? {}) as Record<Name, unknown>
  const isGood = names.every((name) => {
    const hex = record[name]
    return typeof hex === 'string' && /^0x[0-9a-fA-F]*$/.test(hex) && lengths.includes((hex.length - 2) / 2)
  })
  return isGood ? (Object.fromEntries(names.map((name) => [name, record[name]])) as Record<Name, Hex>) : undefined
}

const isNumber = (value: unknown): value is string => typeof value === 'string' && /^\d{1,19}$/.test(value)

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
