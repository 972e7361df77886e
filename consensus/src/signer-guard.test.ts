import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAppError, uintBE } from '@hawser/primitives'
import { recoverAddress } from '@hawser/primitives/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealDigest } from './digests.ts'
import { GuardedSigner } from './guarded-signer.ts'
import type { GuardedAct } from './guard-rule.ts'
import { SignerGuard } from './signer-guard.ts'
import { testHash } from './testing/fixtures.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-'))
  path = join(folder, 'guard.json')
})
afterEach(() => rm(folder, { recursive: true }))

const digest = (n: number) => uintBE(n, 32)
const prevote = (round: bigint, setId = 1n): GuardedAct => ({ kind: 'vote', setId, round, voteKind: 0 })
const precommit = (round: bigint): GuardedAct => ({ kind: 'vote', setId: 1n, round, voteKind: 1 })
const seal = (slot: bigint): GuardedAct => ({ kind: 'seal', slot })
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => (isAppError(error) ? error.code : String(error)),
  )

describe('the signing guard', () => {
  it('refuses to start without its file unless a fresh one is allowed', async () => {
    expect(await outcome(SignerGuard.open(path))).toBe('GUARD_MISSING')
    expect(await outcome(SignerGuard.open(path, { allowFresh: true }))).toBe('ok')
    expect(await outcome(SignerGuard.open(path))).toBe('ok')
  })

  it('tells the highest slot that it let pass, after a restart too', async () => {
    const guard = await SignerGuard.open(path, { allowFresh: true })
    expect(guard.lastSealedSlot).toBeUndefined()
    await guard.allow(prevote(9n), digest(1))
    await guard.allow(seal(7n), digest(2))
    expect(guard.lastSealedSlot).toBe(7n)
    expect((await SignerGuard.open(path)).lastSealedSlot).toBe(7n)
  })

  it('refuses to start with a damaged file', async () => {
    await writeFile(path, '{"version":1,"seal":[["0"')
    expect(await outcome(SignerGuard.open(path, { allowFresh: true }))).toBe('GUARD_DAMAGED')
  })

  it('lets each position be signed once and only forwards, and the same bytes again', async () => {
    const guard = await SignerGuard.open(path, { allowFresh: true })
    expect(await outcome(guard.allow(prevote(5n), digest(1)))).toBe('ok')
    expect(await outcome(guard.allow(prevote(5n), digest(1)))).toBe('ok')
    expect(await outcome(guard.allow(prevote(5n), digest(2)))).toBe('SIGNER_REFUSED')
    expect(await outcome(guard.allow(prevote(4n), digest(3)))).toBe('SIGNER_REFUSED')
    expect(await outcome(guard.allow(precommit(5n), digest(4)))).toBe('ok')
    expect(await outcome(guard.allow(prevote(1n, 2n), digest(5)))).toBe('ok')
    expect(await outcome(guard.allow(prevote(9n, 1n), digest(6)))).toBe('SIGNER_REFUSED')
    expect(await outcome(guard.allow(seal(7n), digest(7)))).toBe('ok')
    expect(await outcome(guard.allow(seal(7n), digest(8)))).toBe('SIGNER_REFUSED')
  })

  it('remembers over a restart', async () => {
    const before = await SignerGuard.open(path, { allowFresh: true })
    await before.allow(prevote(5n), digest(1))
    await before.allow(seal(5n), digest(2))
    const guard = await SignerGuard.open(path)
    expect(await outcome(guard.allow(prevote(5n), digest(9)))).toBe('SIGNER_REFUSED')
    expect(await outcome(guard.allow(prevote(5n), digest(1)))).toBe('ok')
    expect(await outcome(guard.allow(seal(5n), digest(9)))).toBe('SIGNER_REFUSED')
  })

  it('does not wave an act through whose record could not be written', async () => {
    const guard = await SignerGuard.open(path, { allowFresh: true })
    await rm(folder, { recursive: true })
    expect(await outcome(guard.allow(seal(3n), digest(1)))).not.toBe('ok')
    expect(await outcome(guard.allow(seal(3n), digest(1)))).not.toBe('ok')
    await mkdir(folder)
    expect(await outcome(guard.allow(seal(3n), digest(1)))).toBe('ok')
  })

  it('decides one act at a time, also when two come at once', async () => {
    const guard = await SignerGuard.open(path, { allowFresh: true })
    const answers = await Promise.all([1, 2].map((n) => outcome(guard.allow(seal(3n), digest(n)))))
    expect(answers).toEqual(['ok', 'SIGNER_REFUSED'])
  })
})

describe('a guarded signer', () => {
  it('signs seals of growing slots with its own address', async () => {
    const guard = await SignerGuard.open(path, { allowFresh: true })
    const signer = new GuardedSigner({ chainId: 1n, genesisHash: testHash(1) }, digest(77), guard)
    const signature = await signer.sign({ kind: 'seal', slot: 4n, blockHash: testHash(2) })
    expect(recoverAddress(sealDigest(1n, testHash(2)), signature)).toBe(signer.address)
    expect(await outcome(signer.sign({ kind: 'seal', slot: 4n, blockHash: testHash(3) }))).toBe('SIGNER_REFUSED')
  })
})
