import { RLP } from '@ethereumjs/rlp'
import { NEXT_SET_HASH_SLOT, systemContracts, validatorSetHash } from '@hawser/contracts'
import { concatBytes, fromHex, keccak256, toHex, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import type { SimConfig } from './config.ts'
import { VoterSet, type BlockRef, type HeaderRef } from './cores.ts'
import type { Keys } from './keys.ts'

/** What Aura reads of a header. */
export interface SimHeader {
  readonly number: bigint
  readonly timestamp: bigint
  hash(): Uint8Array
  serialize(): Uint8Array
}

export interface SimBlock extends HeaderRef {
  readonly slot: bigint
  /** The node whose key sealed it. */
  readonly author: number
  readonly seal: Uint8Array
  readonly bornMs: number
  readonly header: SimHeader
  /** The set in force for its children. */
  readonly after: VoterSet
  /** Nodes on the path to the account and to the slot that names the set, in runs with real signatures. */
  readonly proof?: { readonly account: Uint8Array; readonly storage: Uint8Array }
}

const NO_PARENT = toHex(new Uint8Array(32)) as Hash32

/** Every block that anybody has made, and what its state says of the validators. */
export class World {
  readonly blocks = new Map<Hash32, SimBlock>()
  readonly list: SimBlock[] = []
  readonly genesis: SimBlock
  readonly #config: SimConfig
  readonly #keys: Keys
  readonly #variants = new Map<string, VoterSet>()

  constructor(config: SimConfig, keys: Keys) {
    this.#config = config
    this.#keys = keys
    const first = this.#setOf(0n, config.firstSet)
    this.genesis = this.#add(0n, NO_PARENT, 0n, -1, 0, first)
  }

  /** A sealed block; `author` is the node whose key seals it, due or not. */
  make(parent: BlockRef, slot: bigint, author: number, nowMs: number): SimBlock {
    const { after } = this.get(parent.hash)
    const number = parent.number + 1n
    const { epochBlocks, sets } = this.#config
    let next = after
    if (number % BigInt(epochBlocks) === 0n) {
      const choices = sets[Number(number) / epochBlocks - 1]
      // Two branches may name two sets: what counts is which of them becomes final.
      if (choices) next = this.#setOf(after.setId + 1n, choices[Number((slot + BigInt(author)) % 2n)] as number[])
      if (sameMembers(next, after)) next = after
    }
    return this.#add(number, parent.hash, slot, author, nowMs, next)
  }

  get(hash: Hash32): SimBlock {
    const block = this.blocks.get(hash)
    if (block === undefined) throw new Error(`no block ${hash}`)
    return block
  }

  readonly header = (hash: Hash32): SimBlock | undefined => this.blocks.get(hash)

  /** Nothing lies beside the chain of one who knows all blocks. */
  finalized(): BlockRef {
    return this.genesis
  }

  /** The set whose votes make a block final: that of its parent's state. */
  setFor(block: SimBlock): VoterSet {
    return this.get(block.parentHash).after
  }

  #setOf(setId: bigint, members: readonly number[]): VoterSet {
    const key = `${setId}/${members.join()}`
    let set = this.#variants.get(key)
    if (set === undefined) {
      const { weights } = this.#config
      set = new VoterSet(
        setId,
        members.map((node) => ({ id: this.#keys.addressOf(node), weight: weights[node] ?? 1 })),
      )
      this.#variants.set(key, set)
    }
    return set
  }

  #add(number: bigint, parentHash: Hash32, slot: bigint, author: number, nowMs: number, after: VoterSet): SimBlock {
    const timestamp = slot * BigInt(this.#config.slotSeconds)
    const state = this.#config.crypto === 'real' ? stateOf(after) : undefined
    const rlp = state
      ? headerRlp(number, parentHash, state.root, timestamp, this.list.length)
      : uintBE(this.list.length + 1, 32)
    const bytes = state ? keccak256(rlp) : rlp
    const hash = toHex(bytes) as Hash32
    const header: SimHeader = { number, timestamp, hash: () => bytes, serialize: () => rlp }
    const seal = author < 0 ? new Uint8Array(65) : this.#keys.seal(author, hash)
    const block = { number, hash, parentHash, slot, author, seal, bornMs: nowMs, header, after, proof: state?.proof }
    this.blocks.set(hash, block)
    this.list.push(block)
    return block
  }
}

function sameMembers(a: VoterSet, b: VoterSet): boolean {
  return a.size === b.size && a.voters.every(({ id, weight }, i) => b.at(i)?.id === id && b.at(i)?.weight === weight)
}

/** An execution header of RLP; the number of the block in the world makes twins of one slot differ. */
function headerRlp(number: bigint, parent: Hash32, root: Uint8Array, timestamp: bigint, salt: number): Uint8Array {
  const short = (n: bigint) =>
    n === 0n ? new Uint8Array() : uintBE(n, 8).slice(uintBE(n, 8).findIndex((b) => b !== 0))
  const none = new Uint8Array()
  const fields = Array.from<unknown, Uint8Array>({ length: 15 }, () => none)
  fields[0] = fromHex(parent)
  fields[3] = root
  fields[8] = short(number)
  fields[11] = short(timestamp)
  fields[12] = uintBE(salt, 8)
  return RLP.encode(fields)
}

/** A state of one account with one slot, the hash of the set in force: each trie is one leaf (Yellow Paper, appendix D). */
function stateOf(set: VoterSet): { root: Uint8Array; proof: { account: Uint8Array; storage: Uint8Array } } {
  const word = validatorSetHash(
    set.setId,
    set.voters.map(({ id }) => id),
    set.voters.map(({ weight }) => BigInt(weight)),
  )
  const storage = leaf(uintBE(NEXT_SET_HASH_SLOT, 32), RLP.encode(trimmed(fromHex(word))))
  const empty = new Uint8Array()
  const account = leaf(
    fromHex(systemContracts.validators as Address),
    RLP.encode([empty, empty, keccak256(storage), keccak256(empty)]),
  )
  return { root: keccak256(account), proof: { account, storage } }
}

function leaf(key: Uint8Array, value: Uint8Array): Uint8Array {
  return RLP.encode([concatBytes(Uint8Array.of(0x20), keccak256(key)), value])
}

function trimmed(word: Uint8Array): Uint8Array {
  return word.subarray(word.findIndex((byte) => byte !== 0))
}
