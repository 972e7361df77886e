import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeJustification, readHeader, voteDigest, type HeaderRef } from '@hawser/consensus/verify'
import { devValidatorKeys, validatorSpecOf, type Devnet } from '@hawser/node'
import { fromHex, toHex, type Hash32, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { trustedChain, type FinalityProof, type TrustedChain } from '@hawser/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, runHawser, startDevnet } from '../kit/devnet.ts'
import { readerOf, walletOf } from './support/clients.ts'

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9'

describe('validators who decide by files, and a client who follows them', { timeout: 120_000 }, () => {
  let devnet: Devnet
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-votes-'))
    devnet = await startDevnet()
  })
  afterAll(async () => {
    await devnet?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const at = (name: string) => join(folder, name)
  const spec = () => join(devnet.dataDir, 'chain-spec.json')
  async function hawser<T = Record<string, unknown>>(
    args: readonly string[],
    code = 0,
    rpc = devnet.rpcUrl,
  ): Promise<T> {
    const ended = await runHawser([...args, '--json'], { env: { HAWSER_RPC: rpc } })
    expect(ended, args.join(' ')).toMatchObject({ code })
    return JSON.parse(ended.stdout) as T
  }

  it('removes one by votes that were signed offline; hawser verify, the sdk and the audit follow', async () => {
    const { session } = validatorSpecOf(devValidatorKeys(3))
    const trusting = ['--chain-spec', spec(), '--state', at('sets.json')]
    expect(await hawser(['verify', ...trusting])).toMatchObject({ final: true, setId: '0', latestSet: '0' })

    // Votes: signed where there is no node, submitted by anybody.
    await hawser(['validator', 'propose-remove', session, '--out', at('proposal.json')])
    await Promise.all(
      [0, 1, 2].map((n) => {
        const how = ['--dev-validator', String(n), '--sign-only', '--out', at(`vote${n}.json`)]
        return hawser(['validator', 'vote', at('proposal.json'), ...how], 0, NOWHERE)
      }),
    )
    const submit = (...files: string[]) => ['validator', 'submit', ...files.map(at), '--dev-account', '0']
    const changed = readFileSync(at('vote2.json'), 'utf8').replace(/"signature": "0x../, '"signature": "0xff')
    writeFileSync(at('forged.json'), changed)
    expect(await hawser(submit('forged.json'), 1)).toMatchObject({ error: { code: 'VALIDATOR_ACT_INVALID' } })
    expect(await hawser(submit('vote0.json', 'vote1.json'))).toMatchObject({
      submitted: [{ acts: ['vote', 'vote'], votes: { count: '2', needed: '3', of: '4', passed: false } }],
    })
    expect(await hawser(submit('vote1.json'), 1)).toMatchObject({
      error: { code: 'CONTRACT_REVERTED', message: expect.stringContaining('counted already') as string },
    })
    const passed = await hawser<{ submitted: { takesEffectAfter: string }[] }>(submit('vote2.json'))
    expect(passed).toMatchObject({ submitted: [{ votes: { count: '3', passed: true } }] })
    const epochEnd = BigInt(passed.submitted[0]?.takesEffectAfter ?? 0)

    const { validators, nextSetId, needed } = await hawser<{
      validators: { session: Hex; next: string }[]
      nextSetId: string
      needed: string
    }>(['validators'])
    expect(needed).toBe('3')
    expect(validators.find((one) => one.session.toLowerCase() === session)?.next).toBe('leaves')
    expect(nextSetId).toBe('1')

    await eventually(
      `finality beyond the epoch's end ${epochEnd}`,
      async () => (await readerOf(devnet.rpcUrl).getBlock({ blockTag: 'finalized' })).number >= epochEnd + 2n,
      { limitMs: 60_000 },
    )
    const later = String(epochEnd + 2n)
    const found = await hawser(['verify', later, ...trusting, '--save', at('proof.json')])
    expect(found).toMatchObject({ final: true, setId: '1', latestSet: '1', number: later })
    expect(await hawser(['verify', String(found['hash']), ...trusting])).toMatchObject({ number: later, setId: '1' })
    expect(await hawser(['verify', '5', ...trusting])).toMatchObject({ final: true, setId: '0' })
    expect(await hawser(['verify', '1000000', ...trusting], 6)).toMatchObject({
      error: { code: 'JUSTIFICATION_MISSING' },
    })

    // Where there is no node, the saved proof is enough, and a changed one is none.
    const offline = ['verify', later, '--chain-spec', spec(), '--proof']
    expect(await hawser([...offline, at('proof.json')], 0, NOWHERE)).toMatchObject({ hash: found['hash'], setId: '1' })
    const proof = JSON.parse(readFileSync(at('proof.json'), 'utf8')) as FinalityProof & { genesisHash: Hash32 }
    writeFileSync(at('short.json'), JSON.stringify({ ...proof, setProofs: [] }))
    expect(await hawser([...offline, at('short.json')], 7, NOWHERE)).toMatchObject({
      error: { code: 'HANDOVER_INVALID' },
    })

    const trust = trustedChain(readFileSync(spec(), 'utf8'))

    // Set 0 is out of office. Whoever has followed the sets refuses its votes, whatever a proof leaves out.
    writeFileSync(at('old.json'), JSON.stringify({ ...proof, ...votesOfSet0(trust, proof), setProofs: [] }))
    const kept = readFileSync(at('sets.json'), 'utf8')
    expect(await hawser([...offline, at('old.json')], 0, NOWHERE)).toMatchObject({ final: true, setId: '0' })
    expect(await hawser([...offline, at('old.json'), '--state', at('sets.json')], 7, NOWHERE)).toMatchObject({
      error: { code: 'JUSTIFICATION_INVALID' },
    })
    expect(readFileSync(at('sets.json'), 'utf8')).toBe(kept)

    const proven = await walletOf(devnet, 0).verifyFinality({ trust, blockNumber: epochEnd + 1n })
    expect(proven).toMatchObject({ number: epochEnd + 1n, setId: 1n })
    expect(await hawser(['audit', '--chain-spec', spec()])).toMatchObject({ finalityProven: true, passed: true })
  })

  it('changes a key by an act that says why it is refused: wrong nonce, wrong key, done already', async () => {
    writeFileSync(at('new.key'), toHex(devValidatorKeys(90).management))
    const rotate = ['validator', 'rotate-keys', '--dev-validator', '0', '--new-management-key-file', at('new.key')]
    const sign = (name: string, nonce: string) =>
      hawser([...rotate, '--sign-only', '--out', at(name), '--nonce', nonce, '--chain-id', '18443'], 0, NOWHERE)
    await Promise.all([sign('early.json', '7'), sign('act.json', '0')])
    const submit = (name: string) => ['validator', 'submit', at(name), '--dev-account', '1']
    const refused = (why: string) => ({ error: { message: expect.stringContaining(why) as string } })
    expect(await hawser(submit('early.json'), 1)).toMatchObject(refused('another act must come first'))
    expect(await hawser(submit('act.json'))).toMatchObject({ submitted: [{ acts: ['rotate-keys'] }] })
    expect(await hawser(submit('act.json'), 1)).toMatchObject(refused('it was submitted already'))
    // The epoch may have ended meanwhile: pending, or in force.
    const { validators, changing } = await hawser<Record<'validators' | 'changing', { managementKey: Hex }[]>>([
      'validators',
    ])
    const { managementKey } = validatorSpecOf(devValidatorKeys(90))
    expect([...changing, ...validators].filter((one) => one.managementKey === managementKey)).toHaveLength(1)
    writeFileSync(at('stranger.key'), toHex(devValidatorKeys(91).management))
    const stranger = ['validator', 'leave', '--management-key-file', at('stranger.key'), '--dev-account', '0']
    expect(await hawser(stranger, 1)).toMatchObject(refused('no current validator has the management key'))
  })
})

/** What the first three validators, enough of set 0, say of the block that a proof's votes are for. */
function votesOfSet0(trust: TrustedChain, { headers, genesisHash }: FinalityProof & { readonly genesisHash: Hash32 }) {
  const header = headers.at(-1) as Hex
  const { number, hash } = readHeader(fromHex(header)) as HeaderRef
  const target = { number, hash }
  const vote = { setId: 0n, round: 1n, kind: 'precommit' as const, ...target }
  const digest = voteDigest({ chainId: trust.chainId, genesisHash }, vote)
  const precommits = [0, 1, 2].map((n) => {
    const { session } = devValidatorKeys(n)
    const voter = trust.voters.indexOf(publicKeyToAddress(secp256k1.publicKey(session, false))) ?? 0
    return { target: 0, voter, signature: secp256k1.sign(digest, session) }
  })
  precommits.sort((a, b) => a.voter - b.voter)
  const commit = { setId: 0n, round: 1n, target, targets: [target], precommits }
  return { headers: [header], justification: toHex(encodeJustification({ commit, ancestry: [] })) }
}
