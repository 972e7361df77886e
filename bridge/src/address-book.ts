import { RLP } from '@ethereumjs/rlp'
import { depositAddress, type Committee } from '@hawser/bitcoin'
import type { ChainSpec, PeerId, Transport, Verdict } from '@hawser/chain'
import {
  concatBytes,
  fromHex,
  messageOf,
  spawn,
  toHex,
  type Address,
  type Clock,
  type Logger,
} from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore } from '@hawser/storage'
import { bridgeError } from './errors.ts'

/** Registered addresses at most: at some 300 bytes each in memory about 60 MB. */
export const MAX_ADDRESSES = 200_000
/** Registrations that one peer may send or relay in a minute. */
export const MAX_REGISTRATIONS_PER_MINUTE = 120
/** Peers whose rate is watched at a time. */
const MAX_WATCHED_PEERS = 256
/** Own registrations that a peer who joins is told again. */
const MAX_ANNOUNCED = 128
const MINUTE_MS = 60_000
const ACCOUNT_BYTES = 20
const REFUND_KEY_BYTES = 32

/** Who is credited for a payment to a script. */
export interface RegisteredAddress {
  readonly account: Address
  /** x-only, 32 bytes. */
  readonly refundKey?: Uint8Array
  readonly address: string
  /** 34 bytes. */
  readonly scriptPubKey: Uint8Array
  /** y of Q = P + tG, 32 bytes: the Bridge contract's Qy. */
  readonly qy: Uint8Array
}

export interface AddressBookParts {
  readonly spec: ChainSpec
  readonly committee: Committee
  readonly db: KeyValueStore
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  /** Called with each address that is new, from here or from a peer. */
  readonly onAdded: (entry: RegisteredAddress) => void
}

/** The deposit addresses that were asked for, here or at another validator: by script, on disk (protocol.md, section 6). */
export class AddressBook {
  readonly #parts: AddressBookParts
  readonly #byScript = new Map<string, RegisteredAddress>()
  readonly #rates = new Map<PeerId, { since: number; count: number }>()
  readonly #announced: Uint8Array[] = []
  #stops: (() => void)[] = []

  constructor(parts: AddressBookParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#byScript.size
  }

  /** Loads what is on disk and listens to peers. */
  async start(): Promise<void> {
    const { db, transport } = this.#parts
    const range = { gte: keyIn(keyspace.depositAddress), lt: keyIn(keyspace.depositAddress + 1), limit: MAX_ADDRESSES }
    for await (const [key, value] of db.entries(range)) {
      const entry = decodeEntry(key.subarray(1), value)
      this.#byScript.set(toHex(entry.scriptPubKey), entry)
    }
    this.#stops = [
      transport.subscribe('deposit-addresses', (message, from) => this.#onMessage(message, from)),
      transport.onPeer((_, event) => {
        if (event === 'joined') for (const message of this.#announced) this.#publish(message)
      }),
    ]
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  byScript(script: Uint8Array): RegisteredAddress | undefined {
    return this.#byScript.get(toHex(script))
  }

  /** Derives, keeps and announces an account's address. @throws DEPOSIT_ADDRESS_INVALID, ADDRESS_BOOK_FULL */
  async register(account: Address, refundKey?: Uint8Array): Promise<RegisteredAddress> {
    const entry = this.#derive(account, refundKey)
    await this.#add(entry)
    const message = concatBytes(fromHex(account), refundKey ?? new Uint8Array())
    this.#announced.push(message)
    if (this.#announced.length > MAX_ANNOUNCED) this.#announced.shift()
    this.#publish(message)
    return entry
  }

  async #onMessage(message: Uint8Array, from: PeerId): Promise<Verdict> {
    if (message.length !== ACCOUNT_BYTES && message.length !== ACCOUNT_BYTES + REFUND_KEY_BYTES) return 'reject'
    if (!this.#allows(from)) return 'ignore'
    const account = toHex(message.subarray(0, ACCOUNT_BYTES)) as Address
    const refundKey = message.length > ACCOUNT_BYTES ? message.slice(ACCOUNT_BYTES) : undefined
    try {
      const entry = this.#derive(account, refundKey)
      if (this.#byScript.has(toHex(entry.scriptPubKey))) return 'ignore'
      await this.#add(entry)
      return 'accept'
    } catch (error) {
      this.#parts.logger.debug({ err: messageOf(error), from }, 'a deposit address from a peer was not taken')
      return 'ignore'
    }
  }

  #allows(peer: PeerId): boolean {
    const now = this.#parts.clock.nowMs()
    const rate = this.#rates.get(peer)
    if (!rate || now - rate.since >= MINUTE_MS) {
      this.#rates.delete(peer)
      if (this.#rates.size >= MAX_WATCHED_PEERS) this.#rates.delete(this.#rates.keys().next().value as PeerId)
      this.#rates.set(peer, { since: now, count: 1 })
      return true
    }
    rate.count++
    return rate.count <= MAX_REGISTRATIONS_PER_MINUTE
  }

  #derive(account: Address, refundKey?: Uint8Array): RegisteredAddress {
    const { spec, committee } = this.#parts
    if (!/^0x[0-9a-f]{40}$/.test(account) || /^0x0{40}$/.test(account))
      throw bridgeError('DEPOSIT_ADDRESS_INVALID', 'user', `${account.slice(0, 50)} is no account that can be credited`)
    if (refundKey && (refundKey.length !== REFUND_KEY_BYTES || refundKey.every((byte) => byte === 0)))
      throw bridgeError('DEPOSIT_ADDRESS_INVALID', 'user', 'a refund key is an x-only public key of 32 bytes')
    const { address, scriptPubKey, qy } = depositAddress({
      committee,
      network: spec.parent.network,
      chainId: BigInt(spec.chainId),
      account,
      ...(refundKey && { refundKey, csv: spec.bridge.reclaimCsvBlocks }),
    })
    return { account, refundKey, address, scriptPubKey, qy }
  }

  async #add(entry: RegisteredAddress): Promise<void> {
    const script = toHex(entry.scriptPubKey)
    if (this.#byScript.has(script)) return
    if (this.#byScript.size >= MAX_ADDRESSES)
      throw bridgeError(
        'ADDRESS_BOOK_FULL',
        'local',
        `this node holds its ${MAX_ADDRESSES} deposit addresses; ask another`,
      )
    this.#byScript.set(script, entry)
    await this.#parts.db.write([{ key: keyIn(keyspace.depositAddress, entry.scriptPubKey), value: encodeEntry(entry) }])
    this.#parts.onAdded(entry)
  }

  #publish(message: Uint8Array): void {
    spawn(
      () => this.#parts.transport.publish('deposit-addresses', message),
      (error) => this.#parts.logger.debug({ err: messageOf(error) }, 'a deposit address could not be announced'),
    )
  }
}

function encodeEntry(entry: RegisteredAddress): Uint8Array {
  return RLP.encode([
    fromHex(entry.account),
    entry.refundKey ?? new Uint8Array(),
    new TextEncoder().encode(entry.address),
    entry.qy,
  ])
}

function decodeEntry(script: Uint8Array, value: Uint8Array): RegisteredAddress {
  const [account, refundKey, address, qy] = RLP.decode(value) as Uint8Array[] as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  return {
    account: toHex(account) as Address,
    refundKey: refundKey.length > 0 ? refundKey : undefined,
    address: new TextDecoder().decode(address),
    scriptPubKey: Uint8Array.from(script),
    qy,
  }
}
