import { address, concatBytes, fromHex, toHex, type BtcHash, type Hash32 } from '@hawser/primitives'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import * as bitcoin from 'bitcoinjs-lib'
import { describe, expect, it } from 'vitest'
import {
  batchPrevouts,
  batchSighashes,
  batchVsize,
  buildBatchTransaction,
  parseCheckpointScript,
  thresholdWitness,
  withWitnesses,
} from './batch.ts'
import { committeeThreshold, deriveCommittee, subsetLeafOf, subsetsOf } from './committee.ts'
import { depositAddress, depositReturnScript, parseDepositReturn, plainAddress } from './deposit.ts'
import { aggregateKeys, sortKeys } from './key-agg.ts'
import { p2wpkhScript } from './script.ts'
import { taprootSighashes } from './sighash.ts'
import { controlBlock, tapBranchHash, tapLeafHash, tapTweakKey } from './taproot.ts'
import { hasVectors, vectorJson } from './testing/vectors.ts'
import { decodeTransaction, encodeTransaction, vsize } from './transaction.ts'

const secretKey = (i: number, salt = 1) => new Uint8Array(32).fill(salt).fill(i + 1, 16)
const publicKeys = (n: number, salt = 1) =>
  Array.from({ length: n }, (_, i) => secp256k1.getPublicKey(secretKey(i, salt)))
const committeeOf = (n: number) => deriveCommittee({ bitcoinKeys: publicKeys(n), managementKeys: publicKeys(n, 2) })
const account = address('0x00112233445566778899aabbccddeeff00112233')
const refundKey = schnorr.getPublicKey(secretKey(9, 9))

/** Walks a control block up to its output key, as BIP341 tells the verifier. */
function outputOf(script: Uint8Array, control: Uint8Array): { x: string; parity: number } {
  let node = tapLeafHash(script)
  for (let at = 33; at < control.length; at += 32) node = tapBranchHash(node, control.slice(at, at + 32))
  const { x } = tapTweakKey(control.slice(1, 33), node)
  return { x: toHex(x), parity: (control[0] ?? 0) & 1 }
}

describe('the committee tree', () => {
  it('takes strictly more than two thirds', () => {
    expect([1, 2, 3, 4, 7, 10, 15, 21, 100].map(committeeThreshold)).toEqual([1, 2, 3, 3, 5, 7, 11, 15, 67])
  })
  it('lists subsets in lexicographic order', () => {
    expect(subsetsOf(4, 3)).toEqual([
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
    ])
    expect(subsetsOf(15, 11).length).toBe(1365)
  })
  it('does not depend on the order of the keys', () => {
    const shuffled = deriveCommittee({
      bitcoinKeys: publicKeys(4).reverse(),
      managementKeys: publicKeys(4, 2).reverse(),
    })
    expect(toHex(shuffled.root)).toBe(toHex(committeeOf(4).root))
    expect(toHex(shuffled.aggregateKey)).toBe(toHex(aggregateKeys(sortKeys(publicKeys(4)))))
  })
  it('leads from every leaf to the same output key, for flat, nested and subset-free trees', () => {
    for (const n of [1, 2, 4, 7, 11, 16]) {
      const c = committeeOf(n)
      const plain = plainAddress(c, 'regtest')
      const leaves = [...c.subsets.slice(0, 12), ...c.subsets.slice(-3), c.checksigadd, c.recovery]
      for (const leaf of leaves) {
        const control = controlBlock(plain.parity, c.internalKey, leaf.path)
        expect(outputOf(leaf.script, control)).toEqual({ x: toHex(plain.outputKey), parity: plain.parity })
      }
      expect(c.subsets.length).toBe(n > 15 ? 0 : subsetsOf(n, c.t).length)
    }
  })
  it('keeps control blocks within 257 bytes up to ten members', () => {
    const c = committeeOf(10)
    expect(Math.max(...[...c.subsets, c.checksigadd, c.recovery].map((l) => 33 + 32 * l.path.length))).toBe(257)
  })
  it('finds a subset by its members', () => {
    const c = committeeOf(4)
    const leaf = subsetLeafOf(c, [0, 2, 3])
    expect(leaf?.key).toEqual(aggregateKeys([0, 2, 3].map((i) => c.sortedKeys[i] as Uint8Array)).slice(1))
    expect(subsetLeafOf(c, [0, 2])).toBeUndefined()
  })
  it('refuses doubled keys, keys off the curve, and unequal numbers', () => {
    const keys = publicKeys(4)
    const same = [...keys.slice(1), keys[1] as Uint8Array]
    const negated = Uint8Array.from(keys[1] as Uint8Array)
    negated[0] = (negated[0] ?? 0) ^ 1
    const bad = (bitcoinKeys: Uint8Array[]) => () => deriveCommittee({ bitcoinKeys, managementKeys: keys })
    expect(bad(same)).toThrow(/same key/)
    expect(bad([...keys.slice(1), negated])).toThrow(/same key/)
    expect(bad(keys.slice(1))).toThrow(/management/)
    expect(bad([...keys.slice(1), fromHex(`02${'00'.repeat(31)}05`)])).toThrow(
      expect.objectContaining({ name: 'PUBLIC_KEY_INVALID' }),
    )
    expect(bad([])).toThrow(/members/)
  })
})

describe('deposit addresses', () => {
  const committee = committeeOf(4)
  const base = { committee, network: 'regtest', chainId: 18443n, account } as const

  it('differ by account, chain, refund key and csv', () => {
    const all = [
      base,
      { ...base, chainId: 1n },
      { ...base, account: address(`0x${'ff'.repeat(20)}`) },
      { ...base, refundKey, csv: 144 },
      { ...base, refundKey, csv: 145 },
    ].map((p) => depositAddress(p).address)
    expect(new Set([...all, plainAddress(committee, 'regtest').address]).size).toBe(6)
    expect(all[0]).toMatch(/^bcrt1p/)
  })
  it('give Q = P + tG with its own y', () => {
    const d = depositAddress({ ...base, refundKey, csv: 144 })
    const P = secp256k1.Point.fromBytes(concatBytes(Uint8Array.of(2), committee.internalKey))
    const Q = P.add(secp256k1.Point.BASE.multiply(BigInt(toHex(d.tweak))))
    expect(toHex(concatBytes(d.outputKey, d.qy))).toBe(toHex(Q.toBytes(false).slice(1)))
    expect(d.parity).toBe(Number(Q.y & 1n))
  })
  it('carry a reclaim leaf that leads to the output key', () => {
    const d = depositAddress({ ...base, refundKey, csv: 144 })
    expect(toHex(d.reclaim?.script as Uint8Array)).toBe(`0x029000b27520${toHex(refundKey).slice(2)}ac`)
    expect(outputOf(d.reclaim?.script as Uint8Array, d.reclaim?.controlBlock as Uint8Array)).toEqual({
      x: toHex(d.outputKey),
      parity: d.parity,
    })
  })
  it('need csv with a refund key, and a refund key of 32 bytes', () => {
    expect(() => depositAddress({ ...base, refundKey })).toThrow(/csv/)
    expect(() => depositAddress({ ...base, refundKey, csv: 65_536 })).toThrow(/csv/)
    expect(() => depositAddress({ ...base, refundKey: publicKeys(1)[0] as Uint8Array, csv: 144 })).toThrow(/x-only/)
  })
  it('have an OP_RETURN form that reads back, and nothing else reads as one', () => {
    const script = depositReturnScript(18443n, account)
    expect(toHex(script).slice(0, 16)).toBe('0x6a224857534401'.slice(0, 16))
    expect(parseDepositReturn(script)).toEqual({ chainId: 18443n, kind: 0, account })
    for (const at of [0, 1, 2, 6])
      expect(parseDepositReturn(script.map((b, i) => (i === at ? b ^ 1 : b)))).toBeUndefined()
    expect(parseDepositReturn(script.subarray(1))).toBeUndefined()
  })
})

describe('batch transactions', () => {
  const committee = committeeOf(4)
  const hash = `0x${'ab'.repeat(32)}`
  const plain = plainAddress(committee, 'regtest')
  const reclaimable = depositAddress({ committee, network: 'regtest', chainId: 1n, account, refundKey, csv: 144 })
  const inputs = [
    { txid: `0x${'01'.repeat(32)}` as BtcHash, vout: 0, sats: 60_000n, u: plain.u },
    { txid: `0x${'02'.repeat(32)}` as BtcHash, vout: 3, sats: 40_000n, u: reclaimable.u },
  ]
  const payouts = [{ script: p2wpkhScript(new Uint8Array(20)), sats: 50_000n }]
  const build = (feeSats: bigint) =>
    buildBatchTransaction({
      inputs,
      payouts,
      checkpoint: { number: 77n, hash: hash as Hash32 },
      changeScript: plain.scriptPubKey,
      feeSats,
    })

  it('pay, name the checkpoint, and return the change; the fee is what is left', () => {
    const tx = build(1_000n)
    expect(tx.outputs.map((o) => o.sats)).toEqual([50_000n, 0n, 49_000n])
    expect(parseCheckpointScript(tx.outputs[1]?.script as Uint8Array)).toEqual({ number: 77n, hash })
    expect(tx.inputs.every((i) => i.sequence === 0xfffffffd)).toBe(true)
    expect(decodeTransaction(encodeTransaction(tx))).toEqual(tx)
  })
  it('refuse to leave dust as change', () => {
    expect(build(50_000n - 330n).outputs.at(-1)?.sats).toBe(330n)
    expect(() => build(50_000n - 329n)).toThrow(expect.objectContaining({ name: 'BATCH_INVALID' }))
  })
  it('have the sighashes that bitcoinjs-lib computes, for key path and leaf', () => {
    const tx = build(1_000n)
    const theirs = bitcoin.Transaction.fromBuffer(encodeTransaction(tx))
    const coins = batchPrevouts(committee, inputs)
    const scripts = coins.map((c) => c.script)
    const values = coins.map((c) => c.sats)
    const leaf = committee.subsets[1]
    const key = batchSighashes(committee, inputs, tx)
    const byLeaf = batchSighashes(committee, inputs, tx, leaf)
    inputs.forEach((_, i) => {
      expect(toHex(key[i] as Uint8Array)).toBe(toHex(theirs.hashForWitnessV1(i, scripts, values, 0)))
      expect(toHex(byLeaf[i] as Uint8Array)).toBe(toHex(theirs.hashForWitnessV1(i, scripts, values, 0, leaf?.leafHash)))
    })
  })
  it('count the vsize of a transaction signed by subset leaves with deposit coins exactly', () => {
    const deposits = inputs.map((input) => ({ ...input, u: reclaimable.u }))
    const leaf = committee.subsets.find((l) => l.path.length === 3)
    const control = new Uint8Array(33 + 32 * 4)
    const witness = [new Uint8Array(64), leaf?.script as Uint8Array, control]
    const signed = withWitnesses(
      build(1_000n),
      deposits.map(() => witness),
    )
    const counted = batchVsize({ inputCount: 2, inputWeight: committee.inputWeight, payoutScriptLengths: [22] })
    expect(counted).toBe(vsize(signed))
  })
  it('count the CHECKSIGADD witness above 15 members exactly', () => {
    const big = committeeOf(21)
    const signatures = Array.from({ length: 21 }, () => new Uint8Array(64))
    const witness = thresholdWitness(big, big.checksigadd, reclaimable.u, signatures)
    const signed = withWitnesses(build(1_000n), [witness, witness])
    expect(batchVsize({ inputCount: 2, inputWeight: big.inputWeight, payoutScriptLengths: [22] })).toBe(vsize(signed))
    expect(witness.filter((item) => item.length === 64).length).toBe(15)
    expect(() => thresholdWitness(big, big.checksigadd, plain.u, signatures.slice(0, 14))).toThrow(/15/)
  })
})

describe.skipIf(!hasVectors)('BIP341 wallet test vectors', () => {
  type Tree = { id: number; script: string; leafVersion: number } | Tree[]
  interface Vectors {
    scriptPubKey: {
      given: { internalPubkey: string; scriptTree: Tree | null }
      intermediary: { merkleRoot: string | null; tweak: string; tweakedPubkey: string }
    }[]
    keyPathSpending: {
      given: { rawUnsignedTx: string; utxosSpent: { scriptPubKey: string; amountSats: number }[] }
      inputSpending: { given: { txinIndex: number; hashType: number }; intermediary: { sigHash: string } }[]
    }[]
  }
  const vectors = () => vectorJson<Vectors>('bips/bip-0341/wallet-test-vectors.json')
  const rootOf = (tree: Tree): Uint8Array =>
    Array.isArray(tree)
      ? tapBranchHash(rootOf(tree[0] as Tree), rootOf(tree[1] as Tree))
      : tapLeafHash(fromHex(tree.script))
  const onlyTapscript = (tree: Tree | null): boolean =>
    tree === null || (Array.isArray(tree) ? tree.every(onlyTapscript) : tree.leafVersion === 0xc0)

  it('tweaks and roots', () => {
    let checked = 0
    for (const { given, intermediary } of vectors().scriptPubKey) {
      if (!onlyTapscript(given.scriptTree)) continue
      const root = given.scriptTree ? rootOf(given.scriptTree) : new Uint8Array(0)
      const key = tapTweakKey(fromHex(given.internalPubkey), root)
      expect([key.tweak, key.x].map(toHex)).toEqual([`0x${intermediary.tweak}`, `0x${intermediary.tweakedPubkey}`])
      checked++
    }
    expect(checked).toBeGreaterThan(3)
  })
  it('sighashes of type DEFAULT', () => {
    let checked = 0
    for (const { given, inputSpending } of vectors().keyPathSpending) {
      const coins = given.utxosSpent.map((u) => ({ sats: BigInt(u.amountSats), script: fromHex(u.scriptPubKey) }))
      const messages = taprootSighashes(decodeTransaction(fromHex(given.rawUnsignedTx)), coins)
      for (const { given: input, intermediary } of inputSpending.filter((s) => s.given.hashType === 0)) {
        expect(toHex(messages.keyPath(input.txinIndex))).toBe(`0x${intermediary.sigHash}`)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(0)
  })
})
