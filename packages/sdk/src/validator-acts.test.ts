import { VoterSet } from '@hawser/consensus/verify'
import { fromHex, uintBE, toHex, type Address, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { createClient, custom } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { submitActs } from './submit-acts.ts'
import {
  callOf,
  checkAct,
  publicOf,
  readAct,
  readCandidate,
  readProposal,
  signJoin,
  signLeave,
  signRotateKeys,
  signSetBeneficiary,
  signVote,
  votesNeeded,
  type ValidatorAct,
} from './validator-acts.ts'

const CHAIN = 18443
const key = (n: number): Hex => toHex(uintBE(BigInt(n), 32))
const acting = { chainId: CHAIN, managementKey: key(7), nonce: 3n }
const management = publicOf(key(7)).address
const account = `0x${'22'.repeat(20)}` as const

async function everyAct(): Promise<ValidatorAct[]> {
  const secret = { session: key(1), management: key(2), bitcoin: key(3) }
  const joining = await signJoin(CHAIN, secret, account)
  return [
    await signRotateKeys(acting, secret),
    await signRotateKeys(acting, { session: key(1) }),
    await signSetBeneficiary(acting, account),
    await signLeave(acting),
    await signVote(CHAIN, key(7), { kind: 'add', ...joining, deadline: '90' }),
    await signVote(CHAIN, key(7), { kind: 'remove', session: account, deadline: '90' }),
  ]
}

describe('what a management key signs', () => {
  it('is read back from JSON and found to be signed by it', async () => {
    for (const act of await everyAct()) {
      const read = readAct(JSON.parse(JSON.stringify(act)))
      expect(read).toEqual(act)
      await checkAct(CHAIN, read)
    }
  })

  it('is not good for another chain, another key, or when anything in it was changed', async () => {
    for (const act of await everyAct()) {
      const refused = { code: 'VALIDATOR_ACT_INVALID' }
      await expect(checkAct(1, act)).rejects.toMatchObject(refused)
      await expect(checkAct(CHAIN, { ...act, management: account })).rejects.toMatchObject(refused)
      const changed =
        act.kind === 'vote' ? { ...act, proposal: { ...act.proposal, deadline: '91' } } : { ...act, nonce: '4' }
      await expect(checkAct(CHAIN, changed)).rejects.toMatchObject(refused)
    }
  })

  it.each<[string, (act: ValidatorAct) => unknown]>([
    ['nothing', () => null],
    ['a short signature', (act) => ({ ...act, signature: '0x12' })],
    ['a management key that is no address', (act) => ({ ...act, management: 'me' })],
    ['a nonce that is no number', (act) => ({ ...act, nonce: 3, proposal: undefined })],
    ['an unknown kind', (act) => ({ ...act, kind: 'seize', nonce: '1' })],
    ['ever so much in it', (act) => ({ ...act, more: 'x'.repeat(20_000) })],
  ])('is not read from JSON with %s', async (_, change) => {
    for (const act of await everyAct())
      expect(() => readAct(change(act))).toThrow(expect.objectContaining({ code: 'VALIDATOR_ACT_INVALID' }))
  })

  it('says what the readers have read, and nothing else that a file may hold', async () => {
    const other = publicOf(key(9)).address
    const extra = { management: other, nonce: '9', deadline: '91', chainId: 1, primaryType: 'Leave', more: 'x' }
    for (const act of await everyAct()) {
      if (act.kind === 'vote' && act.proposal.kind === 'add') {
        const { candidate, proofs } = act.proposal
        const joining = { candidate: { ...extra, ...candidate }, proofs: { ...extra, ...proofs } }
        expect(readCandidate({ ...extra, ...joining })).toStrictEqual({ candidate, proofs })
        const proposal = { ...extra, ...act.proposal, ...joining }
        expect(readProposal(proposal)).toStrictEqual(act.proposal)
        expect(readAct({ ...extra, ...act, proposal })).toStrictEqual(act)
      } else if (act.kind === 'vote') {
        const proposal = { ...extra, candidate: extra, ...act.proposal }
        expect(readAct({ ...extra, ...act, proposal })).toStrictEqual(act)
      } else if (act.kind === 'rotate-keys') {
        const keys = { ...extra, ...act.keys }
        expect(readAct({ ...extra, ...act, keys, proofs: { ...extra, ...act.proofs } })).toStrictEqual(act)
      } else expect(readAct({ ...extra, proposal: extra, ...act })).toStrictEqual(act)
    }
  })

  it('is signed over its own management key and deadline, whatever a candidate brings along', async () => {
    const [add] = (await everyAct()).flatMap((act) => (act.kind === 'vote' ? [act.proposal] : []))
    if (add?.kind !== 'add') throw new Error('the first vote is on a candidate')
    const candidate = { ...add.candidate, management: publicOf(key(9)).address, deadline: 91n }
    const act = await signVote(CHAIN, key(7), { ...add, candidate })
    await checkAct(CHAIN, { ...act, proposal: add } as ValidatorAct)
    const rotation = await signRotateKeys(acting, { session: key(1) })
    if (rotation.kind !== 'rotate-keys') throw new Error('it changes keys')
    await checkAct(CHAIN, { ...rotation, keys: { ...rotation.keys, ...{ nonce: 9n, management: account } } })
  })

  it('names public keys as the contract has them: an address, and 33 bytes of either parity', () => {
    for (const n of [1, 2, 3, 4, 5, 6]) {
      const secret = fromHex(key(n))
      const { address, publicKey } = publicOf(key(n))
      expect(address.toLowerCase()).toBe(publicKeyToAddress(secp256k1.publicKey(secret, false)))
      expect(publicKey).toBe(toHex(secp256k1.publicKey(secret)))
    }
  })

  it('leaves what is not replaced empty', async () => {
    const { args } = callOf([await signRotateKeys(acting, { session: key(1) })])
    expect(args[1]).toEqual({ session: publicOf(key(1)).address, managementKey: '0x', bitcoinKey: '0x' })
    expect(args[3]).toMatchObject({ management: '0x', bitcoin: '0x' })
  })
})

it('needs as many votes as finality', () => {
  for (let n = 1; n <= 100; n++) {
    const members = Array.from({ length: n }, (_, i) => ({ id: toHex(uintBE(BigInt(i), 20)) as Address, weight: 1 }))
    expect(votesNeeded(BigInt(n)), `${n} validators`).toBe(BigInt(new VoterSet(0n, members).threshold))
  }
})

describe('submitting', () => {
  /** A node on which the key's next act has nonce 3, and whose head is block 100. Nothing may be sent. */
  const client = createClient({
    account: privateKeyToAccount(key(9)),
    transport: custom(
      {
        request: async ({ method, params }: { method: string; params?: unknown }) => {
          if (method === 'eth_chainId') return '0x480b'
          if (method === 'eth_blockNumber') return '0x64'
          const { data } = (params as [{ data: string }])[0] ?? {}
          // Both views answer one word: a session address (not zero), and the nonce.
          if (method === 'eth_call' && data.length === 2 + 8 + 64) return toHex(uintBE(3n, 32))
          throw new Error(`${method} was not to be called`)
        },
      },
      { retryCount: 0 },
    ),
  })

  it.each<[string, () => Promise<ValidatorAct>, RegExp]>([
    ['an old nonce', () => signLeave({ ...acting, nonce: 2n }), /nonce 2, .* has 3: it was submitted already/],
    ['a nonce to come', () => signLeave({ ...acting, nonce: 5n }), /another act must come first/],
    [
      'a deadline that has passed',
      () => signVote(CHAIN, key(7), { kind: 'remove', session: account, deadline: '100' }),
      /deadline, block 100, has passed/,
    ],
    ['a signature by another key', async () => ({ ...(await signLeave(acting)), management: account }), /another key/],
  ])('says what is wrong with %s, and sends nothing', async (_, act, why) => {
    await expect(submitActs(client, [await act()])).rejects.toThrow(why)
  })

  it('puts votes on one proposal into one call, once for each key', async () => {
    const proposal = { kind: 'remove', session: account, deadline: '200' } as const
    const votes = await Promise.all([7, 8].map((n) => signVote(CHAIN, key(n), proposal)))
    const { functionName, args } = callOf(votes)
    expect(functionName).toBe('removeValidator')
    expect(args[2]).toEqual(votes.map(({ management: by, signature }) => ({ management: by, signature })))
    expect(votes[0]?.management).toBe(management)
  })
})
