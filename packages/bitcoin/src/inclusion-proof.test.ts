import { btcHashFromDisplay, concatBytes, fromHex, hash256, toHex, uintLE, type BtcHash } from '@hawser/primitives'
import * as bitcoin from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBlock } from './block.ts'
import { buildInclusionProof, verifyInclusionProof } from './inclusion-proof.ts'
import { merkleBranch, merkleRoot, rootFromBranch } from './merkle.ts'
import { buildPartialMerkleTree, parsePartialMerkleTree } from './partial-merkle-tree.ts'
import { hasVectors, vectorBytes, vectorJson } from './testing/vectors.ts'
import {
  decodeTransaction,
  encodeStripped,
  encodeTransaction,
  isCoinbase,
  txid,
  vsize,
  weight,
  wtxid,
} from './transaction.ts'

const code = (code: string) => expect.objectContaining({ name: code })

describe.skipIf(!hasVectors)('real blocks', () => {
  for (const name of ['mainnet-block-169482.dat', 'mainnet-block-227835.dat']) {
    const load = () => {
      const block = decodeBlock(vectorBytes(`bitcoin/${name}`))
      return { block, hashes: block.transactions.map((tx) => fromHex(txid(tx))) }
    }
    it(`${name}: decodes, and its Merkle root is the header's`, () => {
      const { block, hashes } = load()
      const { root, mutated } = merkleRoot(hashes)
      expect(toHex(root)).toBe(block.header.merkleRoot)
      expect(mutated).toBe(false)
      expect(isCoinbase(block.transactions[0] as never)).toBe(true)
    })
    it(`${name}: every transaction has a branch and an inclusion proof`, () => {
      const { block, hashes } = load()
      const root = fromHex(block.header.merkleRoot)
      for (const [i, tx] of block.transactions.entries()) {
        expect(rootFromBranch(hashes[i] as Uint8Array, i, merkleBranch(hashes, i))).toEqual(root)
        const partialTree = buildPartialMerkleTree(block.header.raw, hashes, new Set([0, i]))
        const coinbase = encodeTransaction(block.transactions[0] as never)
        const proof = buildInclusionProof({ partialTree, coinbase, transaction: encodeTransaction(tx) })
        expect(proof.branch).toEqual(merkleBranch(hashes, i))
        expect(proof.coinbaseBranch).toEqual(merkleBranch(hashes, 0))
        expect(verifyInclusionProof(proof)).toMatchObject({ txid: txid(tx), index: i, isCoinbase: i === 0 })
      }
    })
    it(`${name}: a proof with any byte changed is refused`, () => {
      const { block, hashes } = load()
      const last = hashes.length - 1
      const good = buildPartialMerkleTree(block.header.raw, hashes, new Set([0, last]))
      const original = toHex(hash256(good))
      for (let at = 84; at < good.length; at++) {
        const bad = Uint8Array.from(good)
        bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8))
        let leaves: string[] = []
        try {
          leaves = parsePartialMerkleTree(bad).leaves.map((l) => toHex(l.hash))
        } catch {
          continue
        }
        // A flipped leaf flag may show fewer leaves, never another one.
        expect(toHex(hash256(bad))).not.toBe(original)
        expect([toHex(hashes[0] as Uint8Array), toHex(hashes[last] as Uint8Array)]).toEqual(
          expect.arrayContaining(leaves),
        )
        expect(leaves.length).toBeLessThan(2)
      }
      expect(() => parsePartialMerkleTree(concatBytes(good, Uint8Array.of(0)))).toThrow(code('MERKLE_TREE_INVALID'))
      const many = Uint8Array.from(good)
      many.set(uintLE(16_667, 4), 80)
      expect(() => parsePartialMerkleTree(many)).toThrow(code('MERKLE_TREE_INVALID'))
    })
    it(`${name}: a changed proof does not verify`, () => {
      const { block, hashes } = load()
      const proof = buildInclusionProof({
        partialTree: buildPartialMerkleTree(block.header.raw, hashes, new Set([0, 1])),
        coinbase: encodeTransaction(block.transactions[0] as never),
        transaction: encodeTransaction(block.transactions[1] as never),
      })
      const flip = (bytes: Uint8Array) => Uint8Array.from(bytes, (b, i) => (i === 7 ? b ^ 1 : b))
      const bad = [
        { ...proof, index: 2 },
        { ...proof, index: 2 ** proof.branch.length + 1 },
        { ...proof, branch: proof.branch.slice(1) },
        { ...proof, branch: [...proof.branch, new Uint8Array(32)] },
        { ...proof, coinbase: proof.transaction, coinbaseBranch: proof.branch },
        { ...proof, transaction: flip(proof.transaction) },
        { ...proof, coinbase: flip(proof.coinbase) },
        { ...proof, transaction: new Uint8Array(64) },
      ]
      for (const forged of bad) expect(() => verifyInclusionProof(forged)).toThrow(code('INCLUSION_INVALID'))
    })
  }

  it('refuses a tree in which left and right hash are equal (CVE-2012-2459)', () => {
    const [a, b, c] = [1, 2, 3].map((n) => new Uint8Array(32).fill(n)) as [Uint8Array, Uint8Array, Uint8Array]
    const doubled = [a, b, c, c]
    expect(merkleRoot([a, b, c]).root).toEqual(merkleRoot(doubled).root)
    expect(merkleRoot(doubled).mutated).toBe(true)
    const header = concatBytes(new Uint8Array(36), merkleRoot(doubled).root, new Uint8Array(12))
    expect(() => parsePartialMerkleTree(buildPartialMerkleTree(header, doubled, new Set([3])))).toThrow(/equal/)
    expect(parsePartialMerkleTree(buildPartialMerkleTree(header, [a, b, c], new Set([2]))).leaves[0]?.index).toBe(2)
  })
})

describe.skipIf(!hasVectors)('the SPV proofs of another project', () => {
  interface Spv {
    version: string
    vin: string
    vout: string
    locktime: string
    tx_id: string
    index: number
    intermediate_nodes: string
    confirming_header: { raw: string; merkle_root: string; hash: string }
  }
  const data = () =>
    vectorJson<{ valid: string[]; badSPVProofs: { comment: string; proof: Spv }[] }>('bitcoin/summa-spv-proofs.json')
  const transactionOf = (p: Spv) => concatBytes(...[p.version, p.vin, p.vout, p.locktime].map(fromHex))
  const proves = (p: Spv): boolean => {
    try {
      const stripped = encodeStripped(decodeTransaction(transactionOf(p)))
      const nodes = fromHex(p.intermediate_nodes)
      const branch = Array.from({ length: nodes.length / 32 }, (_, i) => nodes.slice(32 * i, 32 * i + 32))
      const root = rootFromBranch(hash256(stripped), p.index, branch)
      const header = fromHex(p.confirming_header.raw)
      return toHex(hash256(stripped)) === p.tx_id && toHex(root) === toHex(header.slice(36, 68))
    } catch {
      return false
    }
  }
  it('the valid one proves, the bad ones do not', () => {
    for (const text of data().valid) expect(proves(JSON.parse(text) as Spv)).toBe(true)
    for (const { comment, proof } of data().badSPVProofs) expect(proves(proof), comment).toBe(false)
  })
})

describe('transactions', () => {
  // The P2WPKH example of BIP143, signed.
  const raw = fromHex(
    '01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000',
  )
  it('decodes and encodes a segwit transaction and knows its txid', () => {
    const tx = decodeTransaction(raw)
    expect(encodeTransaction(tx)).toEqual(raw)
    const theirs = bitcoin.Transaction.fromBuffer(raw)
    expect(txid(tx)).toBe(btcHashFromDisplay(theirs.getId()))
    expect(wtxid(tx)).toBe(toHex(theirs.getHash(true)))
    expect([vsize(tx), weight(tx)]).toEqual([theirs.virtualSize(), theirs.weight()])
  })
  it('refuses every truncation, a trailing byte, and what is above the limit before parsing it', () => {
    for (let n = 0; n < raw.length; n++)
      expect(() => decodeTransaction(raw.subarray(0, n)), String(n)).toThrow(code('TX_MALFORMED'))
    expect(() => decodeTransaction(concatBytes(raw, Uint8Array.of(0)))).toThrow(code('TX_MALFORMED'))
    expect(() => decodeTransaction(raw, raw.length - 1)).toThrow(code('BITCOIN_TOO_LARGE'))
  })
  it('survives a round trip whatever is in it, and agrees with bitcoinjs-lib', () => {
    const bytes = (max: number) => fc.uint8Array({ maxLength: max })
    const input = fc.record({
      txid: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => toHex(b) as BtcHash),
      vout: fc.nat(0xffff_ffff),
      scriptSig: bytes(300),
      sequence: fc.nat(0xffff_ffff),
      witness: fc.array(bytes(300), { maxLength: 3 }),
    })
    const output = fc.record({ sats: fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n }), script: bytes(70) })
    const any = fc.record({
      version: fc.integer(),
      inputs: fc.array(input, { minLength: 1, maxLength: 4 }),
      outputs: fc.array(output, { minLength: 1, maxLength: 4 }),
      locktime: fc.nat(0xffff_ffff),
    })
    fc.assert(
      fc.property(any, (tx) => {
        const encoded = encodeTransaction(tx)
        expect(decodeTransaction(encoded)).toEqual(tx)
        const theirs = bitcoin.Transaction.fromBuffer(encoded)
        expect(txid(tx)).toBe(btcHashFromDisplay(theirs.getId()))
        expect(weight(tx)).toBe(theirs.weight())
      }),
      { numRuns: 100 },
    )
  })
  it('refuses counts that the bytes cannot hold and lengths not minimally encoded', () => {
    expect(() => decodeTransaction(fromHex('01000000fe00000001'))).toThrow(/limit/)
    expect(() => decodeTransaction(fromHex('01000000fd0100' + '00'.repeat(50)))).toThrow(/minimally/)
  })
})
