import { RLP } from '@ethereumjs/rlp'
import { PUBLIC_NONCE_BYTES } from '@hawser/bitcoin/musig2'
import { decodeRlp, messageOf, readUintBE, toHex, uintBE, utf8, type Hex, type RlpItem } from '@hawser/primitives'
import { bridgeError } from './errors.ts'

/** Inputs of a batch times rungs at most (50 and 8 are the chain spec's limits). */
export const MAX_SIGNING_ITEMS = 400
/** 400 public nonces and their frame. */
export const MAX_SESSION_MESSAGE_BYTES = 32 * 1024
/** Eight rungs of 50 inputs by script path. */
export const MAX_SIGNED_MESSAGE_BYTES = 400 * 1024
const MAX_RUNGS = 8
/** RLP items of the message with the most: a kind, a batch, and a transaction for each rung. */
const MAX_ITEMS = 4 + MAX_RUNGS
const MAX_MEMBERS = 100
const MAX_REASON_BYTES = 256
const SESSION_ID_BYTES = 32
const PARTIAL_BYTES = 32

/** What a coordinator, or one who wants to know, asks a member. */
export type SigningRequest =
  /** Fresh public nonces for a session. */
  | {
      readonly kind: 'nonces'
      readonly batchId: bigint
      readonly attempt: number
      readonly session: Hex
      readonly rungs: number
    }
  /** Partial signatures; `members` is empty for the key path, else the t-subset. */
  | {
      readonly kind: 'partials'
      readonly session: Hex
      readonly members: readonly number[]
      /** 66 bytes for each item. */
      readonly aggregateNonces: readonly Uint8Array[]
    }
  /** Hands over the signed transactions, one for each rung. */
  | { readonly kind: 'signed'; readonly batchId: bigint; readonly transactions: readonly Uint8Array[] }
  /** Why the member does not sign a batch, if he does not. */
  | { readonly kind: 'status'; readonly batchId: bigint }

export type SigningAnswer =
  | { readonly kind: 'nonces'; readonly nonces: readonly Uint8Array[] }
  | { readonly kind: 'partials'; readonly partials: readonly Uint8Array[] }
  /** The member has the signed transactions already. */
  | { readonly kind: 'signed'; readonly transactions: readonly Uint8Array[] }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'ok' }

const REQUEST = { nonces: 1, partials: 2, signed: 3, status: 4 } as const
const ANSWER = { ok: 0, nonces: 1, partials: 2, signed: 3, refused: 4 } as const

export function encodeRequest(request: SigningRequest): Uint8Array {
  switch (request.kind) {
    case 'nonces':
      return RLP.encode([
        REQUEST.nonces,
        uintBE(request.batchId, 8),
        uintBE(request.attempt, 4),
        request.session,
        uintBE(request.rungs, 1),
      ])
    case 'partials':
      return RLP.encode([
        REQUEST.partials,
        request.session,
        Uint8Array.from(request.members),
        join(request.aggregateNonces),
      ])
    case 'signed':
      return RLP.encode([REQUEST.signed, uintBE(request.batchId, 8), [...request.transactions]])
    case 'status':
      return RLP.encode([REQUEST.status, uintBE(request.batchId, 8)])
  }
}

/** @throws SIGNING_MALFORMED */
export function decodeRequest(message: Uint8Array): SigningRequest {
  const [kind, ...fields] = decodeList(message)
  const only = (count: number) => {
    if (fields.length !== count) throw malformed(`${fields.length} fields`)
  }
  switch (number(kind, 1)) {
    case REQUEST.nonces: {
      only(4)
      const rungs = number(fields[3], 1)
      if (rungs < 1 || rungs > MAX_RUNGS) throw malformed(`${rungs} rungs`)
      return {
        kind: 'nonces',
        batchId: readUintBE(fixed(fields[0], 8)),
        attempt: Number(readUintBE(fixed(fields[1], 4))),
        session: toHex(fixed(fields[2], SESSION_ID_BYTES)),
        rungs,
      }
    }
    case REQUEST.partials: {
      only(3)
      const members = [...bytes(fields[1], MAX_MEMBERS)]
      if (members.some((member, i) => i > 0 && member <= (members[i - 1] as number)))
        throw malformed('members are not ascending')
      return {
        kind: 'partials',
        session: toHex(fixed(fields[0], SESSION_ID_BYTES)),
        members,
        aggregateNonces: split(fields[2], PUBLIC_NONCE_BYTES),
      }
    }
    case REQUEST.signed:
      only(2)
      return { kind: 'signed', batchId: readUintBE(fixed(fields[0], 8)), transactions: transactions(fields[1]) }
    case REQUEST.status:
      only(1)
      return { kind: 'status', batchId: readUintBE(fixed(fields[0], 8)) }
    default:
      throw malformed('unknown kind')
  }
}

export function encodeAnswer(answer: SigningAnswer): Uint8Array {
  switch (answer.kind) {
    case 'nonces':
      return RLP.encode([ANSWER.nonces, join(answer.nonces)])
    case 'partials':
      return RLP.encode([ANSWER.partials, join(answer.partials)])
    case 'signed':
      return RLP.encode([ANSWER.signed, [...answer.transactions]])
    case 'refused':
      return RLP.encode([ANSWER.refused, utf8(answer.reason).subarray(0, MAX_REASON_BYTES)])
    case 'ok':
      return RLP.encode([ANSWER.ok, new Uint8Array()])
  }
}

/** @throws SIGNING_MALFORMED */
export function decodeAnswer(message: Uint8Array): SigningAnswer {
  const [kind, field, ...rest] = decodeList(message)
  if (rest.length > 0) throw malformed('too many fields')
  switch (number(kind, 1)) {
    case ANSWER.nonces:
      return { kind: 'nonces', nonces: split(field, PUBLIC_NONCE_BYTES) }
    case ANSWER.partials:
      return { kind: 'partials', partials: split(field, PARTIAL_BYTES) }
    case ANSWER.signed:
      return { kind: 'signed', transactions: transactions(field) }
    case ANSWER.refused:
      return { kind: 'refused', reason: printable(bytes(field, MAX_REASON_BYTES)) }
    case ANSWER.ok:
      fixed(field, 0)
      return { kind: 'ok' }
    default:
      throw malformed('unknown kind')
  }
}

function decodeList(message: Uint8Array): RlpItem[] {
  if (message.length > MAX_SIGNED_MESSAGE_BYTES) throw malformed(`${message.length} bytes`)
  let decoded: RlpItem
  try {
    decoded = decodeRlp(message, MAX_ITEMS)
  } catch (cause) {
    throw malformed(messageOf(cause), cause)
  }
  if (!Array.isArray(decoded) || decoded.length === 0) throw malformed('no list')
  // Only signed transactions may be long.
  const kind = decoded[0]
  const isSigned = kind instanceof Uint8Array && kind.length === 1 && kind[0] === REQUEST.signed
  if (!isSigned && message.length > MAX_SESSION_MESSAGE_BYTES) throw malformed(`${message.length} bytes`)
  return decoded
}

function bytes(field: RlpItem | undefined, max: number): Uint8Array {
  if (!(field instanceof Uint8Array) || field.length > max) throw malformed('a field is no string of its size')
  return field
}

function fixed(field: RlpItem | undefined, length: number): Uint8Array {
  const value = bytes(field, length)
  if (value.length !== length) throw malformed(`a field has ${value.length} bytes instead of ${length}`)
  return value
}

function number(field: RlpItem | undefined, maxBytes: number): number {
  const value = bytes(field, maxBytes)
  if (value[0] === 0) throw malformed('a number has leading zeros')
  return Number(readUintBE(value))
}

function split(field: RlpItem | undefined, width: number): Uint8Array[] {
  const value = bytes(field, MAX_SIGNING_ITEMS * width)
  if (value.length === 0 || value.length % width !== 0) throw malformed(`${value.length} bytes of items`)
  return Array.from({ length: value.length / width }, (_, i) => value.slice(i * width, (i + 1) * width))
}

function transactions(field: RlpItem | undefined): Uint8Array[] {
  if (!Array.isArray(field) || field.length < 1 || field.length > MAX_RUNGS) throw malformed('no list of rungs')
  return field.map((raw) => bytes(raw, MAX_SIGNED_MESSAGE_BYTES))
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const width = parts[0]?.length ?? 0
  const joined = new Uint8Array(parts.length * width)
  parts.forEach((part, i) => joined.set(part, i * width))
  return joined
}

/** A peer's words go into logs and views: no control characters. */
function printable(value: Uint8Array): string {
  return new TextDecoder().decode(value).replace(/[^\x20-\x7e]/g, '?')
}

function malformed(why: string, cause?: unknown) {
  return bridgeError('SIGNING_MALFORMED', 'peer', `malformed signing message: ${why}`, { cause })
}
