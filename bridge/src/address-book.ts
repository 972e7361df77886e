import { RLP } from '@ethereumjs/rlp'
import { depositAddress, type Committee } from '@hawser/bitcoin'
import type { ChainSpec, PeerId, Transport, Verdict } from '@hawser/chain'
import {
  decodeRlp,
  fromHex,
  messageOf,
  readUintBE,
  spawn,
  toHex,
  type Address,
  type Clock,
  type Logger,
} from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore, type Write } from '@hawser/storage'
import { bridgeError } from './errors.ts'
import { REFUND_KEY_REFUSAL } from './creditable.ts'

/** Registered addresses at most: at some 300 bytes each in memory about 60 MB. */
export const MAX_ADDRESSES = 200_000
/** Registrations that one peer may send or relay in a minute. */
export const MAX_REGISTRATIONS_PER_MINUTE = 120
/** Registrations taken from all peers together in a minute: a full book turns over in hours, not at once. */
export const MAX_GOSSIPED_PER_MINUTE = 600
/** Peers whose rate is watched at a time. */
const MAX_WATCHED_PEERS = 256
/** Own registrations that a peer who joins is told again. */
const MAX_ANNOUNCED = 128
const MINUTE_MS = 60_000
const ACCOUNT_BYTES = 20
const REFUND_KEY_BYTES = 32
/** What a message costs that is no registration. */
const MALFORMED_SCORE = -100

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
  /** Addresses at most; MAX_ADDRESSES when absent. */
  readonly maxAddresses?: number
  /** Called with each address that is new, from here or from a peer. */
  readonly onAdded: (entry: RegisteredAddress) => void
}

/** How much an address matters when the book is full: told by peers, asked for here, paid. */
const RANKS = ['gossiped', 'own', 'paid'] as const
type Rank = (typeof RANKS)[number]

/** The deposit addresses that were asked for, here or at another validator: by script, on disk (protocol.md, section 6). */
export class AddressBook {
  readonly #parts: AddressBookParts
  readonly #byScript = new Map<string, RegisteredAddress>()
  /** The scripts of each rank, the oldest first. */
  readonly #ranks: Readonly<Record<Rank, Set<string>>> = { gossiped: new Set(), own: new Set(), paid: new Set() }
  /** Number of the next entry: what the age is told by on disk. */
  #next = 0
  #all = { since: 0, count: 0 }
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
    const stored: Stored[] = []
    for await (const [key, value] of db.entries(range)) stored.push(decodeEntry(key.subarray(1), value))
    for (const { entry, rank, sequence } of stored.sort((a, b) => a.sequence - b.sequence)) {
      const script = toHex(entry.scriptPubKey)
      this.#byScript.set(script, entry)
      this.#ranks[rank].add(script)
      this.#next = sequence + 1
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

  /**
   * Derives, keeps and announces an account's address; what is asked for here always finds room.
   * @throws DEPOSIT_ADDRESS_INVALID, REFUND_KEY_UNSUPPORTED
   */
  async register(account: Address, refundKey?: Uint8Array): Promise<RegisteredAddress> {
    if (refundKey) throw bridgeError('REFUND_KEY_UNSUPPORTED', 'user', REFUND_KEY_REFUSAL)
    const entry = this.derive(account)
    await this.#add(entry, 'own')
    const message = fromHex(account)
    this.#announced.push(message)
    if (this.#announced.length > MAX_ANNOUNCED) this.#announced.shift()
    this.#publish(message)
    return entry
  }

  /** Notes that an address was paid: it is the last to give way when the book is full. */
  async paid(account: Address): Promise<void> {
    const entry = this.byScript(this.derive(account).scriptPubKey)
    if (entry && !this.#ranks.paid.has(toHex(entry.scriptPubKey))) await this.#keep(entry, 'paid')
  }

  async #onMessage(message: Uint8Array, from: PeerId): Promise<Verdict> {
    if (message.length !== ACCOUNT_BYTES && message.length !== ACCOUNT_BYTES + REFUND_KEY_BYTES) {
      this.#parts.transport.report(from, MALFORMED_SCORE, `a deposit address of ${message.length} bytes`)
      return 'reject'
    }
    // With a refund key it is well-formed, and refused here as everywhere.
    if (message.length > ACCOUNT_BYTES || !this.#allows(from)) return 'ignore'
    try {
      const entry = this.derive(toHex(message) as Address)
      if (this.#byScript.has(toHex(entry.scriptPubKey))) return 'ignore'
      await this.#add(entry, 'gossiped')
      return 'accept'
    } catch (error) {
      this.#parts.logger.debug({ err: messageOf(error), from }, 'a deposit address from a peer was not taken')
      return 'ignore'
    }
  }

  #allows(peer: PeerId): boolean {
    const now = this.#parts.clock.nowMs()
    let rate = this.#rates.get(peer)
    if (!rate || now - rate.since >= MINUTE_MS) {
      this.#rates.delete(peer)
      if (this.#rates.size >= MAX_WATCHED_PEERS) this.#rates.delete(this.#rates.keys().next().value as PeerId)
      rate = { since: now, count: 0 }
      this.#rates.set(peer, rate)
    }
    if (++rate.count > MAX_REGISTRATIONS_PER_MINUTE) return false
    if (now - this.#all.since >= MINUTE_MS) this.#all = { since: now, count: 0 }
    return ++this.#all.count <= MAX_GOSSIPED_PER_MINUTE
  }

  /** An account's address, without keeping it. @throws DEPOSIT_ADDRESS_INVALID */
  derive(account: Address, refundKey?: Uint8Array): RegisteredAddress {
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

  async #add(entry: RegisteredAddress, rank: 'own' | 'gossiped'): Promise<void> {
    const script = toHex(entry.scriptPubKey)
    if (this.#byScript.has(script)) {
      if (rank === 'own' && this.#ranks.gossiped.has(script)) await this.#keep(entry, rank)
      return
    }
    const max = this.#parts.maxAddresses ?? MAX_ADDRESSES
    // Peers displace only what peers told; what is asked for here displaces even a paid address in the end.
    const victims = rank === 'own' ? RANKS : (['gossiped'] as const)
    const gone = this.#byScript.size < max ? undefined : this.#oldest(victims)
    if (this.#byScript.size >= max && gone === undefined)
      throw bridgeError('ADDRESS_BOOK_FULL', 'local', `this node holds its ${max} deposit addresses; ask another`)
    this.#byScript.set(script, entry)
    await this.#keep(entry, rank, gone)
    this.#parts.onAdded(entry)
  }

  #oldest(ranks: readonly Rank[]): string | undefined {
    for (const rank of ranks) for (const script of this.#ranks[rank]) return script
    return undefined
  }

  /** Puts an entry into a rank, here and on disk, in place of one that goes. */
  async #keep(entry: RegisteredAddress, rank: Rank, gone?: string): Promise<void> {
    const script = toHex(entry.scriptPubKey)
    const writes: Write[] = []
    if (gone !== undefined) {
      this.#byScript.delete(gone)
      for (const scripts of Object.values(this.#ranks)) scripts.delete(gone)
      writes.push({ key: keyIn(keyspace.depositAddress, fromHex(gone)), value: undefined })
    }
    for (const scripts of Object.values(this.#ranks)) scripts.delete(script)
    this.#ranks[rank].add(script)
    const value = encodeEntry({ entry, rank, sequence: this.#next++ })
    await this.#parts.db.write([...writes, { key: keyIn(keyspace.depositAddress, entry.scriptPubKey), value }])
  }

  #publish(message: Uint8Array): void {
    spawn(
      () => this.#parts.transport.publish('deposit-addresses', message),
      (error) => this.#parts.logger.debug({ err: messageOf(error) }, 'a deposit address could not be announced'),
    )
  }
}

/** An entry as it is on disk; a greater sequence is younger. */
interface Stored {
  readonly entry: RegisteredAddress
  readonly rank: Rank
  readonly sequence: number
}

function encodeEntry({ entry, rank, sequence }: Stored): Uint8Array {
  return RLP.encode([
    fromHex(entry.account),
    entry.refundKey ?? new Uint8Array(),
    new TextEncoder().encode(entry.address),
    entry.qy,
    RANKS.indexOf(rank),
    sequence,
  ])
}

function decodeEntry(script: Uint8Array, value: Uint8Array): Stored {
  const none = new Uint8Array()
  const [account = none, refundKey = none, address = none, qy = none, rank = none, sequence = none] = decodeRlp(
    value,
    Infinity,
  ) as Uint8Array[]
  const entry: RegisteredAddress = {
    account: toHex(account) as Address,
    refundKey: refundKey.length > 0 ? refundKey : undefined,
    address: new TextDecoder().decode(address),
    scriptPubKey: Uint8Array.from(script),
    qy,
  }
  return { entry, rank: RANKS[Number(readUintBE(rank))] ?? 'gossiped', sequence: Number(readUintBE(sequence)) }
}
