import { concatBytes, fromHex, toHex } from '@hawser/primitives'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { describe, expect, it } from 'vitest'
import { nobleCurve } from '../curve.ts'
import { sortKeys } from '../key-agg.ts'
import { tapTweakKey } from '../taproot.ts'
import { hasVectors, vectorJson, vectorText } from '../testing/vectors.ts'
import { fastCurve } from './native-curve.ts'
import { verifySchnorr } from './schnorr.ts'
import { generateNonce, SecretNonce } from './secret-nonce.ts'
import { aggregateNonces, createSession, keyAggContext } from './session.ts'

interface Case {
  key_indices: number[]
  nonce_indices: number[]
  pnonce_indices: number[]
  tweak_indices: number[]
  psig_indices: number[]
  is_xonly: boolean[]
  aggnonce_index: number
  aggnonce: string
  msg_index: number
  secnonce_index: number
  signer_index: number
  expected: string
  sig: string
  comment: string
  error: { type: string; signer?: number }
}
interface File {
  sk: string
  secnonce: string
  aggnonce: string
  msg: string
  pubkeys: string[]
  sorted_pubkeys: string[]
  pnonces: string[]
  secnonces: string[]
  aggnonces: string[]
  tweaks: string[]
  msgs: string[]
  psigs: string[]
  valid_test_cases: Case[]
  error_test_cases: Case[]
  sign_error_test_cases: Case[]
  verify_fail_test_cases: Case[]
  verify_error_test_cases: Case[]
}
const file = (name: string) => vectorJson<File>(`bips/bip-0327/${name}_vectors.json`)
const pick = (list: string[], indices: number[] = []) => indices.map((i) => fromHex(list[i] ?? ''))
const tweaksOf = (f: File, c: Case) =>
  pick(f.tweaks, c.tweak_indices).map((tweak, i) => ({ tweak, isXOnly: c.is_xonly[i] ?? false }))
const hex = (text: string) => `0x${text.toLowerCase()}`
const blame = (c: Case) =>
  c.error.type === 'invalid_contribution'
    ? expect.objectContaining({ name: 'MUSIG_INVALID', info: expect.objectContaining({ contributor: c.error.signer }) })
    : expect.objectContaining({ name: 'MUSIG_INVALID' })

describe.skipIf(!hasVectors).each([
  ['native', fastCurve],
  ['noble', nobleCurve],
] as const)('BIP327 vectors with %s curve operations', (_, curve) => {
  it('KeySort', () => {
    const f = file('key_sort')
    expect(sortKeys(f.pubkeys.map(fromHex)).map(toHex)).toEqual(f.sorted_pubkeys.map(hex))
  })
  it('KeyAgg', () => {
    const f = file('key_agg')
    for (const c of f.valid_test_cases)
      expect(toHex(keyAggContext(pick(f.pubkeys, c.key_indices), [], curve).xOnlyKey)).toBe(hex(c.expected))
    for (const c of f.error_test_cases)
      expect(() => keyAggContext(pick(f.pubkeys, c.key_indices), tweaksOf(f, c), curve), c.comment).toThrow(blame(c))
  })
  it('NonceAgg', () => {
    const f = file('nonce_agg')
    for (const c of f.valid_test_cases)
      expect(toHex(aggregateNonces(pick(f.pnonces, c.pnonce_indices), curve))).toBe(hex(c.expected))
    for (const c of f.error_test_cases)
      expect(() => aggregateNonces(pick(f.pnonces, c.pnonce_indices), curve), c.comment).toThrow(blame(c))
  })
  it('Sign and PartialSigVerify', () => {
    const f = file('sign_verify')
    const sessionOf = (c: Case, nonce: Uint8Array) =>
      createSession(
        keyAggContext(pick(f.pubkeys, c.key_indices), [], curve),
        nonce,
        fromHex(f.msgs[c.msg_index] ?? ''),
        curve,
      )
    for (const c of f.valid_test_cases) {
      const session = sessionOf(c, fromHex(f.aggnonces[c.aggnonce_index] ?? ''))
      const nonces = pick(f.pnonces, c.nonce_indices)
      expect(toHex(aggregateNonces(nonces, curve))).toBe(hex(f.aggnonces[c.aggnonce_index] ?? ''))
      const mine = nonces[c.signer_index] as Uint8Array
      const partial = session.sign(new SecretNonce(fromHex(f.secnonces[0] ?? '')), fromHex(f.sk), mine)
      expect(toHex(partial)).toBe(hex(c.expected))
      const key = session.context.keys[c.signer_index] as Uint8Array
      expect(session.verifyPartial(partial, mine, key)).toBe(true)
    }
    for (const c of f.sign_error_test_cases) {
      const act = () =>
        sessionOf(c, fromHex(f.aggnonces[c.aggnonce_index] ?? '')).sign(
          new SecretNonce(fromHex(f.secnonces[c.secnonce_index] ?? '')),
          fromHex(f.sk),
          fromHex(f.pnonces[0] ?? ''),
        )
      // The aggregate nonce has no single author: BIP327 names none either.
      expect(act, c.comment).toThrow(expect.objectContaining({ name: 'MUSIG_INVALID' }))
    }
    for (const c of f.verify_fail_test_cases) {
      const nonces = pick(f.pnonces, c.nonce_indices)
      const session = sessionOf(c, aggregateNonces(nonces, curve))
      const key = session.context.keys[c.signer_index] as Uint8Array
      expect(session.verifyPartial(fromHex(c.sig), nonces[c.signer_index] as Uint8Array, key), c.comment).toBe(false)
    }
    for (const c of f.verify_error_test_cases)
      expect(() => sessionOf(c, aggregateNonces(pick(f.pnonces, c.nonce_indices), curve)), c.comment).toThrow(blame(c))
  })
  it('tweaks', () => {
    const f = file('tweak')
    for (const c of f.valid_test_cases) {
      const context = keyAggContext(pick(f.pubkeys, c.key_indices), tweaksOf(f, c), curve)
      const session = createSession(context, fromHex(f.aggnonce), fromHex(f.msg), curve)
      const mine = pick(f.pnonces, c.nonce_indices)[c.signer_index] as Uint8Array
      const partial = session.sign(new SecretNonce(fromHex(f.secnonce)), fromHex(f.sk), mine)
      expect(toHex(partial), c.comment).toBe(hex(c.expected))
    }
    for (const c of f.error_test_cases)
      expect(() => keyAggContext(pick(f.pubkeys, c.key_indices), tweaksOf(f, c), curve), c.comment).toThrow(blame(c))
  })
  it('PartialSigAgg', () => {
    const f = file('sig_agg')
    const sessionOf = (c: Case) =>
      createSession(
        keyAggContext(pick(f.pubkeys, c.key_indices), tweaksOf(f, c), curve),
        fromHex(c.aggnonce),
        fromHex(f.msg),
        curve,
      )
    for (const c of f.valid_test_cases) {
      const session = sessionOf(c)
      const signature = session.aggregate(pick(f.psigs, c.psig_indices))
      expect(toHex(signature)).toBe(hex(c.expected))
      expect(verifySchnorr(signature, fromHex(f.msg), session.context.xOnlyKey, curve)).toBe(true)
    }
    for (const c of f.error_test_cases)
      expect(() => sessionOf(c).aggregate(pick(f.psigs, c.psig_indices))).toThrow(blame(c))
  })
  it('BIP340 verification', () => {
    const rows = vectorText('bips/bip-0340/test-vectors.csv').trim().split(/\r?\n/).slice(1)
    expect(rows.length).toBeGreaterThan(15)
    for (const row of rows) {
      const [, , key = '', , message = '', signature = '', result, comment] = row.split(',')
      expect(verifySchnorr(fromHex(signature), fromHex(message), fromHex(key), curve), comment).toBe(result === 'TRUE')
    }
  })
})

describe.skipIf(!hasVectors)('BIP327 nonce generation', () => {
  it('gives the vectors of NonceGen', () => {
    const cases = vectorJson<{ test_cases: Record<string, string | null>[] }>(
      'bips/bip-0327/nonce_gen_vectors.json',
    ).test_cases
    let checked = 0
    for (const c of cases) {
      if (c.sk === null) continue
      const part = (name: string) => (typeof c[name] === 'string' ? fromHex(c[name]) : undefined)
      const pair = generateNonce({
        secretKey: part('sk') as Uint8Array,
        publicKey: part('pk') as Uint8Array,
        aggregateKey: part('aggpk'),
        message: part('msg'),
        context: part('extra_in'),
        random: part('rand_'),
      })
      expect(toHex(pair.publicNonce)).toBe(hex(c.expected_pubnonce ?? ''))
      expect(pair.secretNonce.consume(toHex)).toBe(hex(c.expected_secnonce ?? ''))
      checked++
    }
    expect(checked).toBe(3)
  })
})

describe('a session of five', () => {
  const secrets = Array.from({ length: 5 }, (_, i) => new Uint8Array(32).fill(i + 1))
  const keys = secrets.map((secret) => secp256k1.getPublicKey(secret))
  const message = new Uint8Array(32).fill(0xaa)
  const root = new Uint8Array(32).fill(7)

  function run() {
    const untweaked = keyAggContext(keys)
    const { tweak, x } = tapTweakKey(untweaked.xOnlyKey, root)
    const context = keyAggContext(keys, [{ tweak, isXOnly: true }])
    const pairs = secrets.map((secretKey, i) =>
      generateNonce({ secretKey, publicKey: keys[i] as Uint8Array, aggregateKey: context.xOnlyKey, message }),
    )
    const session = createSession(context, aggregateNonces(pairs.map((p) => p.publicNonce)), message)
    return { context, session, pairs, x }
  }

  it('signs for the Taproot output key, and noble agrees', () => {
    const { session, pairs, x, context } = run()
    const partials = pairs.map((p, i) => session.sign(p.secretNonce, secrets[i] as Uint8Array, p.publicNonce))
    const signature = session.aggregate(partials)
    expect(toHex(context.xOnlyKey)).toBe(toHex(x))
    expect(schnorr.verify(signature, message, x)).toBe(true)
  })
  it('finds the member whose partial signature is wrong', () => {
    const { session, pairs } = run()
    const partials = pairs.map((p, i) => session.sign(p.secretNonce, secrets[i] as Uint8Array, p.publicNonce))
    const swapped = [partials[1], partials[0], ...partials.slice(2)] as Uint8Array[]
    const verdicts = swapped.map((s, i) =>
      session.verifyPartial(s, pairs[i]?.publicNonce as Uint8Array, keys[i] as Uint8Array),
    )
    expect(verdicts).toEqual([false, false, true, true, true])
  })
  it('uses a secret nonce once, also when signing failed', () => {
    const { session, pairs } = run()
    const { secretNonce, publicNonce } = pairs[0] as (typeof pairs)[0]
    expect(() => session.sign(secretNonce, secrets[1] as Uint8Array, publicNonce)).toThrow(/signing failed/)
    expect(() => session.sign(secretNonce, secrets[0] as Uint8Array, publicNonce)).toThrow(
      expect.objectContaining({ name: 'MUSIG_NONCE_USED' }),
    )
    const bytes = concatBytes(new Uint8Array(64).fill(1), keys[0] as Uint8Array)
    const nonce = new SecretNonce(bytes)
    nonce.discard()
    expect(bytes.every((b) => b === 0)).toBe(true)
    expect(nonce.isFresh).toBe(false)
  })
})
