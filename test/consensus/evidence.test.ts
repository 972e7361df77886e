import { createBlockHeader } from '@ethereumjs/block'
import {
  VoterSet,
  isReported,
  reportCall,
  sealDigest,
  voteDigest,
  type Evidence,
  type SignedVote,
} from '@hawser/consensus'
import { validatorsAbi, systemContracts } from '@hawser/contracts'
import { devValidatorKeys } from '@hawser/node'
import { fromHex, toHex, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

function argumentOf({ number, hash, signature }: SignedVote) {
  return {
    targetNumber: number,
    targetHash: hash,
    signature: toHex(signature),
  }
}
