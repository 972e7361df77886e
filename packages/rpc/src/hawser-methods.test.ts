import { createBlock, type Block } from '@ethereumjs/block'
import type { BridgeView, ChainStore, FinalityGadget, FinalityRoundView } from '@hawser/chain'
import { createCommon } from '@hawser/chain'
import { AppError, toHex, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import type { RpcBackend, ValidatorSetBook } from './backend.ts'
import { BlockReader } from './block-reader.ts'
import { MAX_PROOF_HEADERS } from './finality-proof.ts'
import { finalityMethods } from './finality-methods.ts'
import { bridgeMethods } from './hawser-methods.ts'
import type { Methods } from './method.ts'

const caller = { address: '127.0.0.1' }
const ask = async (methods: Methods, name: string, ...params: unknown[]) => methods[name]?.(params, caller)
const validator = (n: number) => `0x${n.toString(16).padStart(40, '0')}` as Address

/** A chain of empty blocks, final up to a number, with justifications for some of them. */
function chainOf(length: number, finalized: number, justified: readonly number[], gasLimit = 30_000_000) {
  const common = createCommon(18443)
  const blocks: Block[] = []
  for (let number = 0; number < length; number++) {
    const parentHash = blocks[number - 1]?.hash() ?? new Uint8Array(32)
    blocks.push(createBlock({ header: { number, parentHash, gasLimit } }, { common }))
  }
  const hashOf = (number: number) => toHex((blocks[number] as Block).hash()) as Hash32
  const numberOf = new Map(blocks.map((_, number) => [hashOf(number), number]))
  const store = {
    pointers: () => ({
      head: { number: BigInt(length - 1), hash: hashOf(length - 1) },
      finalized: { number: BigInt(finalized), hash: hashOf(finalized) },
    }),
    canonicalHash: (number: bigint) => (number < length ? hashOf(Number(number)) : undefined),
    block: (hash: Hash32) => {
      const number = numberOf.get(hash)
      return number === undefined ? undefined : { block: blocks[number], seal: new Uint8Array(65) }
    },
    justification: (hash: Hash32) => (justified.includes(numberOf.get(hash) ?? -1) ? Uint8Array.of(0xab) : undefined),
  } as unknown as ChainStore
  const reader = new BlockReader({ store } as unknown as RpcBackend)
  return { store, reader, hashOf, rlpOf: (number: number) => toHex((blocks[number] as Block).header.serialize()) }
}

const target = { number: 9n, hash: `0x${'09'.repeat(32)}` as Hash32 }
const round: FinalityRoundView = {
  setId: 2n,
  round: 31n,
  primary: validator(4),
  totalWeight: 3,
  threshold: 3,
  prevoteWeight: 2,
  precommitWeight: 1,
  voters: [
    { validator: validator(1), weight: 1, prevote: target, precommit: target, equivocated: false },
    { validator: validator(2), weight: 1, prevote: target, equivocated: true },
    { validator: validator(3), weight: 1, equivocated: false },
  ],
  base: { ...target, number: 8n },
  prevoteGhost: target,
  completable: false,
}

/** Three sets; the second page of handovers is not known here. Justifications of this chain are one byte: the set. */
const sets: ValidatorSetBook = {
  signedBy: (justification) => BigInt(justification[0] ?? 0),
  setProofs: (from, upTo) => {
    if (from === 7n)
      throw new AppError({ code: 'HANDOVER_UNKNOWN', fault: 'local' }, 'no proof of set 8; ask another node')
    return from === 0n ? { proofs: Uint8Array.of(1), next: 1n } : { proofs: Uint8Array.of(2, Number(upTo ?? 0n)) }
  },
  find: (setId) =>
    setId > 2n
      ? undefined
      : { setId, base: target, totalWeight: 1, threshold: 1, validators: [{ validator: validator(1), weight: 1 }] },
}

describe('the finality methods', () => {
  const { store, reader, hashOf, rlpOf } = chainOf(8, 6, [2, 5])
  const finality = { round: () => round, status: () => ({ setId: 2n }) } as FinalityGadget
  const methods = finalityMethods({ finality, sets, store }, reader)

  it('prove a block by its own justification, or by the next one with every header between', async () => {
    const justified = { number: '0x5', hash: hashOf(5) }
    for (const first of [3, 4, 5])
      expect(await ask(methods, 'finality_getProof', `0x${first.toString(16)}`)).toEqual({
        block: { number: `0x${first}`, hash: hashOf(first) },
        justified,
        setId: '0xab',
        justification: '0xab',
        headers: [3, 4, 5].filter((number) => number >= first).map(rlpOf),
      })
    expect(await ask(methods, 'finality_getProof', hashOf(2))).toMatchObject({ justified: { number: '0x2' } })
  })

  it('say why there is no proof: not final, none kept, no such block', async () => {
    await expect(ask(methods, 'finality_getProof', '0x7')).rejects.toMatchObject({
      code: -32000,
      message: 'block 7 is not final yet; the last final block is 6',
      data: { reason: 'not-final' },
    })
    await expect(ask(methods, 'finality_getProof')).rejects.toMatchObject({ code: -32001 })
    expect(await ask(methods, 'finality_getProof', '0x99')).toBeNull()
    await expect(ask(methods, 'finality_getProof', 'soon')).rejects.toMatchObject({ code: -32602 })
  })

  it('tell a block that lost from one that is not final yet', async () => {
    const lost = chainOf(8, 6, [2, 5], 29_000_000)
    const both = { ...store, block: (hash: Hash32) => store.block(hash) ?? lost.store.block(hash) }
    const reading = finalityMethods(
      { finality, sets, store },
      new BlockReader({ store: both } as unknown as RpcBackend),
    )
    await expect(ask(reading, 'finality_getProof', lost.hashOf(3))).rejects.toMatchObject({
      code: -32000,
      data: { reason: 'other-block' },
    })
  })

  it('hand out the chain of sets in pages, and say where this node cannot', async () => {
    expect(await ask(methods, 'finality_getSetProofs', '0x0')).toEqual({ proofs: '0x01', next: '0x1' })
    expect(await ask(methods, 'finality_getSetProofs', '0x1', '0x2')).toEqual({ proofs: '0x0202', next: null })
    await expect(ask(methods, 'finality_getSetProofs', '0x7')).rejects.toMatchObject({
      code: -32001,
      message: 'no proof of set 8; ask another node',
    })
    for (const wrong of [[], ['one'], ['0x2', '0x1'], ['0x10000000000000000']])
      await expect(ask(methods, 'finality_getSetProofs', ...wrong)).rejects.toMatchObject({ code: -32602 })
  })

  it('tell a set of now or of then, with the block that it took over on', async () => {
    const base = { number: '0x9', hash: target.hash }
    expect(await ask(methods, 'finality_getValidatorSet')).toMatchObject({ setId: '0x2', base })
    expect(await ask(methods, 'finality_getValidatorSet', '0x1')).toEqual({
      setId: '0x1',
      base,
      totalWeight: 1,
      threshold: 1,
      validators: [{ validator: validator(1), weight: 1 }],
    })
    expect(await ask(methods, 'finality_getValidatorSet', '0x3')).toBeNull()
  })

  it('do not walk on for ever to a justification', async () => {
    const far = chainOf(MAX_PROOF_HEADERS + 2, MAX_PROOF_HEADERS + 1, [MAX_PROOF_HEADERS + 1])
    const walk = finalityMethods({ finality, sets, store: far.store }, far.reader)
    await expect(ask(walk, 'finality_getProof', '0x1')).rejects.toMatchObject({ code: -32001 })
    expect(await ask(walk, 'finality_getProof', '0x2')).toMatchObject({ block: { number: '0x2' } })
  })

  it('tell the round: votes seen, and who is missing', async () => {
    expect(await ask(methods, 'finality_getRoundState')).toMatchObject({
      setId: '0x2',
      round: '0x1f',
      prevotes: { weight: 2, missing: [validator(3)] },
      precommits: { weight: 1, missing: [validator(2), validator(3)] },
      votes: [
        { validator: validator(1), precommit: { number: '0x9', hash: target.hash } },
        { validator: validator(2), precommit: null, equivocated: true },
        { validator: validator(3), prevote: null },
      ],
      prevoteGhost: { number: '0x9' },
      estimate: null,
    })
    expect(await ask(methods, 'finality_getValidators')).toMatchObject({ setId: '0x2', threshold: 3, totalWeight: 3 })
  })
})

it('reserves are proven at final blocks alone', async () => {
  const { reader } = chainOf(8, 6, [])
  const methods = bridgeMethods({ bitcoin: {}, custody: {} } as BridgeView, reader)
  await expect(ask(methods, 'bridge_getReservesProof', 'latest')).rejects.toMatchObject({
    code: -32602,
    message: expect.stringMatching(/block 7 is not final/) as string,
  })
})

it('a payment with a refund key is asked for with a key of 32 bytes', async () => {
  const { reader } = chainOf(1, 0, [])
  const methods = bridgeMethods({ bitcoin: {}, custody: {} } as BridgeView, reader)
  const short: Hex = '0x12'
  await expect(ask(methods, 'bridge_getDepositAddress', validator(1), short)).rejects.toMatchObject({ code: -32602 })
})

it('a fee rate is told as Bitcoin’s nodes count it, to a thousandth', async () => {
  const { reader } = chainOf(1, 0, [])
  const bitcoin = { feeRate: async () => 1.0000000000000002 } as unknown as BridgeView['bitcoin']
  const methods = bridgeMethods({ bitcoin, custody: {} } as BridgeView, reader)
  expect(await ask(methods, 'btc_estimateFeeRate')).toEqual({ satPerVb: 1, blocks: 2 })
})
