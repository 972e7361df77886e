import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { blockRef } from '@hawser/chain'
import { voteDigest, type SignedVote } from '@hawser/consensus'
import {
  decodeHandovers,
  encodeHandovers,
  verifyFinalBlock,
  verifyHandovers,
  VoterSet,
  type HandoverProof,
  type LightState,
} from '@hawser/consensus/verify'
import { systemContracts, validatorsAbi, validatorsTypedData } from '@hawser/contracts'
import { devnetSpec } from '@hawser/genesis'
import { devValidatorKeys, validatorSpecOf } from '@hawser/node'
import { concatBytes, toHex, type Hash32, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { encodeFunctionData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { GENESIS_TIME, testAddress, testKey } from '../kit/index.ts'
import { ValidatorNetwork, type NetworkNode } from '../kit/validator-network.ts'

const EPOCH = 5n
const keysOf = (i: number) => devValidatorKeys(i)
const sessionOf = (i: number) => publicKeyToAddress(secp256k1.publicKey(keysOf(i).session, false))
const sorted = (...members: number[]) => members.map(sessionOf).sort()
const spec = {
  ...devnetSpec({
    genesisTime: GENESIS_TIME,
    validators: [0, 1, 2, 3].map((i) => validatorSpecOf(keysOf(i))),
  }),
  epochBlocks: Number(EPOCH),
}

const account = (key: Uint8Array) => privateKeyToAccount(toHex(key))
const typedData = validatorsTypedData(spec.chainId)
const DEADLINE = 1000n
const sign = (key: Uint8Array, primaryType: keyof typeof typedData.types, message: Record<string, unknown>) =>
  account(key).signTypedData({ ...typedData, primaryType, message } as never)
const votesOf = (voters: readonly number[], type: 'VoteAdd' | 'VoteRemove', message: Record<string, unknown>) =>
  Promise.all(
    voters.map(async (i) => {
      const { management: key } = keysOf(i)
      const management = account(key).address
      return { management, signature: await sign(key, type, { management, ...message, deadline: DEADLINE }) }
    }),
  )

let network: ValidatorNetwork
let nonce = 0n
beforeAll(async () => {
  network = await ValidatorNetwork.create(
    spec,
    [testAddress('alice'), sessionOf(0), sessionOf(4)].map((address) => ({ address, balance: 10n ** 18n })),
  )
  for (let i = 0; i < 5; i++) await network.join(`validator ${i}`, keysOf(i).session)
  await network.join('follower')
})
afterAll(() => network.stop())

const submit = (functionName: 'addValidator' | 'removeValidator', args: readonly unknown[]) =>
  network.slot([
    createFeeMarket1559Tx(
      {
        nonce: nonce++,
        gasLimit: 3_000_000n,
        to: systemContracts.validators as Hex,
        data: encodeFunctionData({ abi: validatorsAbi, functionName, args } as never),
        maxFeePerGas: 10_000_000n,
        chainId: BigInt(spec.chainId),
      },
      { common: network.common },
    ).sign(testKey('alice')),
  ])

const payment = (i: number) =>
  createFeeMarket1559Tx(
    {
      nonce: 0n,
      gasLimit: 21_000n,
      to: testAddress('bob') as Hex,
      value: 1n,
      maxFeePerGas: 10_000_000n,
      chainId: BigInt(spec.chainId),
    },
    { common: network.common },
  ).sign(keysOf(i).session)

const statuses = () => network.nodes.map(({ finality }) => finality.status())
const node = (i: number) => network.nodes[i] as NetworkNode
const receiptOf = (hash: Hash32) => node(0).store.receipts(hash)?.at(-1)?.status

/** What a stranger knows of the chain: its first set. */
const trust = (): LightState => ({
  network: network.network,
  epochBlocks: EPOCH,
  voters: new VoterSet(
    0n,
    sorted(0, 1, 2, 3).map((id) => ({ id, weight: 1 })),
  ),
  base: { number: 0n, hash: network.network.genesisHash },
})

function finalBlockProof(number: bigint) {
  const { store } = node(5)
  const hash = store.canonicalHash(number) as Hash32
  const header = store.block(hash)?.block.header.serialize() as Uint8Array
  return { justification: store.justification(hash) as Uint8Array, headers: [header] }
}

describe('validator sets on a chain of real blocks', { timeout: 60_000 }, () => {
  it('takes in a validator that the others have voted for, which seals and votes from the next epoch on', async () => {
    await network.until(2n)
    const candidate = validatorSpecOf(keysOf(4))
    const { session, management, bitcoin } = keysOf(4)
    const proofs = {
      session: await sign(session, 'Join', { ...candidate }),
      management: await sign(management, 'Join', { ...candidate }),
      bitcoin: await sign(bitcoin, 'Join', { ...candidate }),
    }
    const votes = await votesOf([0, 1, 2], 'VoteAdd', { ...candidate })
    const { block } = await submit('addValidator', [candidate, DEADLINE, proofs, votes])
    expect(receiptOf(blockRef(block).hash)).toBe(1)
    await network.until(EPOCH + 4n)
    for (const status of statuses()) expect(status).toMatchObject({ setId: 1n, validators: sorted(0, 1, 2, 3, 4) })
    const authors = [6n, 7n, 8n, 9n].map((number) => {
      const { header } = node(0).store.block(node(0).store.canonicalHash(number) as Hash32)!.block
      return node(0).aura.author(header.timestamp, { number: number - 1n, hash: toHex(header.parentHash) as Hash32 })
    })
    // Five authors in turn: of any four slots at least three sessions were members before.
    expect(new Set(authors).size).toBe(4)
    expect(network.nodes.map(({ halted }) => halted)).toEqual(network.nodes.map(() => undefined))
  })

  it('lets one go that the others have voted out; its node follows', async () => {
    const votes = await votesOf([1, 2, 3, 4], 'VoteRemove', { session: sessionOf(0) })
    const { block } = await submit('removeValidator', [sessionOf(0), DEADLINE, votes])
    expect(receiptOf(blockRef(block).hash)).toBe(1)
    await network.until(2n * EPOCH + 1n)
    for (const status of statuses()) expect(status).toMatchObject({ setId: 2n, validators: sorted(1, 2, 3, 4) })
    // The key that left may pay like anybody; the one that came may not any more.
    const { block: paid } = await network.slot([payment(4), payment(0)])
    expect(paid.transactions.map((tx) => tx.getSenderAddress().toString())).toEqual([sessionOf(0)])
    await network.until(paid.header.number)
  })

  it('drops one that voted twice, by what another node has seen of it', async () => {
    const voters = node(2).finality.knownSet(2n)?.voters as VoterSet
    const vote = (hash: string): SignedVote => {
      const unsigned = { setId: 2n, round: 900n, kind: 'prevote', number: 13n, hash: hash as Hash32 } as const
      const signature = secp256k1.sign(voteDigest(network.network, unsigned), keysOf(1).session)
      return { ...unsigned, voter: voters.indexOf(sessionOf(1)) as number, signature }
    }
    const [first, second] = [vote(`0x${'aa'.repeat(32)}`), vote(`0x${'bb'.repeat(32)}`)]
    // The one that saw it is no author, so that only gossip can bring it into a block.
    await node(5).evidence.submit({ kind: 'votes', offender: sessionOf(1), first, second })
    const told = async (i: number) => (await node(i).evidence.inherents(node(i).tree.best())).length
    await vi.waitFor(async () => expect(await Promise.all([2, 3, 4].map(told))).toEqual([1, 1, 1]))
    await network.until(3n * EPOCH + 3n)
    for (const status of statuses()) expect(status).toMatchObject({ setId: 3n, validators: sorted(2, 3, 4) })
    const reports = [13n, 14n, 15n, 16n].flatMap((number) =>
      node(0)
        .store.block(node(0).store.canonicalHash(number) as Hash32)!
        .block.transactions.filter((tx) => tx.data.length > 0),
    )
    expect(reports).toHaveLength(1)
  })

  it('convinces a stranger of the last final block by the chain of handovers from genesis', () => {
    const { proofs } = node(5).finality.setProofs(0n)
    const handovers = decodeHandovers(proofs)
    expect(handovers.map(({ setId }) => setId)).toEqual([1n, 2n, 3n])
    expect(toHex(encodeHandovers(handovers))).toBe(toHex(proofs))
    const state = verifyHandovers(trust(), handovers)
    if (!state.ok) throw new Error(JSON.stringify(state.error))
    expect(state.value.voters.voters.map(({ id }) => id)).toEqual(sorted(2, 3, 4))
    expect(state.value.base.number).toBe(3n * EPOCH)
    const { finalized } = node(5).store.pointers()
    const final = verifyFinalBlock(state.value, finalBlockProof(finalized.number))
    expect(final).toMatchObject({ ok: true, value: finalized })
    expect(verifyFinalBlock(trust(), finalBlockProof(finalized.number))).toMatchObject({ error: 'wrong-set' })
    expect(verifyFinalBlock(state.value, finalBlockProof(2n * EPOCH))).toMatchObject({ error: 'before-the-set' })
    // From the second set on, and up to it.
    expect(decodeHandovers(node(5).finality.setProofs(1n).proofs).map(({ setId }) => setId)).toEqual([2n, 3n])
    expect(decodeHandovers(node(5).finality.setProofs(0n, 1n).proofs).map(({ setId }) => setId)).toEqual([1n])
  })

  it.each<[string, (proof: HandoverProof, others: readonly HandoverProof[]) => HandoverProof]>([
    ['other-set', (proof) => ({ ...proof, voters: proof.voters.slice(1) })],
    ['other-set', (proof) => ({ ...proof, voters: proof.voters.map(({ id }) => ({ id, weight: 2 })) })],
    ['bad-set', (proof) => ({ ...proof, voters: proof.voters.toReversed() })],
    ['bad-set', (proof) => ({ ...proof, voters: [] })],
    ['wrong-set-id', (proof) => ({ ...proof, setId: 5n })],
    ['not-an-epoch-end', (proof) => ({ ...proof, header: finalBlockProof(EPOCH + 1n).headers[0] as Uint8Array })],
    ['bad-header', (proof) => ({ ...proof, header: proof.header.subarray(1) })],
    ['account-path-incomplete', (proof) => ({ ...proof, accountProof: proof.accountProof.slice(0, -1) })],
    ['account-wrong-node', (proof, [, second]) => ({ ...proof, accountProof: (second as HandoverProof).accountProof })],
    ['account-nodes-left-over', (proof) => ({ ...proof, accountProof: [...proof.accountProof, Uint8Array.of(0xc0)] })],
    ['slot-wrong-node', (proof, [, second]) => ({ ...proof, storageProof: (second as HandoverProof).storageProof })],
    ['other-block', (proof, [, second]) => ({ ...proof, justification: (second as HandoverProof).justification })],
    ['malformed', (proof) => ({ ...proof, justification: concatBytes(proof.justification, Uint8Array.of(0)) })],
    [
      'bad-signature',
      (proof) => {
        const justification = Uint8Array.from(proof.justification)
        // The last byte but the empty ancestry's is a signature's recovery id.
        justification[justification.length - 5]! ^= 1
        return { ...proof, justification }
      },
    ],
  ])('names the fault of a handover that proves nothing: %s', (fault, change) => {
    const handovers = decodeHandovers(node(5).finality.setProofs(0n).proofs)
    const changed = [change(handovers[0] as HandoverProof, handovers), ...handovers.slice(1)]
    expect(verifyHandovers(trust(), changed)).toMatchObject({ ok: false, error: { fault, index: 0 } })
  })

  it('refuses handovers out of their order', () => {
    const [first, second, third] = decodeHandovers(node(5).finality.setProofs(0n).proofs) as HandoverProof[]
    expect(verifyHandovers(trust(), [first!, third!])).toMatchObject({ error: { fault: 'wrong-set-id', index: 1 } })
    expect(verifyHandovers(trust(), [first!, second!, second!])).toMatchObject({ error: { index: 2 } })
  })

  it('lets a node that comes now follow the chain of sets by justifications alone', async () => {
    const { store } = node(5)
    const late = await network.join('late')
    network.transport.setOnline(network.transport.nodes.at(-1)!, false)
    const { head, finalized } = store.pointers()
    for (let number = 1n; number <= head.number; number++) {
      const hash = store.canonicalHash(number) as Hash32
      await late.importer.import(store.block(hash)!, 'sync')
      const justification = store.justification(hash)
      if (justification !== undefined) await late.finality.importJustification(justification, { number, hash })
    }
    expect(late.store.pointers().finalized).toEqual(finalized)
    expect(late.finality.status()).toMatchObject({ setId: 3n, validators: sorted(2, 3, 4) })
    expect(late.finality.setProofs(0n)).toEqual(node(5).finality.setProofs(0n))
    // It joins in again with what comes next.
    network.transport.setOnline(network.transport.nodes.at(-1)!, true)
    await network.until(head.number + 2n)
    expect(late.store.pointers().finalized).toEqual(store.pointers().finalized)
  })
})
