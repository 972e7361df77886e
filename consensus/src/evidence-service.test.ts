import { createBlockHeader } from '@ethereumjs/block'
import { RLP } from '@ethereumjs/rlp'
import { keccak256, silentLogger, toHex, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, recoverAddress, secp256k1 } from '@hawser/primitives/node'
import { MemoryStore } from '@hawser/storage'
import { describe, expect, it } from 'vitest'
import { sealDigest, voteDigest } from './digests.ts'
import { EvidenceService, MAX_OFFENCES_PER_VALIDATOR, MAX_REPORTS_PER_BLOCK } from './evidence-service.ts'
import { checkEvidence, decodeEvidence, encodeEvidence, offenceOf, type Evidence } from './evidence.ts'
import { testHash } from './testing/fixtures.ts'
import { MemoryHub } from './testing/memory-transport.ts'
import type { SignedVote, UnsignedVote } from './types.ts'
import { VoterSet } from './voter-set.ts'

const network = { chainId: 7n, genesisHash: testHash(1) }
const addressOf = (key: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(key, false))
const keys = [1, 2, 3, 4].map((n) => uintBE(n, 32)).sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1))
const sessions = keys.map(addressOf)
const voters = new VoterSet(
  0n,
  sessions.map((id) => ({ id, weight: 1 })),
)
const SLOT_SECONDS = 3
const rules = {
  network,
  slotSeconds: SLOT_SECONDS,
  setOf: (setId: bigint) => (setId === 0n ? voters : undefined),
  mayHaveSealed: (session: Address, number: bigint) => sessions.includes(session) && number < 1_000n,
  recover: recoverAddress,
}

const signed = (voter: number, vote: UnsignedVote): SignedVote => ({
  ...vote,
  voter,
  signature: secp256k1.sign(voteDigest(network, vote), keys[voter] as Uint8Array),
})
const vote = (voter: number, hash: number, round = 5n, setId = 0n, kind: UnsignedVote['kind'] = 'prevote') =>
  signed(voter, { setId, round, kind, number: 8n, hash: testHash(hash) })
const votes = (voter: number, round = 5n, [a, b] = [1, 2]): Evidence => ({
  kind: 'votes',
  offender: sessions[voter] as Address,
  first: vote(voter, a as number, round),
  second: vote(voter, b as number, round),
})
const sealOf = (voter: number, header: Uint8Array) => {
  const hash = toHex(keccak256(header)) as Hash32
  return { hash, header, seal: secp256k1.sign(sealDigest(network.chainId, hash), keys[voter] as Uint8Array) }
}
const sealed = (voter: number, timestamp: bigint, gasLimit: bigint, number = 2n) =>
  sealOf(voter, createBlockHeader({ number, timestamp, gasLimit }).serialize())
/** Twelve fields, the first of 1,010 bytes. */
const tooLong = RLP.encode(Array.from({ length: 12 }, (_, field) => new Uint8Array(field === 0 ? 1_010 : 0)))
const seals = (voter: number, slot = 101n): Evidence => ({
  kind: 'seals',
  offender: sessions[voter] as Address,
  slot,
  first: sealed(voter, slot * 3n, 5000n),
  second: sealed(voter, slot * 3n, 5001n),
})
const fault = (evidence: Evidence) => {
  const checked = checkEvidence(evidence, rules)
  return checked.ok ? undefined : checked.error
}

describe('evidence', () => {
  it('is two contradicting signatures of one validator at one place, and goes through bytes unchanged', () => {
    for (const evidence of [votes(1), seals(2)]) {
      expect(fault(evidence)).toBeUndefined()
      expect(decodeEvidence(encodeEvidence(evidence), SLOT_SECONDS)).toEqual(evidence)
    }
  })

  it.each<[string, Evidence]>([
    ['no-contradiction', votes(1, 5n, [1, 1])],
    ['same-place', { ...votes(1), second: vote(1, 2, 6n) } as Evidence],
    ['same-place', { ...votes(1), second: vote(1, 2, 5n, 0n, 'precommit') } as Evidence],
    [
      'same-place',
      { ...votes(1), first: vote(1, 1, 5n, 0n, 'primary'), second: vote(1, 2, 5n, 0n, 'primary') } as Evidence,
    ],
    ['not-a-member', { ...votes(1), offender: sessions[0] } as Evidence],
    ['not-a-member', { ...votes(1), second: vote(2, 2) } as Evidence],
    ['unknown-set', { ...votes(1), first: vote(1, 1, 5n, 9n), second: vote(1, 2, 5n, 9n) } as Evidence],
    ['bad-signature', { ...votes(1), second: { ...vote(1, 2), signature: vote(1, 3).signature } } as Evidence],
    ['no-contradiction', { ...seals(1), second: sealed(1, 303n, 5000n) } as Evidence],
    ['same-place', { ...seals(1), second: sealed(1, 306n, 5001n) } as Evidence],
    ['same-place', { ...seals(1), second: sealed(1, 304n, 5001n) } as Evidence],
    ['bad-header', { ...seals(1), second: sealOf(1, Uint8Array.of(0xc0)) } as Evidence],
    ['bad-header', { ...seals(1), second: sealOf(1, tooLong) } as Evidence],
    ['not-in-office', { ...seals(1), second: sealed(1, 303n, 5001n, 1_000n) } as Evidence],
    ['bad-signature', { ...seals(1), second: sealed(2, 303n, 5001n) } as Evidence],
    ['bad-signature', { ...seals(1), offender: sessions[2] } as Evidence],
  ])('is nothing: %s', (why, evidence) => {
    expect(fault(evidence)).toBe(why)
  })
})

function service(hub = new MemoryHub(), id = 'a', self?: Address, store = new MemoryStore()) {
  const state = { reported: new Set<string>(), validators: sessions, refused: new Set<string>(), asked: 0 }
  const transport = hub.join(id)
  const at = { number: 20n, hash: testHash(20) }
  const evidence = new EvidenceService({
    ...rules,
    store,
    transport,
    logger: silentLogger,
    self,
    validatorsAfter: () => state.validators,
    head: () => at,
    isReported: (known) => state.reported.has(offenceOf(known)),
    isRefused: (known) => {
      state.asked++
      return Promise.resolve(state.refused.has(offenceOf(known)))
    },
  })
  return { evidence, transport, state, at, store }
}

describe('the evidence service', () => {
  it('offers what it has seen until the state knows it, over a restart, and then forgets it', async () => {
    const first = service()
    await first.evidence.start()
    await first.evidence.submit(votes(1))
    const again = service(undefined, 'a', undefined, first.store)
    await again.evidence.start()
    const labels = async () => (await again.evidence.inherents(again.at)).map(({ label }) => label)
    expect(await labels()).toEqual([`reportEquivocation of ${sessions[1]} in round 5 of set 0`])
    again.state.reported.add(offenceOf(votes(1)))
    expect(await labels()).toEqual([])
    again.state.reported.clear()
    again.state.validators = sessions.filter((id) => id !== sessions[1])
    expect(await labels()).toEqual([])
    await again.evidence.onFinalized(again.at)
    const third = service(undefined, 'a', undefined, first.store)
    await third.evidence.start()
    expect(await third.evidence.inherents(third.at)).toEqual([])
  })

  it('tells others, who check it, and never speaks against itself', async () => {
    const hub = new MemoryHub()
    const [a, b, guilty] = [service(hub, 'a'), service(hub, 'b'), service(hub, 'c', sessions[1])]
    for (const { evidence } of [a, b, guilty]) await evidence.start()
    await a.evidence.submit(votes(1))
    await new Promise((resolve) => setImmediate(resolve))
    expect(await b.evidence.inherents(b.at)).toHaveLength(1)
    expect(await guilty.evidence.inherents(guilty.at)).toEqual([])
    await guilty.evidence.submit(votes(1))
    expect(await guilty.evidence.inherents(guilty.at)).toEqual([])
  })

  it('rejects what is malformed or false and blames the sender; what is known already is nobody’s fault', async () => {
    const hub = new MemoryHub()
    const a = service(hub, 'a')
    const sender = hub.join('sender')
    await a.evidence.start()
    const tell = async (bytes: Uint8Array) => {
      a.transport.reports.length = 0
      await sender.publish('evidence', bytes)
      await new Promise((resolve) => setImmediate(resolve))
      return a.transport.reports.map(({ delta }) => delta)
    }
    expect(await tell(Uint8Array.of(1, 2, 3))).toEqual([-1000])
    expect(await tell(new Uint8Array(5000))).toEqual([-1000])
    expect(await tell(encodeEvidence({ ...votes(1), second: vote(1, 1) } as Evidence))).toEqual([-200])
    expect(await tell(encodeEvidence(votes(1)))).toEqual([])
    expect(await tell(encodeEvidence(votes(1)))).toEqual([])
    expect(await a.evidence.inherents(a.at)).toHaveLength(1)
  })

  it('keeps a few offences of each validator, and reports a few in a block', async () => {
    const a = service()
    await a.evidence.start()
    for (let round = 1n; round < 9n; round++) await a.evidence.submit(votes(1, round))
    const count = async () => (await a.evidence.inherents(a.at)).length
    let kept = 0
    for await (const _ of a.store.entries({ gte: Uint8Array.of(), lt: Uint8Array.of(0xff) })) kept++
    expect(kept).toBe(MAX_OFFENCES_PER_VALIDATOR)
    expect(await count()).toBe(Math.min(MAX_OFFENCES_PER_VALIDATOR, MAX_REPORTS_PER_BLOCK))
    await a.evidence.submit(votes(2))
    // Whatever keeps those of one validator out of the blocks, the other's has its turn.
    const labels = [await a.evidence.inherents(a.at), await a.evidence.inherents(a.at)].flat().map(({ label }) => label)
    expect(labels).toHaveLength(2 * MAX_REPORTS_PER_BLOCK)
    expect(labels).toContain(`reportEquivocation of ${sessions[2]} in round 5 of set 0`)
    a.state.validators = sessions.filter((id) => id !== sessions[1])
    expect(await count()).toBe(1)
  })

  it('drops what the contract refuses on a final state, and does not take the same again', async () => {
    const a = service()
    await a.evidence.start()
    a.state.refused.add(offenceOf(votes(1)))
    for (const evidence of [votes(1), votes(2)]) await a.evidence.submit(evidence)
    const labels = async () => (await a.evidence.inherents(a.at)).map(({ label }) => label)
    // It was taken by the state of block 20: a block before may not know the offender yet.
    await a.evidence.onFinalized({ number: 19n, hash: testHash(19) })
    expect(await labels()).toHaveLength(2)
    const good = [`reportEquivocation of ${sessions[2]} in round 5 of set 0`]
    await a.evidence.onFinalized(a.at)
    expect(await labels()).toEqual(good)
    await a.evidence.submit(votes(1))
    expect(await labels()).toEqual(good)
    // Another proof of the same offence is another question.
    await a.evidence.submit(votes(1, 5n, [1, 3]))
    expect(await labels()).toHaveLength(2)
  })

  it('asks the contract once about each', async () => {
    const a = service()
    await a.evidence.start()
    await a.evidence.submit(votes(1))
    for (const number of [20n, 21n, 22n]) await a.evidence.onFinalized({ number, hash: testHash(Number(number)) })
    expect(a.state.asked).toBe(1)
    expect(await a.evidence.inherents(a.at)).toHaveLength(1)
  })

  it('is not kept from an offence by decoys of the offender', async () => {
    const a = service()
    await a.evidence.start()
    // "Headers" of 45 bytes: twelve fields, and nothing in them but a parent hash and a timestamp.
    const tiny = (timestamp: number, parent: number) => {
      const fields: Uint8Array[] = Array.from({ length: 12 }, () => new Uint8Array())
      fields[0] = new Uint8Array(32).fill(parent)
      fields[11] = Uint8Array.of(timestamp)
      return sealOf(1, RLP.encode(fields))
    }
    for (let slot = 1n; slot <= 4n; slot++) {
      const [first, second] = [tiny(3 * Number(slot), 1), tiny(3 * Number(slot), 2)]
      await a.evidence.submit({ kind: 'seals', offender: sessions[1] as Address, slot, first, second })
    }
    await a.evidence.submit(votes(1))
    const labels = (await a.evidence.inherents(a.at)).map(({ label }) => label)
    expect(labels).toEqual([`reportEquivocation of ${sessions[1]} in round 5 of set 0`])
  })
})
