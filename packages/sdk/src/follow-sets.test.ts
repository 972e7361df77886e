import { RLP } from '@ethereumjs/rlp'
import {
  encodeHandovers,
  encodeJustification,
  voteDigest,
  VoterSet,
  type HandoverProof,
  type LightState,
} from '@hawser/consensus/verify'
import { systemContracts, validatorSetHash } from '@hawser/contracts'
import {
  concatBytes,
  fromHex,
  hash32,
  keccak256,
  toHex,
  uintBE,
  type Address,
  type Hash32,
  type Hex,
} from '@hawser/primitives'
import { publicKeyToAddress, recoverAddress, secp256k1 } from '@hawser/primitives/node'
import { createClient, custom } from 'viem'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkFinality, type FinalityProof } from './check-finality.ts'
import type { TrustedChain } from './trusted-chain.ts'
import { latestSet, readVerifiedSets, writeVerifiedSets, type VerifiedSets } from './verified-sets.ts'
import { verifyFinality } from './verify-finality.ts'

const EPOCH = 5n
const genesisHash = hash32(`0x${'07'.repeat(32)}`)
const network = { chainId: 18443n, genesisHash }
const keys = [11n, 12n, 13n, 14n].map((key) => uintBE(key, 32))
const sessionOf = (key: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(key, false))
/** Sets in most tests: keys 0 and 1 are in office up to block 10, 1 and 2 up to block 15, then 2 and 3. A long chain goes on like that. */
const SETS = 3
const membersOf = (setId: number) => [setId % 4, (setId + 1) % 4]
const baseOf = (setId: number) => (setId === 0 ? 0n : 5n + EPOCH * BigInt(setId))
const setOf = (setId: number) =>
  new VoterSet(
    BigInt(setId),
    membersOf(setId).map((key) => ({ id: sessionOf(keys[key] as Uint8Array), weight: 1 })),
  )
const trust = { chainId: 18443n, epochBlocks: EPOCH, voters: setOf(0), genesisHash } as TrustedChain

/** A trie with one leaf: its node, whose hash is the root. */
const leaf = (key: Uint8Array, value: Uint8Array) =>
  RLP.encode([concatBytes(Uint8Array.of(0x20), keccak256(key)), value])

/** The state of an epoch's last block: nothing but the account of `Validators` with its slot 0. */
function stateNaming(set: VoterSet) {
  const ids = set.voters.map(({ id }) => id)
  const word = fromHex(
    validatorSetHash(
      set.setId,
      ids,
      ids.map(() => 1n),
    ),
  )
  const storage = leaf(new Uint8Array(32), RLP.encode(word))
  const account = leaf(
    fromHex(systemContracts.validators as Address),
    RLP.encode([Uint8Array.of(1), new Uint8Array(), keccak256(storage), new Uint8Array(32)]),
  )
  return { root: keccak256(account), account, storage }
}

interface Made {
  readonly rlp: Uint8Array
  readonly number: bigint
  readonly hash: Hash32
}

/** Blocks 1 to `length`; `salt` makes other ones. */
function chainOf(length: number, salt = 0, sets = SETS): Made[] {
  const handovers = new Map(Array.from({ length: sets - 1 }, (_, i) => [Number(baseOf(i + 1)), i + 1]))
  const chain: Made[] = []
  for (let number = 1; number <= length; number++) {
    const fields: Uint8Array[] = Array.from({ length: 21 }, () => new Uint8Array())
    fields[0] = fromHex(chain.at(-1)?.hash ?? genesisHash)
    const next = handovers.get(number)
    fields[3] = next === undefined ? uintBE(BigInt(salt), 32) : stateNaming(setOf(next)).root
    fields[8] = number < 256 ? Uint8Array.of(number) : uintBE(number, 2)
    fields[11] = uintBE(BigInt(1_800_000_000 + number), 4)
    fields[12] = Uint8Array.of(salt)
    const rlp = RLP.encode(fields)
    chain.push({ rlp, number: BigInt(number), hash: toHex(keccak256(rlp)) as Hash32 })
  }
  return chain
}

/** The votes of members of a set for a block; all of them unless told otherwise. */
function justify(block: Made, setId: number, voters: readonly number[] = [0, 1]): Uint8Array {
  const target = { number: block.number, hash: block.hash }
  const id = BigInt(setId)
  const digest = voteDigest(network, { setId: id, round: 1n, kind: 'precommit', ...target })
  const order = membersOf(setId).sort((a, b) =>
    sessionOf(keys[a] as Uint8Array) < sessionOf(keys[b] as Uint8Array) ? -1 : 1,
  )
  const precommits = voters.map((voter) => {
    const key = keys[order[voter] as number] as Uint8Array
    return { target: 0, voter, signature: secp256k1.sign(digest, key) }
  })
  return encodeJustification({ commit: { setId: id, round: 1n, target, targets: [target], precommits }, ancestry: [] })
}

function handoverTo(setId: number, chain: readonly Made[]): HandoverProof {
  const block = chain[Number(baseOf(setId)) - 1] as Made
  const { account, storage } = stateNaming(setOf(setId))
  return {
    justification: justify(block, setId - 1),
    header: block.rlp,
    accountProof: [account],
    storageProof: [storage],
    setId: BigInt(setId),
    voters: setOf(setId).voters,
  }
}

const setAt = (number: bigint, sets: number) =>
  Math.min(sets - 1, number <= baseOf(1) ? 0 : Number((number - 6n) / EPOCH))
type Answers = Record<string, (params: readonly string[]) => unknown>

/** An honest node, but for what is told otherwise. It counts what it is asked for. */
function nodeOf(chain: readonly Made[], lies: Answers = {}, sets = SETS) {
  const asked: string[] = []
  const honest: Answers = {
    finality_getProof: ([name]) => {
      const block = (
        name === 'finalized' ? chain.at(-1) : chain.find((b) => b.hash === name || b.number === BigInt(name as string))
      ) as Made
      return { justification: toHex(justify(block, setAt(block.number, sets))), headers: [toHex(block.rlp)] }
    },
    finality_getSetProofs: ([from, upTo]) => {
      // A page holds one handover.
      const next = Number(from) + 1
      if (next > Math.min(Number(upTo), sets - 1)) return { proofs: '0xc0', next: null }
      const more = next < Math.min(Number(upTo), sets - 1)
      return { proofs: toHex(encodeHandovers([handoverTo(next, chain)])), next: more ? `0x${next}` : null }
    },
  }
  const request = async ({ method, params }: { method: string; params?: unknown }) => {
    asked.push(method)
    const answer = lies[method] ?? honest[method]
    if (!answer) throw Object.assign(new Error(`${method} was not to be asked`), { code: -32601 })
    return answer((params ?? []) as string[])
  }
  return { asked, client: createClient({ transport: custom({ request }, { retryCount: 0 }) }) }
}

const proofOf = (block: Made, setId: number, voters?: readonly number[]) => ({
  justification: toHex(justify(block, setId, voters)),
  headers: [toHex(block.rlp)],
})

describe('the bounds of a chain of validator sets', () => {
  // One more set than pages may show.
  const sets = 258
  let long: readonly Made[]
  beforeAll(() => {
    long = chainOf(Number(baseOf(sets - 1)) + 1, 0, sets)
  })
  const at = (setId: number) => baseOf(setId) + 1n
  const follow = (setId: number, known?: VerifiedSets) =>
    verifyFinality(nodeOf(long, {}, sets).client, {
      trust,
      recover: recoverAddress,
      blockNumber: at(setId),
      sets: known,
    })

  it('are 256 pages in one go, and the 128 latest sets kept, from which the way goes on', async () => {
    // The page for the set after the voters' is the last one.
    const { sets: kept, proof } = await follow(255)
    expect(proof.setProofs).toHaveLength(256)
    expect([kept.states.length, kept.states[0]?.voters.setId, latestSet(kept).voters.setId]).toEqual([128, 129n, 256n])
    expect(checkFinality({ trust, proof, recover: recoverAddress })).toMatchObject({ setId: 255n })
    await expect(follow(256)).rejects.toMatchObject({
      code: 'HANDOVER_INVALID',
      message: expect.stringContaining('more than 256 pages') as string,
    })
    const { setId, sets: later } = await follow(256, kept)
    expect([setId, later.states.length, later.states[0]?.voters.setId]).toEqual([256n, 128, 130n])
    const tooMany = { ...proof, setProofs: [...proof.setProofs, '0xc0' as const] }
    expect(() => checkFinality({ trust, proof: tooMany, recover: recoverAddress })).toThrow('too many')
  })

  it('are 128 sets of 1,024 members in what is read back', () => {
    const stored = (count: number, members = 2) => {
      const validators = Array.from({ length: members }, (_, i) => ({ id: toHex(uintBE(i + 1, 20)), weight: 1 }))
      return JSON.stringify({
        ...(JSON.parse(writeVerifiedSets({ states: [firstSet] })) as object),
        sets: Array.from({ length: count }, (_, i) => ({
          setId: String(i + 1),
          base: { number: String(baseOf(i + 1)), hash: genesisHash },
          validators,
        })),
      })
    }
    const firstSet = { network, epochBlocks: EPOCH, voters: setOf(0), base: { number: 0n, hash: genesisHash } }
    expect(readVerifiedSets(stored(128), trust).states).toHaveLength(128)
    expect(readVerifiedSets(stored(1, 1_024), trust).states[0]?.voters.size).toBe(1_024)
    const invalid = (why: string) =>
      expect.objectContaining({ code: 'VERIFIED_SETS_INVALID', message: expect.stringContaining(why) as string })
    expect(() => readVerifiedSets(stored(129), trust)).toThrow(invalid('1 to 128 sets'))
    expect(() => readVerifiedSets(stored(1, 1_025), trust)).toThrow(invalid('too many members'))
    const limit = 16 * 1024 * 1024
    const padded = (length: number) => stored(1).padEnd(length)
    expect(readVerifiedSets(padded(limit), trust).states).toHaveLength(1)
    expect(() => readVerifiedSets(padded(limit + 1), trust)).toThrow(invalid('longer than'))
  })
})

describe('a client that follows the chain of validator sets', () => {
  let chain: readonly Made[]
  beforeAll(() => {
    chain = chainOf(20)
  })
  const block = (number: number) => chain[number - 1] as Made

  it('proves each block under the set that was in office then, its last block included', async () => {
    const { client } = nodeOf(chain)
    for (const [number, setId] of [
      [1n, 0n],
      [10n, 0n],
      [11n, 1n],
      [15n, 1n],
      [16n, 2n],
      [20n, 2n],
    ] as const) {
      const { hash } = block(Number(number))
      expect(await verifyFinality(client, { trust, blockNumber: number })).toMatchObject({ number, hash, setId })
    }
  })

  it('asks only for what it does not know when its sets are handed in again, as JSON too', async () => {
    const { client, asked } = nodeOf(chain)
    const early = await verifyFinality(client, { trust, blockNumber: 12n })
    // A page for set 1, and one for set 2, where the office of set 1 ends.
    expect(asked).toEqual(['finality_getProof', 'finality_getSetProofs', 'finality_getSetProofs'])
    expect(latestSet(early.sets).voters.setId).toBe(2n)
    const sets = readVerifiedSets(writeVerifiedSets(early.sets), trust)
    expect(sets).toEqual(early.sets)
    asked.length = 0
    expect(await verifyFinality(client, { trust, sets, blockNumber: 3n })).toMatchObject({ number: 3n, setId: 0n })
    expect(await verifyFinality(client, { trust, sets, blockNumber: 13n })).toMatchObject({ number: 13n, setId: 1n })
    expect(asked).toEqual(['finality_getProof', 'finality_getProof'])
  })

  it('proves a block that is older than the sets it was given, from the chain spec on', async () => {
    const { client } = nodeOf(chain)
    const { sets } = await verifyFinality(client, { trust })
    const late = { states: sets.states.slice(2) }
    const old = await verifyFinality(client, { trust, sets: late, blockNumber: 7n })
    expect(old).toMatchObject({ number: 7n, setId: 0n })
    expect(old.sets).toBe(late)
  })

  it('checks the proof that it got without any node, and from plain JSON', async () => {
    const { proof, hash } = await verifyFinality(nodeOf(chain).client, { trust, blockNumber: 18n })
    const told = JSON.parse(JSON.stringify(proof)) as typeof proof
    expect(checkFinality({ trust, proof: told })).toMatchObject({ number: 18n, hash, setId: 2n })
    expect(() => checkFinality({ trust, proof: { ...told, setProofs: told.setProofs.slice(0, 1) } })).toThrow(
      expect.objectContaining({ code: 'HANDOVER_INVALID' }),
    )
    expect(() => checkFinality({ trust, proof: { ...told, setProofs: told.setProofs.slice(1) } })).toThrow(
      /wrong-set-id/,
    )
    const { genesisHash: _, ...blind } = trust
    expect(() => checkFinality({ trust: blind, proof: told })).toThrow(
      expect.objectContaining({ code: 'GENESIS_UNKNOWN' }),
    )
  })

  it.each<[string, string, () => Answers]>([
    [
      'leaves a handover out',
      'HANDOVER_INVALID',
      () => ({
        finality_getSetProofs: () => ({ proofs: toHex(encodeHandovers([handoverTo(2, chain)])), next: null }),
      }),
    ],
    [
      'shows no handover at all',
      'HANDOVER_INVALID',
      () => ({ finality_getSetProofs: () => ({ proofs: '0xc0', next: null }) }),
    ],
    [
      'names a set of its own',
      'HANDOVER_INVALID',
      () => ({
        finality_getSetProofs: () => ({
          proofs: toHex(encodeHandovers([{ ...handoverTo(1, chain), voters: setOf(2).voters }])),
          next: null,
        }),
      }),
    ],
    [
      'lets a minority of the old set hand over',
      'HANDOVER_INVALID',
      () => ({
        finality_getSetProofs: () => ({
          proofs: toHex(encodeHandovers([{ ...handoverTo(1, chain), justification: justify(block(10), 0, [0]) }])),
          next: null,
        }),
      }),
    ],
    [
      'hands over in the middle of an epoch',
      'HANDOVER_INVALID',
      () => ({
        finality_getSetProofs: () => {
          const middle = { ...handoverTo(1, chain), header: block(11).rlp, justification: justify(block(11), 0) }
          return { proofs: toHex(encodeHandovers([middle])), next: null }
        },
      }),
    ],
    [
      'promises pages for ever and sends empty ones',
      'HANDOVER_INVALID',
      () => ({ finality_getSetProofs: () => ({ proofs: '0xc0', next: '0x0' }) }),
    ],
    [
      'sends garbage for a page',
      'HANDOVER_INVALID',
      () => ({ finality_getSetProofs: () => ({ proofs: 'moored', next: null }) }),
    ],
    ['answers nothing for a page', 'HANDOVER_INVALID', () => ({ finality_getSetProofs: () => null })],
    [
      'has the old set vote for a block beyond its office',
      'JUSTIFICATION_INVALID',
      () => ({ finality_getProof: () => proofOf(block(12), 0) }),
    ],
    [
      'has a set vote for a block before its office',
      'JUSTIFICATION_INVALID',
      () => ({ finality_getProof: () => proofOf(block(10), 1) }),
    ],
    ['has a minority vote', 'JUSTIFICATION_INVALID', () => ({ finality_getProof: () => proofOf(block(18), 2, [1]) })],
    [
      'rewrites the block on which a set took over',
      'JUSTIFICATION_INVALID',
      () => ({ finality_getProof: () => proofOf(chainOf(10, 9)[9] as Made, 0) }),
    ],
  ])('refuses a node that %s', async (_, code, lies) => {
    const { client } = nodeOf(chain, lies())
    await expect(verifyFinality(client, { trust })).rejects.toMatchObject({ code, info: { fault: 'peer' } })
  })

  it('refuses the votes of a set that is long out of office, though the node hides who took over', async () => {
    const { sets } = await verifyFinality(nodeOf(chain).client, { trust })
    const lies = {
      finality_getProof: () => proofOf(block(18), 1),
      finality_getSetProofs: () => ({ proofs: '0xc0', next: null }),
    }
    await expect(verifyFinality(nodeOf(chain, lies).client, { trust, sets })).rejects.toMatchObject({
      code: 'JUSTIFICATION_INVALID',
      message: expect.stringContaining('in office up to block 15') as string,
    })
  })

  describe('that keeps the sets it has followed', () => {
    const pages = (...handovers: HandoverProof[]) => [toHex(encodeHandovers(handovers))]
    let sets: VerifiedSets
    beforeAll(async () => {
      sets = (await verifyFinality(nodeOf(chain).client, { trust })).sets
    })

    it('takes proofs that begin at the chain spec, and keeps what they add', async () => {
      const { proof, hash } = await verifyFinality(nodeOf(chain).client, { trust, sets, fromSpec: true })
      expect(checkFinality({ trust, proof })).toMatchObject({ number: 20n, hash })
      for (const known of [sets, { states: sets.states.slice(0, 2) }, { states: sets.states.slice(1) }]) {
        const found = checkFinality({ trust, proof, sets: known, fromSpec: true })
        expect(found).toMatchObject({ number: 20n, hash, setId: 2n })
        expect(latestSet(found.sets).voters.setId).toBe(2n)
        expect(found.sets.states[0]).toBe(known.states[0])
      }
    })

    it.each<[string, string, () => FinalityProof]>([
      [
        'votes of a set that is out of office',
        'JUSTIFICATION_INVALID',
        () => ({ ...proofOf(chainOf(20, 9)[13] as Made, 0), setProofs: [] }),
      ],
      [
        'a block on which a set took over, rewritten',
        'JUSTIFICATION_INVALID',
        () => ({ ...proofOf(chainOf(20, 9)[9] as Made, 0), setProofs: [] }),
      ],
      [
        'a set that takes over on another block',
        'HANDOVER_INVALID',
        () => {
          const other = chainOf(20, 9)
          return { ...proofOf(other[17] as Made, 2), setProofs: pages(handoverTo(1, other), handoverTo(2, other)) }
        },
      ],
    ])('refuses %s, though the proof knows of nothing else', (_, code, forge) => {
      const proof = forge()
      expect(checkFinality({ trust, proof })).toMatchObject({ number: expect.any(BigInt) as bigint })
      const refused = expect.objectContaining({ code }) as Error
      expect(() => checkFinality({ trust, proof, sets, fromSpec: true })).toThrow(refused)
      // The way is compared wherever it meets what is known.
      const late = { states: sets.states.slice(1) }
      expect(() => checkFinality({ trust, proof, sets: late, fromSpec: true })).toThrow(refused)
    })

    it('refuses a set that takes over on the same block with other members', () => {
      const [first, second] = sets.states as [LightState, LightState]
      const other = { ...second, voters: new VoterSet(1n, setOf(2).voters) }
      const proof = { ...proofOf(block(12), 1), setProofs: pages(handoverTo(1, chain)) }
      expect(checkFinality({ trust, proof, sets: { states: [first] } })).toMatchObject({ setId: 1n })
      expect(() => checkFinality({ trust, proof, sets: { states: [first, other] }, fromSpec: true })).toThrow(
        expect.objectContaining({ code: 'HANDOVER_INVALID' }) as Error,
      )
    })

    it('asks of a set before those that are kept what its own handover says', () => {
      const proof = { ...proofOf(block(12), 0), setProofs: pages(handoverTo(1, chain)) }
      expect(() => checkFinality({ trust, proof, sets: { states: sets.states.slice(2) }, fromSpec: true })).toThrow(
        /up to block 10/,
      )
    })

    it('holds an answer of a node against them, whether it begins there or at the chain spec', async () => {
      const forged = chainOf(20, 9)
      const { client } = nodeOf(chain, {
        finality_getProof: () => proofOf(forged[13] as Made, 0),
        finality_getSetProofs: () => ({ proofs: '0xc0', next: null }),
      })
      const refused = { code: 'JUSTIFICATION_INVALID', message: expect.stringContaining('up to block 10') as string }
      await expect(verifyFinality(client, { trust })).resolves.toMatchObject({ number: 14n })
      await expect(verifyFinality(client, { trust, sets })).rejects.toMatchObject(refused)
      await expect(verifyFinality(client, { trust, sets, fromSpec: true })).rejects.toMatchObject(refused)
      // The set that votes is older than all that are kept.
      const late = { states: sets.states.slice(1) }
      await expect(verifyFinality(client, { trust, sets: late })).rejects.toMatchObject(refused)
      // A whole other chain, with handovers of its own.
      await expect(verifyFinality(nodeOf(forged).client, { trust, sets, fromSpec: true })).rejects.toMatchObject({
        code: 'HANDOVER_INVALID',
      })
    })
  })

  it('asks no more than so often, whatever the node goes on to prove', async () => {
    let pages = 0
    const lies = {
      finality_getProof: () => ({ ...proofOf(block(18), 2), justification: toHex(votesOfSet(2n ** 40n)) }),
      finality_getSetProofs: () => ({ proofs: `0x${'c0'}` as Hex, next: `0x${(++pages).toString(16)}` }),
    }
    const { client, asked } = nodeOf(chain, lies)
    await expect(verifyFinality(client, { trust })).rejects.toMatchObject({ code: 'HANDOVER_INVALID' })
    expect(asked).toHaveLength(2)
  })

  it('tells what is not final yet, what lost, and what this node cannot prove', async () => {
    const refusing = (method: string, code: number, reason?: string) =>
      nodeOf(chain, {
        [method]: () => {
          throw Object.assign(new Error('no'), { code, ...(reason && { data: { reason } }) })
        },
      }).client
    for (const [client, code] of [
      [refusing('finality_getProof', -32000, 'not-final'), 'BLOCK_NOT_FINAL'],
      [refusing('finality_getProof', -32000, 'other-block'), 'BLOCK_NOT_CANONICAL'],
      [refusing('finality_getProof', -32001), 'JUSTIFICATION_MISSING'],
      [refusing('finality_getSetProofs', -32001), 'SET_PROOF_MISSING'],
    ] as const)
      await expect(verifyFinality(client, { trust, blockHash: block(20).hash })).rejects.toMatchObject({ code })
    const { hash } = block(20)
    await expect(
      verifyFinality(nodeOf(chain, { finality_getProof: () => proofOf(block(19), 2) }).client, {
        trust,
        blockHash: hash,
      }),
    ).rejects.toMatchObject({ code: 'JUSTIFICATION_INVALID' })
  })

  it.each<[string, (json: Record<string, unknown>) => unknown]>([
    ['another chain id', (json) => ({ ...json, chainId: '1' })],
    ['another genesis', (json) => ({ ...json, genesisHash: `0x${'08'.repeat(32)}` })],
    ['other epochs', (json) => ({ ...json, epochBlocks: '6' })],
    ['no sets', (json) => ({ ...json, sets: [] })],
    [
      'another first set',
      (json) => ({
        ...json,
        sets: (json['sets'] as object[]).map((set) => ({
          ...set,
          validators: [{ id: sessionOf(keys[3] as Uint8Array), weight: 1 }],
        })),
      }),
    ],
    ['a gap', (json) => ({ ...json, sets: (json['sets'] as object[]).filter((_, index) => index !== 1) })],
    ['a number that is none', (json) => ({ ...json, chainId: 7 })],
    ['another format', (json) => ({ ...json, format: 'x' })],
  ])('does not take kept sets with %s', async (_, change) => {
    const { sets } = await verifyFinality(nodeOf(chain).client, { trust })
    const json = JSON.parse(writeVerifiedSets(sets)) as Record<string, unknown>
    expect(() => readVerifiedSets(JSON.stringify(change(json)), trust)).toThrow(
      expect.objectContaining({ code: 'VERIFIED_SETS_INVALID' }),
    )
  })
})

/** Votes, of nobody, that say they are of some set. */
function votesOfSet(setId: bigint): Uint8Array {
  const target = { number: 18n, hash: genesisHash }
  return encodeJustification({ commit: { setId, round: 1n, target, targets: [], precommits: [] }, ancestry: [] })
}
