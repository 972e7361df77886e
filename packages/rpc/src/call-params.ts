import type {
  AccessListEntry,
  AccountOverride,
  Authorization,
  BlockOverrides,
  CallRequest,
  StateOverrides,
  TracerConfig,
  WithdrawalData,
} from '@hawser/chain'
import { toHex, type Address, type Hex } from '@hawser/primitives'
import type { ChainProfile } from './backend.ts'
import { invalidParams } from './errors.ts'
import { MAX_ACCESS_ITEMS, MAX_OVERRIDES } from './limits.ts'
import {
  readAddress,
  readBoolean,
  readBytes,
  readEntries,
  readHash,
  readList,
  readObject,
  readQuantity,
  readStorageKey,
  readUint64,
} from './params.ts'

/** The most blobs of one call: none of Ethereum's schedules allows more in a block. */
const MAX_BLOBS = 128
const MAX_WITHDRAWALS = 64

type Fields = Readonly<Record<string, unknown>>

function optional<T>(fields: Fields, name: string, read: (field: unknown, what: string) => T): T | undefined {
  const value = fields[name]
  return value === undefined || value === null ? undefined : read(value, name)
}

/** A call object; unknown fields are ignored as Geth does. @throws -32602 for what contradicts itself or the chain */
export function readCall(value: unknown, chain: ChainProfile): CallRequest {
  const call = readObject(value, 'transaction')
  const data = optional(call, 'data', readBytes)
  const input = optional(call, 'input', readBytes)
  if (data && input && toHex(data) !== toHex(input))
    throw invalidParams(
      'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data',
    )
  const gasPrice = optional(call, 'gasPrice', readQuantity)
  const maxFeePerGas = optional(call, 'maxFeePerGas', readQuantity)
  const maxPriorityFeePerGas = optional(call, 'maxPriorityFeePerGas', readQuantity)
  if (gasPrice !== undefined && (maxFeePerGas !== undefined || maxPriorityFeePerGas !== undefined))
    throw invalidParams('both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified')
  const chainId = optional(call, 'chainId', readQuantity)
  if (chainId !== undefined && chainId !== chain.chainId)
    throw invalidParams(`chainId does not match node's (have=${chainId}, want=${chain.chainId})`)
  return {
    from: optional(call, 'from', readAddress),
    to: optional(call, 'to', readAddress),
    data: input ?? data,
    value: optional(call, 'value', readQuantity),
    gas: optional(call, 'gas', readUint64),
    nonce: optional(call, 'nonce', readUint64),
    gasPrice,
    maxFeePerGas,
    maxPriorityFeePerGas,
    accessList: optional(call, 'accessList', readAccessList),
    authorizationList: optional(call, 'authorizationList', readAuthorizations),
    ...readBlobs(call, chain),
  }
}

function readBlobs(call: Fields, chain: ChainProfile): Pick<CallRequest, 'blobVersionedHashes' | 'maxFeePerBlobGas'> {
  if (call['blobs'] !== undefined && call['blobs'] !== null)
    throw invalidParams('"blobs" are not accepted in a call: give their blobVersionedHashes')
  const hashes = readList(call['blobVersionedHashes'], 'blobVersionedHashes', MAX_BLOBS)
  const maxFeePerBlobGas = optional(call, 'maxFeePerBlobGas', readQuantity)
  if (hashes.length === 0 && maxFeePerBlobGas === undefined) return {}
  if (!chain.blobs) throw invalidParams('blob transactions are refused on this chain')
  return {
    maxFeePerBlobGas,
    ...(hashes.length > 0 ? { blobVersionedHashes: hashes.map((hash) => readHash(hash, 'blobVersionedHash')) } : {}),
  }
}

function readAccessList(value: unknown): AccessListEntry[] {
  let room = MAX_ACCESS_ITEMS
  return readList(value, 'accessList', MAX_ACCESS_ITEMS).map((item) => {
    const entry = readObject(item, 'access list item')
    const keys = readList(entry['storageKeys'], 'storageKeys', room)
    room -= keys.length
    return {
      address: readAddress(entry['address']),
      storageKeys: keys.map((key) => readHash(key, 'storage key')),
    }
  })
}

function readAuthorizations(value: unknown): Authorization[] | undefined {
  const list = readList(value, 'authorizationList', MAX_ACCESS_ITEMS)
  if (list.length === 0) throw invalidParams('authorizationList must not be empty')
  return list.map((item) => {
    const entry = readObject(item, 'authorization')
    return {
      chainId: readQuantity(entry['chainId'], 'chainId'),
      address: readAddress(entry['address']),
      nonce: readUint64(entry['nonce'], 'nonce'),
      yParity: readUint64(entry['yParity'] ?? entry['v'], 'yParity'),
      r: readQuantity(entry['r'], 'r'),
      s: readQuantity(entry['s'], 's'),
    }
  })
}

/** State overrides by account. */
export function readStateOverrides(value: unknown): StateOverrides | undefined {
  if (value === undefined || value === null) return undefined
  return new Map(
    readEntries(value, 'state overrides', MAX_OVERRIDES).map(([address, item]): [Address, AccountOverride] => {
      const fields = readObject(item, 'state override')
      return [
        readAddress(address),
        {
          nonce: optional(fields, 'nonce', readUint64),
          balance: optional(fields, 'balance', readQuantity),
          code: optional(fields, 'code', readBytes),
          state: optional(fields, 'state', readSlots),
          stateDiff: optional(fields, 'stateDiff', readSlots),
          movePrecompileToAddress: optional(fields, 'movePrecompileToAddress', readAddress),
        },
      ]
    }),
  )
}

function readSlots(value: unknown, what: string): ReadonlyMap<Hex, Hex> {
  return new Map(
    readEntries(value, what, MAX_OVERRIDES).map(([key, word]) => [
      toHex(readStorageKey(key)),
      toHex(readStorageKey(word)),
    ]),
  )
}

/** Block overrides; both Geth's names for calls and those of eth_simulateV1. */
export function readBlockOverrides(value: unknown): BlockOverrides | undefined {
  if (value === undefined || value === null) return undefined
  const fields = readObject(value, 'block overrides')
  return {
    number: optional(fields, 'number', readUint64),
    time: optional(fields, 'time', readUint64),
    gasLimit: optional(fields, 'gasLimit', readUint64),
    feeRecipient: optional(fields, 'feeRecipient', readAddress) ?? optional(fields, 'coinbase', readAddress),
    prevRandao: optional(fields, 'prevRandao', readStorageKey) ?? optional(fields, 'random', readStorageKey),
    baseFeePerGas: optional(fields, 'baseFeePerGas', readQuantity) ?? optional(fields, 'baseFee', readQuantity),
    blobBaseFee: optional(fields, 'blobBaseFee', readQuantity),
    beaconRoot: optional(fields, 'beaconRoot', readStorageKey),
    withdrawals: optional(fields, 'withdrawals', readWithdrawals),
  }
}

export function readWithdrawals(value: unknown): WithdrawalData[] {
  return readList(value, 'withdrawals', MAX_WITHDRAWALS).map((item) => {
    const fields = readObject(item, 'withdrawal')
    return {
      index: readUint64(fields['index'], 'index'),
      validatorIndex: readUint64(fields['validatorIndex'], 'validatorIndex'),
      address: readAddress(fields['address']),
      amount: readUint64(fields['amount'], 'amount'),
    }
  })
}

/** What a debug_trace method is asked for. */
export interface TraceRequest {
  readonly tracer: TracerConfig
  /** Shortens the node's own limit. */
  readonly timeoutMs?: number
  readonly state?: StateOverrides
  readonly block?: BlockOverrides
}

/** Geth's TraceConfig and TraceCallConfig. @throws -32602 for a tracer that is not there */
export function readTraceConfig(value: unknown): TraceRequest {
  const fields = value === undefined || value === null ? {} : readObject(value, 'trace configuration')
  return {
    tracer: readTracer(fields),
    timeoutMs: optional(fields, 'timeout', readDuration),
    state: readStateOverrides(fields['stateOverrides']),
    block: readBlockOverrides(fields['blockOverrides']),
  }
}

function readTracer(fields: Fields): TracerConfig {
  const flag = (from: Fields, name: string) => readBoolean(from[name], name)
  const options = optional(fields, 'tracerConfig', readObject) ?? {}
  const name = fields['tracer']
  switch (name) {
    case undefined:
    case null:
    case '':
      return {
        kind: 'structLogger',
        enableMemory: flag(fields, 'enableMemory'),
        disableStack: flag(fields, 'disableStack'),
        disableStorage: flag(fields, 'disableStorage'),
        enableReturnData: flag(fields, 'enableReturnData'),
        limit: Number(optional(fields, 'limit', readUint64) ?? 0n),
      }
    case 'callTracer':
      return { kind: name, onlyTopCall: flag(options, 'onlyTopCall'), withLog: flag(options, 'withLog') }
    case 'prestateTracer':
      if (flag(options, 'diffMode') && flag(options, 'includeEmpty'))
        throw invalidParams('cannot use diffMode with includeEmpty')
      return {
        kind: name,
        diffMode: flag(options, 'diffMode'),
        disableCode: flag(options, 'disableCode'),
        disableStorage: flag(options, 'disableStorage'),
        includeEmpty: flag(options, 'includeEmpty'),
      }
    case '4byteTracer':
    case 'noopTracer':
      return { kind: name }
    default:
      throw invalidParams(
        'tracer not found: there are callTracer, prestateTracer, 4byteTracer, noopTracer, and the opcode logger without a name',
      )
  }
}

/** A Go duration of one unit, as in "5s" or "300ms", in ms. */
function readDuration(value: unknown): number {
  const match = typeof value === 'string' ? /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)$/.exec(value) : null
  if (!match) throw invalidParams('timeout must be a duration such as "5s" or "300ms"')
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h']
  return Number(match[1]) * unit
}
