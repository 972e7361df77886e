import type { PeerId } from '@hawser/chain'
import type { Address } from '@hawser/primitives'
import { peerIn } from './peer-address.ts'

/** Peers whose addresses are kept; bootnodes come on top. */
export const MAX_BOOK = 1_000
/** Addresses of one peer. */
const MAX_ADDRESSES = 4
/** Peers in the book that one peer told of and that were never reached: one liar cannot fill it. */
const MAX_TOLD = 64
/** Waiting times between attempts: doubled each time, give or take half. */
const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 10 * 60_000
/** Nodes that the operator names: validators name one another, and wait for finality no longer than some rounds once a network is whole again. */
const MAX_BOOTNODE_WAIT_MS = 1_000
/** Validators in office that are not named: finality may wait for them, too. */
const MAX_VALIDATOR_WAIT_MS = 10_000
/** A peer that was never reached in so many attempts is forgotten. */
const MAX_FAILURES = 8

interface Entry {
  addresses: string[]
  readonly bootnode: boolean
  /** The validator that it proved to be; of several peers the one that proved it last. */
  validator: Address | undefined
  /** Who told of it; undefined when it was reached, or the operator named it. */
  toldBy: PeerId | undefined
  /** When a connection to it stood last; 0 for never. */
  seenMs: number
  failures: number
  nextDialMs: number
  dialling: boolean
}

/** A peer as the peer file keeps it. */
export interface KnownAddress {
  readonly id: PeerId
  readonly addresses: readonly string[]
  /** Unix milliseconds. */
  readonly seenMs: number
}

export interface PeerBookParts {
  readonly self: PeerId
  /** Multiaddrs that end in /p2p/ID. */
  readonly bootnodes: readonly string[]
  readonly known: readonly KnownAddress[]
  /** 0 to 1, for jitter. */
  readonly random: () => number
  /** Whether the validator with this session address is in office now. */
  readonly isInOffice: (validator: Address) => boolean
}

/** Where peers are to be found, and when each may be dialled again. */
export class PeerBook {
  readonly #entries = new Map<PeerId, Entry>()
  readonly #random: () => number
  readonly #isInOffice: (validator: Address) => boolean

  constructor({ self, bootnodes, known, random, isInOffice }: PeerBookParts) {
    this.#random = random
    this.#isInOffice = isInOffice
    for (const address of bootnodes) {
      const id = address.split('/p2p/').at(-1) ?? ''
      const entry = this.#entries.get(id)
      if (entry) entry.addresses.push(address)
      else if (id !== self) this.#entries.set(id, { ...newEntry([address]), bootnode: true })
    }
    for (const { id, addresses, seenMs } of known.slice(0, MAX_BOOK))
      if (id !== self && !this.#entries.has(id)) this.#entries.set(id, { ...newEntry([...addresses]), seenMs })
  }

  get size(): number {
    return this.#entries.size
  }

  /** Takes up what a peer tells of another; where who was reached is, or who the operator named, hearsay does not change. */
  hear(address: string, from: PeerId): void {
    const id = peerIn(address)
    if (id === undefined || id === from) return
    const entry = this.#entries.get(id)
    if (entry) {
      if (
        !entry.bootnode &&
        entry.seenMs === 0 &&
        entry.addresses.length < MAX_ADDRESSES &&
        !entry.addresses.includes(address)
      )
        entry.addresses.push(address)
      return
    }
    let told = 0
    for (const { toldBy } of this.#entries.values()) if (toldBy === from) told++
    if (told >= MAX_TOLD) return
    this.#makeRoom()
    if (this.#entries.size < MAX_BOOK) this.#entries.set(id, { ...newEntry([address]), toldBy: from })
  }

  /**
   * A connection stands; `addresses` is where it, or the peer itself, says that it listens, `validator` whom it proved to be.
   */
  reached(id: PeerId, addresses: readonly string[], nowMs: number, validator?: Address): void {
    const valid = addresses.filter((address) => peerIn(address) === id)
    let entry = this.#entries.get(id)
    if (!entry) {
      if (valid.length === 0) return
      this.#makeRoom()
      if (this.#entries.size >= MAX_BOOK) return
      entry = newEntry([])
      this.#entries.set(id, entry)
    }
    if (valid.length > 0 && !entry.bootnode) entry.addresses = [...new Set(valid)].slice(0, MAX_ADDRESSES)
    // One validator cannot have a thousand peers dialled every few seconds.
    if (validator !== undefined)
      for (const other of this.#entries.values()) if (other.validator === validator) other.validator = undefined
    entry.validator = validator
    Object.assign(entry, { toldBy: undefined, seenMs: nowMs, failures: 0, nextDialMs: 0, dialling: false })
  }

  /** A connection ended, or an attempt failed: the next one waits. */
  failed(id: PeerId, nowMs: number): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    entry.dialling = false
    entry.failures++
    if (!entry.bootnode && entry.seenMs === 0 && entry.failures >= MAX_FAILURES) {
      this.#entries.delete(id)
      return
    }
    const wait = Math.min(this.#longestWaitMs(entry), FIRST_WAIT_MS * 2 ** Math.min(30, entry.failures - 1))
    entry.nextDialMs = nowMs + wait * (0.5 + this.#random())
  }

  /** Whom to dial now, at most `count`: bootnodes, then whom a connection stood with last. They count as being dialled. */
  toDial(nowMs: number, count: number, skip: (id: PeerId) => boolean): { id: PeerId; addresses: readonly string[] }[] {
    const ready = [...this.#entries]
      .filter(([id, entry]) => !entry.dialling && entry.nextDialMs <= nowMs && entry.addresses.length > 0 && !skip(id))
      .sort(([, a], [, b]) => Number(b.bootnode) - Number(a.bootnode) || b.seenMs - a.seenMs || a.failures - b.failures)
      .slice(0, Math.max(0, count))
    return ready.map(([id, entry]) => {
      entry.dialling = true
      return { id, addresses: entry.addresses }
    })
  }

  addressesOf(id: PeerId): readonly string[] {
    return this.#entries.get(id)?.addresses ?? []
  }

  /** What is worth keeping: peers that were reached, the latest first. */
  kept(): KnownAddress[] {
    return [...this.#entries]
      .filter(([, { seenMs, bootnode }]) => seenMs > 0 && !bootnode)
      .sort(([, a], [, b]) => b.seenMs - a.seenMs)
      .map(([id, { addresses, seenMs }]) => ({ id, addresses, seenMs }))
  }

  #longestWaitMs({ bootnode, validator }: Entry): number {
    if (bootnode) return MAX_BOOTNODE_WAIT_MS
    return validator !== undefined && this.#isInOffice(validator) ? MAX_VALIDATOR_WAIT_MS : MAX_WAIT_MS
  }

  /** The worst entry goes: never reached before reached, more failures before fewer, older before newer. */
  #makeRoom(): void {
    if (this.#entries.size < MAX_BOOK) return
    let worst: [PeerId, Entry] | undefined
    for (const [id, entry] of this.#entries) {
      if (entry.bootnode || entry.dialling || (entry.seenMs > 0 && entry.failures === 0)) continue
      const rank = ([, e]: [PeerId, Entry]) => (e.seenMs === 0 ? 1e3 : 0) + e.failures
      if (!worst || rank([id, entry]) > rank(worst)) worst = [id, entry]
    }
    if (worst) this.#entries.delete(worst[0])
  }
}

function newEntry(addresses: string[]): Entry {
  return {
    addresses: addresses.slice(0, MAX_ADDRESSES),
    bootnode: false,
    validator: undefined,
    toldBy: undefined,
    seenMs: 0,
    failures: 0,
    nextDialMs: 0,
    dialling: false,
  }
}
