import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { schnorr } from '@noble/curves/secp256k1.js'
import { btcHashFromDisplay, concatBytes, fromHex, hash256, toHex, uintBE, type Clock } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { merkleRoot } from '../merkle.ts'
import { p2trScript, p2wpkhScript, pushData } from '../script.ts'
import { taprootSighashes } from '../sighash.ts'
import { controlBlock, tapLeafHash, tapTweakKey } from '../taproot.ts'
import { txid, wtxid, type Transaction } from '../transaction.ts'
import { EmbeddedChain } from './embedded-chain.ts'
import { checkScripts } from './script-check.ts'

const clock: Clock = { nowMs: () => 1_700_000_000_000, after: () => () => undefined }
const secret = new Uint8Array(32).fill(1)
const internal = schnorr.getPublicKey(secret)
// A bare output key, so that a plain Schnorr signature spends it.
const script = p2trScript(internal)
const elsewhere = p2wpkhScript(new Uint8Array(20))

function fresh(options = {}): EmbeddedChain {
  return new EmbeddedChain({ clock, ...options })
}

/** Spends an output of `from` to outputs, the rest of the value being the fee. */
function spend(from: Transaction, outputs: Transaction['outputs'], sequence = 0xfffffffd, version = 2): Transaction {
  const unsigned: Transaction = {
    version,
    inputs: [{ txid: txid(from), vout: 0, scriptSig: new Uint8Array(0), sequence, witness: [] }],
    outputs,
    locktime: 0,
  }
  const message = taprootSighashes(unsigned, [from.outputs[0] as never]).keyPath(0)
  const witness = [schnorr.sign(message, secret)]
  return { ...unsigned, inputs: unsigned.inputs.map((input) => ({ ...input, witness })) }
}
const coinbaseOf = (chain: EmbeddedChain, height: number) => chain.atHeight(height)?.transactions[0] as Transaction
const reason = (chain: EmbeddedChain, tx: Transaction) => {
  const verdict = chain.test(tx)
  return verdict.accepted ? 'accepted' : verdict.reason
}
const FIFTY = 5_000_000_000n

describe('the embedded chain', () => {
  it('starts from regtest’s genesis block and mines blocks with a witness commitment', () => {
    const chain = fresh()
    expect(chain.tip.header.hash).toBe(
      btcHashFromDisplay('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206'),
    )
    expect(chain.tip.header.merkleRoot).toBe(chain.tip.txids[0])
    chain.mine(101, script)
    chain.submit(spend(coinbaseOf(chain, 1), [{ sats: FIFTY - 1_000n, script }]))
    const [block] = chain.mine(1, script)
    const [coinbase, tx] = block?.transactions as [Transaction, Transaction]
    const root = merkleRoot([new Uint8Array(32), fromHex(wtxid(tx))]).root
    const commitment = hash256(concatBytes(root, new Uint8Array(32)))
    expect(toHex(coinbase.outputs[1]?.script as Uint8Array)).toBe(`0x6a24aa21a9ed${toHex(commitment).slice(2)}`)
    expect(coinbase.outputs[0]?.sats).toBe(FIFTY + 1_000n)
  })
  it('halves the subsidy every 150 blocks', () => {
    const chain = fresh()
    chain.mine(300, script)
    expect([149, 150, 299, 300].map((h) => coinbaseOf(chain, h).outputs[0]?.sats)).toEqual([
      FIFTY,
      FIFTY / 2n,
      FIFTY / 2n,
      FIFTY / 4n,
    ])
  })
  it('lets a coinbase be spent after 100 blocks, not before', () => {
    const chain = fresh()
    chain.mine(99, script)
    const tx = spend(coinbaseOf(chain, 1), [{ sats: FIFTY - 1_000n, script }])
    expect(reason(chain, tx)).toBe('bad-txns-premature-spend-of-coinbase')
    chain.mine(1, script)
    expect(reason(chain, tx)).toBe('accepted')
  })
  it('names what is wrong with a transaction', () => {
    const chain = fresh()
    chain.mine(110, script)
    const from = coinbaseOf(chain, 1)
    const good = spend(from, [{ sats: FIFTY - 1_000n, script }])
    const pay = (sats: bigint, to = script) => spend(from, [{ sats, script: to }])
    const forged = { ...good, inputs: good.inputs.map((i) => ({ ...i, witness: [new Uint8Array(64).fill(1)] })) }
    expect(reason(chain, pay(FIFTY + 1n))).toBe('bad-txns-in-belowout')
    expect(reason(chain, pay(FIFTY))).toBe('min relay fee not met')
    expect(reason(chain, pay(293n, elsewhere))).toBe('dust')
    expect(reason(chain, pay(294n, elsewhere))).toBe('accepted')
    expect(reason(chain, pay(1_000n, new Uint8Array(40).fill(0x51)))).toBe('scriptpubkey')
    expect(
      reason(
        chain,
        spend(
          from,
          [1, 2].map(() => ({ sats: 0n, script: fromHex('6a0101') })),
        ),
      ),
    ).toBe('multi-op-return')
    expect(reason(chain, spend(from, [{ sats: 1_000n, script }], 20, 4))).toBe('version')
    expect(reason(chain, { ...good, inputs: [...good.inputs, ...good.inputs] })).toBe('bad-txns-inputs-duplicate')
    expect(reason(chain, forged)).toMatch(/^mandatory-script-verify-flag-failed/)
    expect(reason(chain, { ...good, locktime: 5_000 })).toBe('non-final')
    expect(reason(chain, spend(good, [{ sats: 1_000n, script }]))).toBe('missing-inputs')
    expect(reason(chain, from)).toBe('coinbase')
  })
  it('checks the age of coins (BIP68) by blocks', () => {
    const chain = fresh()
    chain.mine(105, script)
    const old = (sequence: number) =>
      reason(chain, spend(coinbaseOf(chain, 5), [{ sats: 1_000_000n, script }], sequence))
    expect(old(101)).toBe('accepted')
    expect(old(102)).toBe('non-BIP68-final')
    expect(old(0x8000_0000 + 102)).toBe('accepted')
  })
  it('replaces by fee only when the newcomer pays for all that goes', () => {
    const chain = fresh()
    chain.mine(101, script)
    const from = coinbaseOf(chain, 1)
    const at = (fee: bigint) => spend(from, [{ sats: FIFTY - fee, script }])
    const child = spend(at(1_000n), [{ sats: FIFTY - 6_000n, script }])
    chain.submit(at(1_000n))
    chain.submit(child)
    expect(reason(chain, at(1_000n))).toBe('txn-already-in-mempool')
    expect(reason(chain, at(1_001n))).toBe('insufficient fee')
    // Parent and child pay 6,000; the newcomer needs that and a sat for each of its 111 vB.
    expect(reason(chain, at(6_110n))).toBe('insufficient fee')
    const verdict = chain.submit(at(6_111n))
    expect(verdict.accepted && verdict.replaces.length).toBe(2)
    expect(chain.mempool.entries().map((e) => e.feeSats)).toEqual([6_111n])
  })
  it('limits a chain of unconfirmed transactions to 25', () => {
    const chain = fresh()
    chain.mine(101, script)
    let tx = coinbaseOf(chain, 1)
    const verdicts = Array.from({ length: 26 }, (_, i) => {
      tx = spend(tx, [{ sats: FIFTY - 1_000n * BigInt(i + 1), script }])
      const verdict = chain.submit(tx)
      return verdict.accepted ? 'ok' : verdict.reason
    })
    expect(verdicts.slice(0, 25).every((v) => v === 'ok')).toBe(true)
    expect(verdicts[25]).toBe('too-long-mempool-chain')
    expect(chain.mine(1, script)[0]?.transactions.length).toBe(26)
  })
  it('leaves cheap transactions in the mempool during a fee spike', () => {
    const chain = fresh()
    chain.mine(102, script)
    chain.submit(spend(coinbaseOf(chain, 1), [{ sats: FIFTY - 1_000n, script }]))
    chain.setFeeRate(50)
    chain.submit(spend(coinbaseOf(chain, 2), [{ sats: FIFTY - 10_000n, script }]))
    expect(chain.mine(1, script)[0]?.transactions.length).toBe(2)
    chain.setFeeRate(1)
    expect(chain.mine(1, script)[0]?.transactions.length).toBe(2)
  })
  it('reorganises: coins return, transactions go back to the mempool and into the new branch', () => {
    const chain = fresh()
    chain.mine(101, script)
    const coinsBefore = new Map(chain.coins)
    const tx = spend(coinbaseOf(chain, 1), [{ sats: FIFTY - 1_000n, script }])
    chain.submit(tx)
    const [old] = chain.mine(2, script)
    const [replaced] = chain.reorganise(2, script, { blocks: 3, includeMempool: false })
    expect(chain.isOnMainChain(old as never)).toBe(false)
    expect(replaced?.height).toBe(102)
    expect(chain.height).toBe(104)
    expect(chain.mempool.get(txid(tx))).toBeDefined()
    for (const [key, coin] of coinsBefore) expect(chain.coins.get(key)).toEqual(coin)
    expect(chain.coins.size).toBe(coinsBefore.size + 3)
    expect(chain.mine(1, script)[0]?.transactions.length).toBe(2)
    expect(chain.coin(txid(tx), 0)?.height).toBe(105)
  })
  it('comes back from its data folder with the same tip, also after an invalidation and a torn write', () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'hawser-embedded-'))
    try {
      const chain = fresh({ dataDir })
      chain.mine(5, script)
      chain.reorganise(3, script, { blocks: 2 })
      const tip = chain.tip.header.hash
      chain.close()
      const again = fresh({ dataDir })
      expect(again.tip.header.hash).toBe(tip)
      expect([...again.coins]).toEqual([...chain.coins])
      again.mine(1, script)
      again.close()
      const path = join(dataDir, 'embedded-blocks.dat')
      truncateSync(path, readFileSync(path).length - 1)
      const torn = fresh({ dataDir })
      expect(torn.tip.header.hash).toBe(tip)
      const next = torn.mine(1, script)[0]?.header.hash
      torn.close()
      expect(fresh({ dataDir }).tip.header.hash).toBe(next)
      writeFileSync(path, new Uint8Array(0))
      expect(fresh({ dataDir }).height).toBe(0)
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})

describe('the script check', () => {
  it('accepts x-only keys that begin with a 00 byte, as leaf key and as internal key', () => {
    let found = 0
    for (let i = 1; found < 3; i++) {
      const key = uintBE(i, 32)
      const x = schnorr.getPublicKey(key)
      if (x[0] !== 0) continue
      found++
      const leaf = concatBytes(pushData(x), Uint8Array.of(0xac))
      const { x: q, parity } = tapTweakKey(x, tapLeafHash(leaf))
      const coin = { sats: 10_000n, script: p2trScript(q) }
      const unsigned: Transaction = {
        version: 2,
        inputs: [
          { txid: `0x${'01'.repeat(32)}` as never, vout: 0, scriptSig: new Uint8Array(0), sequence: 0, witness: [] },
        ],
        outputs: [{ sats: 9_000n, script: elsewhere }],
        locktime: 0,
      }
      const signature = schnorr.sign(taprootSighashes(unsigned, [coin]).leaf(0, tapLeafHash(leaf)), key)
      const withWitness = (witness: Uint8Array[]) => ({
        ...unsigned,
        inputs: unsigned.inputs.map((input) => ({ ...input, witness })),
      })
      const control = controlBlock(parity, x, [])
      expect(checkScripts(withWitness([signature, leaf, control]), [coin])).toBeUndefined()
      const flipped = Uint8Array.from(control, (byte, at) => (at === 0 ? byte ^ 1 : byte))
      expect(checkScripts(withWitness([signature, leaf, flipped]), [coin])).toBeDefined()
      expect(
        checkScripts(withWitness([signature.map((b, at) => (at === 9 ? b ^ 1 : b)), leaf, control]), [coin]),
      ).toBeDefined()
    }
  })
})
