import { createBlockHeader } from '@ethereumjs/block'
import {
  VoterSet,
  checkEvidence,
  decodeEvidence,
  encodeEvidence,
  isRefused,
  isReported,
  mayHaveSealed,
  reportCall,
  sealDigest,
  voteDigest,
  type Evidence,
  type SignedVote,
} from '@hawser/consensus'
import { validatorsAbi, systemContracts } from '@hawser/contracts'
import { devValidatorKeys } from '@hawser/node'
import {
  concatBytes,
  fromHex,
  isAppError,
  keccak256,
  toHex,
  uintBE,
  type Address,
  type Hash32,
  type Hex,
} from '@hawser/primitives'
import { publicKeyToAddress, recoverAddress, secp256k1 } from '@hawser/primitives/node'
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Seeded } from '../kit/seeded.ts'
import { TestChain, VALIDATORS } from '../kit/index.ts'

let chain: TestChain
beforeAll(async () => {
  chain = await TestChain.create()
})
afterAll(() => chain.dispose())

const keys = Array.from({ length: VALIDATORS }, (_, i) => devValidatorKeys(i).session)
const addressOf = (key: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(key, false))

function votesOf(key: Uint8Array) {
  const network = { chainId: BigInt(chain.spec.chainId), genesisHash: chain.genesisHash }
  const voters = new VoterSet(
    0n,
    keys.map((member) => ({ id: addressOf(member), weight: 1 })),
  )
  const vote = (byte: string): SignedVote => {
    const unsigned = {
      setId: 0n,
      round: 7n,
      kind: 'precommit',
      number: 9n,
      hash: `0x${byte.repeat(32)}` as Hash32,
    } as const
    const signature = secp256k1.sign(voteDigest(network, unsigned), key)
    return { ...unsigned, voter: voters.indexOf(addressOf(key)) ?? 0, signature }
  }
  return { kind: 'votes', offender: addressOf(key), first: vote('aa'), second: vote('bb') } as const
}

async function offences(session: Address): Promise<bigint> {
  const data = fromHex(encodeFunctionData({ abi: validatorsAbi, functionName: 'offences', args: [session as Hex] }))
  const outcome = await chain.engine.call(chain.head().block.header, {
    to: systemContracts.validators as Address,
    data,
  })
  if (outcome.kind !== 'success') throw new Error(outcome.kind)
  return decodeFunctionResult({ abi: validatorsAbi, functionName: 'offences', data: toHex(outcome.output) })
}

describe('evidence on chain', () => {
  it('is taken by the contract from the call that the evidence makes, once, and the state says so', async () => {
    const offender = keys[2] as Uint8Array
    const evidence = votesOf(offender)
    const state = () => chain.engine.stateAt(chain.head().block.header)
    const call = reportCall(evidence)
    expect(toHex(call.data)).toBe(
      encodeFunctionData({
        abi: validatorsAbi,
        functionName: 'reportEquivocation',
        args: [0n, 7n, 1, ...([evidence.first, evidence.second] as const).map(argumentOf)] as never,
      }),
    )
    await chain.mine()
    expect(isReported(state(), evidence)).toBe(false)
    const { block } = await chain.mine({ inherents: [call] })
    expect(block.transactions).toHaveLength(1)
    expect(await offences(addressOf(offender))).toBe(1n)
    expect(isReported(state(), evidence)).toBe(true)
    expect(isReported(state(), votesOf(keys[1] as Uint8Array))).toBe(false)
    const again = await chain.mine({ inherents: [call] })
    expect(again.block.transactions).toHaveLength(0)
  })
})

describe('evidence of two blocks in one slot', () => {
  it('is taken too; the offender is no member of the set after the epoch', async () => {
    const first = await chain.mine()
    const { author } = first
    const key = keys.find((candidate) => addressOf(candidate) === author) as Uint8Array
    const other = createBlockHeader({ ...first.block.header.toJSON(), gasUsed: 1n } as never, {
      common: chain.common,
      setHardfork: false,
    })
    const sealed = (header: { hash: () => Uint8Array; serialize: () => Uint8Array }) => {
      const hash = toHex(header.hash()) as Hash32
      return {
        hash,
        header: header.serialize(),
        seal: secp256k1.sign(sealDigest(BigInt(chain.spec.chainId), hash), key),
      }
    }
    const slot = first.block.header.timestamp / BigInt(chain.spec.slotSeconds)
    const evidence: Evidence = {
      kind: 'seals',
      offender: author,
      slot,
      first: sealed(first.block.header),
      second: sealed(other),
    }
    const call = reportCall(evidence)
    expect(toHex(call.data)).toBe(
      encodeFunctionData({
        abi: validatorsAbi,
        functionName: 'reportSealEquivocation',
        args: [evidence.first.header, evidence.first.seal, evidence.second.header, evidence.second.seal].map((part) =>
          toHex(part),
        ) as never,
      }),
    )
    const state = () => chain.engine.stateAt(chain.head().block.header)
    expect(isReported(state(), evidence)).toBe(false)
    const { block } = await chain.mine({ inherents: [call] })
    expect(block.transactions).toHaveLength(1)
    expect(isReported(state(), evidence)).toBe(true)
    while (chain.head().block.header.number % BigInt(chain.spec.epochBlocks) !== 0n) await chain.mine()
    const { setId, sessions } = chain.sets.after(toHex(chain.head().block.hash()) as Hash32)
    expect(setId).toBe(1n)
    expect(sessions).not.toContain(author)
    expect(sessions).not.toContain(addressOf(keys[2] as Uint8Array))
    await chain.mine()
  })
})

describe('evidence of two seals is taken by a node exactly when the contract takes it', () => {
  const U48 = 2n ** 48n
  /** The least bytes of a number, as RLP has it. */
  const integer = (value: bigint) => {
    const bytes = uintBE(value, 8)
    const start = bytes.findIndex((byte) => byte !== 0)
    return start < 0 ? new Uint8Array() : bytes.subarray(start)
  }
  /** A byte string with a length of its own kind: as RLP wants it, or in one or two bytes more than needed. */
  const text = (bytes: Uint8Array, lengthBytes?: 0 | 1 | 2) => {
    const kind = lengthBytes ?? (bytes.length < 56 ? 0 : bytes.length < 256 ? 1 : 2)
    if (lengthBytes === undefined && bytes.length === 1 && (bytes[0] as number) < 0x80) return bytes
    const prefix = kind === 0 ? Uint8Array.of(0x80 + bytes.length) : Uint8Array.of(0xb7 + kind)
    return concatBytes(prefix, uintBE(bytes.length, 8).subarray(8 - kind), bytes)
  }
  const list = (...items: Uint8Array[]) => {
    const payload = concatBytes(...items)
    const kind = payload.length < 256 ? 1 : 2
    return concatBytes(Uint8Array.of(0xf7 + kind), uintBE(payload.length, 8).subarray(8 - kind), payload)
  }
  interface Parts {
    readonly salt?: number
    readonly number?: Uint8Array
    readonly timestamp?: Uint8Array
    /** Bytes of the two fields between number and timestamp. */
    readonly between?: readonly number[]
    readonly rest?: readonly Uint8Array[]
  }
  /** Eleven fields and a timestamp, with the parent's hash in front; more behind. */
  const header = (parts: Parts = {}) => {
    const {
      salt = 1,
      number = text(integer(1n)),
      timestamp = text(integer(9_999n)),
      between = [7, 7],
      rest = [],
    } = parts
    const empty = Array<Uint8Array>(7).fill(text(new Uint8Array()))
    const filled = between.map((bytes) => text(new Uint8Array(bytes).fill(7)))
    return list(text(new Uint8Array(32).fill(salt)), ...empty, number, ...filled, timestamp, ...rest)
  }
  const sealBy = (key: Uint8Array, rlp: Uint8Array) => {
    const hash = toHex(keccak256(rlp)) as Hash32
    return { hash, header: rlp, seal: secp256k1.sign(sealDigest(BigInt(chain.spec.chainId), hash), key) }
  }
  const evidenceOf = (key: Uint8Array, a: Uint8Array, b: Uint8Array, second = sealBy(key, b)): Evidence => ({
    kind: 'seals',
    offender: addressOf(key),
    slot: 0n,
    first: sealBy(key, a),
    second,
  })
  const state = () => chain.engine.stateAt(chain.head().block.header)

  function isTaken(evidence: Evidence): boolean {
    try {
      return checkEvidence(decodeEvidence(encodeEvidence(evidence), chain.spec.slotSeconds), {
        network: { chainId: BigInt(chain.spec.chainId), genesisHash: chain.genesisHash },
        slotSeconds: chain.spec.slotSeconds,
        setOf: () => undefined,
        mayHaveSealed: (session, number) => mayHaveSealed(state(), session, number),
        recover: recoverAddress,
      }).ok
    } catch (error) {
      if (isAppError(error, 'CONSENSUS_MALFORMED')) return false
      throw error
    }
  }
  const isTakenByContract = async (evidence: Evidence) =>
    !(await isRefused(chain.engine, evidence, chain.head().block.header))

  const other = (parts: Parts) => header({ ...parts, salt: 2 })
  /** Both headers with the same parts. */
  const both = (parts: Parts) => [header(parts), other(parts)] as const
  const number = (value: bigint) => both({ number: text(integer(value)) })
  const filledTo = (bytes: number) => {
    const rest = Array<Uint8Array>(3).fill(text(new Uint8Array(255)))
    // The last field says its own length in two bytes more, and the list its own in one more than the short one.
    const last = bytes - header().length - 1 - concatBytes(...rest).length - 2
    return both({ rest: [...rest, text(new Uint8Array(last), 1)] })
  }
  const withFields = (count: number) => both({ rest: Array<Uint8Array>(count - 12).fill(text(new Uint8Array())) })
  const raw = (change: (rlp: Uint8Array) => Uint8Array) => [change(header()), change(other({}))] as const

  it.each<[string, boolean, () => readonly [Uint8Array, Uint8Array]]>([
    ['twelve fields', true, () => both({})],
    ['1,024 bytes', true, () => filledTo(1024)],
    ['1,025 bytes', false, () => filledTo(1025)],
    ['64 fields', true, () => withFields(64)],
    ['65 fields', false, () => withFields(65)],
    ['58 bytes', true, () => both({ between: [5, 5] })],
    ['57 bytes', false, () => both({ between: [5, 4] })],
    [
      'a list that says its length in its first byte',
      false,
      () => raw((rlp) => concatBytes(Uint8Array.of(0xc0 + 45), rlp.subarray(2, 47))),
    ],
    ['eleven fields', false, () => raw((rlp) => list(rlp.subarray(2, -3), text(new Uint8Array(9))))],
    ['a field that is a list', false, () => both({ rest: [list(text(new Uint8Array(60)))] })],
    ['a field that is an empty list', false, () => both({ rest: [Uint8Array.of(0xc0)] })],
    ['a byte behind the list', false, () => raw((rlp) => concatBytes(rlp, Uint8Array.of(1)))],
    ['a last field that is cut off', false, () => both({ rest: [Uint8Array.of(0x85, 1, 2)] })],
    ['a length that is cut off', false, () => both({ rest: [Uint8Array.of(0xb9, 1)] })],
    ['a field of 64 kB and more', false, () => both({ rest: [Uint8Array.of(0xba, 0, 0, 1, 1)] })],
    [
      'lengths longer than needed',
      true,
      () => both({ number: text(integer(1n), 0), timestamp: text(integer(9_999n), 2) }),
    ],
    [
      'a list whose length is longer than needed',
      false,
      () => raw((rlp) => concatBytes(Uint8Array.of(0xf9, 0), rlp.subarray(1))),
    ],
    [
      'another timestamp of the same slot',
      false,
      () => [header({ timestamp: text(integer(9_999n)) }), other({ timestamp: text(integer(10_000n)) })],
    ],
    ['one timestamp beside the slots', true, () => both({ timestamp: text(integer(10_000n)) })],
    ['a timestamp of nine bytes', false, () => both({ timestamp: text(new Uint8Array(9).fill(1)) })],
    ['a timestamp with a leading zero', false, () => both({ timestamp: text(Uint8Array.of(0, 1)) })],
    ['a timestamp that is a zero byte', false, () => both({ timestamp: Uint8Array.of(0) })],
    ['no timestamp: zero', true, () => both({ timestamp: text(new Uint8Array()) })],
    ['the first block', true, () => number(0n)],
    ['the last number that a membership can name', true, () => number(U48 - 1n)],
    ['a number above it', false, () => number(U48)],
    ['the last number of 64 bits', false, () => number(2n ** 64n - 1n)],
    ['the same header twice', false, () => [header(), header()]],
  ])('%s: %s', async (_what, taken, pair) => {
    const evidence = evidenceOf(inOffice(), ...pair())
    expect({ node: isTaken(evidence), contract: await isTakenByContract(evidence) }).toEqual({
      node: taken,
      contract: taken,
    })
  })

  it.each<[string, boolean, () => Evidence]>([
    ['a block after the offender had left', false, () => evidenceOf(gone().key, ...number(gone().lastBlock + 1n))],
    ['its last block', true, () => evidenceOf(gone().key, ...number(gone().lastBlock))],
    ['a stranger', false, () => evidenceOf(new Uint8Array(32).fill(9), ...both({}))],
    ['a seal of somebody else', false, () => evidenceOf(inOffice(), ...both({}), sealBy(gone().key, other({})))],
    ['a seal with v 2', false, () => withSeal((seal) => concatBytes(seal.subarray(0, 64), Uint8Array.of(2)))],
    ['a seal of zeros', false, () => withSeal(() => new Uint8Array(65))],
  ])('%s: %s', async (_what, taken, make) => {
    const evidence = make()
    expect({ node: isTaken(evidence), contract: await isTakenByContract(evidence) }).toEqual({
      node: taken,
      contract: taken,
    })
  })

  it('random headers', async () => {
    const seeded = Seeded.fromEnv('headers of evidence')
    const pick = <T>(...options: readonly T[]) => options[seeded.below(options.length)] as T
    const field = () => {
      const bytes = seeded.bytes(pick(0, 1, 1, 4, 32, 60, 256))
      return pick(text(bytes), text(bytes), text(bytes), text(bytes, bytes.length < 56 ? pick(0, 1, 2) : 2))
    }
    const counts = { taken: 0, refused: 0 }
    for (let i = 0; i < 400; i++) {
      const parts = {
        number: text(integer(BigInt(pick(0, 1, 5, 200, 2 ** 47)) * BigInt(pick(1, 1, 1, 3)))),
        timestamp: text(integer(BigInt(20_000 + i))),
        rest: Array.from({ length: seeded.below(6) }, field),
      }
      const broken = (rlp: Uint8Array) => {
        const changed = rlp.slice()
        if (seeded.below(3) === 0) changed[seeded.below(changed.length)] = seeded.below(256)
        return seeded.below(12) === 0 ? changed.subarray(0, seeded.below(changed.length)) : changed
      }
      const evidence = evidenceOf(inOffice(), broken(header(parts)), broken(other(parts)))
      const [node, contract] = [isTaken(evidence), await isTakenByContract(evidence)]
      expect(node, `seed ${seeded.seed}, pair ${i}: ${toHex(encodeEvidence(evidence))}`).toBe(contract)
      counts[contract ? 'taken' : 'refused']++
    }
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(50)
  })

  /** Whoever has a seat still, and whoever had one until the end of the last epoch. */
  function inOffice(): Uint8Array {
    const { sessions } = chain.sets.after(toHex(chain.head().block.hash()) as Hash32)
    return keys.find((key) => sessions.includes(addressOf(key))) as Uint8Array
  }
  function gone() {
    const { sessions } = chain.sets.after(toHex(chain.head().block.hash()) as Hash32)
    const key = keys.find((candidate) => !sessions.includes(addressOf(candidate))) as Uint8Array
    return { key, lastBlock: BigInt(chain.spec.epochBlocks) }
  }
  function withSeal(change: (seal: Uint8Array) => Uint8Array): Evidence {
    const second = sealBy(inOffice(), other({}))
    return evidenceOf(inOffice(), header(), other({}), { ...second, seal: change(second.seal) })
  }
})

function argumentOf({ number, hash, signature }: SignedVote) {
  return {
    targetNumber: number,
    targetHash: hash,
    signature: toHex(signature),
  }
}
