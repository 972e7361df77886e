import { schnorr } from '@noble/curves/secp256k1.js'
import { address, displayBtcHash, type BtcHash, type Hash32 } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildBatchTransaction, type BatchInput } from '../batch.ts'
import { depositAddress, depositReturnScript, plainAddress } from '../deposit.ts'
import { HeaderChain } from '../header-chain.ts'
import { parseHeader } from '../header.ts'
import { verifyInclusionProof } from '../inclusion-proof.ts'
import { buildReclaimTransaction } from '../reclaim.ts'
import { p2pkhScript, p2shScript, p2trScript, p2wpkhScript, p2wshScript } from '../script.ts'
import { signByKeyPath, signBySubset, signByThreshold, testCommittee } from '../testing/custody-signer.ts'
import { encodeTransaction, txid, type Transaction } from '../transaction.ts'
import { BitcoindSource } from './bitcoind-source.ts'
import { L1Wallet } from './l1-wallet.ts'

/** A fresh regtest chain to test against. */
export interface ComplianceBackend {
  readonly source: BitcoindSource
  stop(): Promise<void>
}

const named = (name: string) => expect.objectContaining({ name })
const rejected = (reason: RegExp) =>
  expect.objectContaining({
    name: 'BROADCAST_REJECTED',
    info: expect.objectContaining({ reason: expect.stringMatching(reason) }),
  })
const rpcCode = (code: number) => expect.objectContaining({ info: expect.objectContaining({ rpcCode: code }) })

/** What every Bitcoin backend must do alike: the embedded chain and a real bitcoind run the same tests. */
export function describeBitcoinBackend(name: string, start: () => Promise<ComplianceBackend>): void {
  describe(`a Bitcoin backend: ${name}`, () => {
    let backend: ComplianceBackend
    let source: BitcoindSource
    let wallet: L1Wallet
    const account = address('0x00112233445566778899aabbccddeeff00112233')
    const refundSecret = new Uint8Array(32).fill(0x77)

    beforeAll(async () => {
      backend = await start()
      source = backend.source
      wallet = new L1Wallet(source, new Uint8Array(32).fill(5))
      await wallet.ensureFunds(1_000_000_000n)
    })
    afterAll(() => backend?.stop())

    const mined = async (tx: Transaction): Promise<void> => {
      await wallet.mine(1)
      const block = await source.block((await source.tip()).hash)
      expect(block.transactions.map(txid)).toContain(txid(tx))
    }

    it('is on regtest and says so; another network is refused', async () => {
      expect((await source.identify()).deployments).toContain('taproot')
      const other = new BitcoindSource(source.client, { network: 'mainnet' })
      await expect(other.identify()).rejects.toThrow(named('BITCOIND_BAD_ANSWER'))
    })

    it('gives headers that the light client accepts from genesis to the tip', async () => {
      const tip = await source.tip()
      const headers = await source.headers(0, 2_000)
      expect(headers.length).toBe(tip.height + 1)
      const genesis = parseHeader(headers[0] as Uint8Array)
      const chain = new HeaderChain({
        network: 'regtest',
        height: 0,
        header: `0x${Buffer.from(genesis.raw).toString('hex')}`,
        chainWork: 2n,
        periodStartTimeS: genesis.timeS,
        periodBits: genesis.bits,
      })
      const nowS = Math.floor(Date.now() / 1000)
      for (const raw of headers.slice(1)) expect(chain.add(raw, nowS)).toMatchObject({ status: 'added' })
      expect(chain.best).toMatchObject({ hash: tip.hash, height: tip.height, chainWork: tip.chainWork })
      expect(await source.headers(tip.height + 1, 10)).toEqual([])
    })

    it('pays every standard script, proves the payment, and shows its outputs', async () => {
      const h20 = new Uint8Array(20).fill(1)
      const scripts = [
        p2pkhScript(h20),
        p2shScript(h20),
        p2wpkhScript(h20),
        p2wshScript(new Uint8Array(32).fill(1)),
        p2trScript(wallet.script('p2tr').slice(2)),
      ]
      const sent = await wallet.send(scripts.map((to) => ({ to, sats: 10_000n })))
      expect(await source.isInMempool(sent.txid)).toBe(true)
      expect((await source.utxo(sent.txid, 0))?.confirmations).toBe(0)
      await mined(sent.tx)
      const { hash } = await source.tip()
      const proof = await source.transactionProof(sent.txid, hash)
      expect(verifyInclusionProof(proof)).toMatchObject({
        txid: sent.txid,
        blockHash: hash,
        index: 1,
        isCoinbase: false,
      })
      const coinbase = txid((await source.block(hash)).transactions[0] as Transaction)
      expect(verifyInclusionProof(await source.transactionProof(coinbase, hash))).toMatchObject({
        index: 0,
        isCoinbase: true,
      })
      for (const [vout, script] of scripts.entries())
        expect(await source.utxo(sent.txid, vout)).toEqual({
          sats: 10_000n,
          script,
          confirmations: 1,
          isCoinbase: false,
        })
      expect(await source.utxo(sent.txid, 99)).toBeUndefined()
      await expect(source.transactionProof(sent.txid, `0x${'11'.repeat(32)}` as BtcHash)).rejects.toThrow(
        named('BITCOIN_NOT_FOUND'),
      )
    })

    it('spends Taproot coins of the wallet by key path', async () => {
      await wallet.send([{ to: wallet.address('p2tr', 1), sats: 50_000n }])
      await wallet.mine(1)
      await wallet.sync()
      const coin = wallet.coins().filter((c) => String(c.script) === String(wallet.script('p2tr', 1)))
      const sent = await wallet.send([{ to: wallet.address(), sats: 40_000n }], { coins: coin })
      await mined(sent.tx)
    })

    it('takes a known transaction as done, before and after it is mined', async () => {
      const sent = await wallet.send([{ to: wallet.address(), sats: 20_000n }])
      expect(await source.broadcast(sent.raw)).toBe('accepted')
      await mined(sent.tx)
      expect(await source.broadcast(sent.raw)).toBe('known')
    })

    it('replaces by a higher fee and refuses a lower one', async () => {
      await wallet.sync()
      const coins = wallet
        .coins()
        .filter((c) => c.height > 0 && c.sats > 1_000_000n)
        .slice(0, 1)
      const at = (feeRateSatPerVb: number) =>
        wallet.build([{ to: wallet.address(), sats: 100_000n }], { coins, feeRateSatPerVb })
      await source.broadcast(at(5).raw)
      await expect(source.broadcast(at(4).raw)).rejects.toThrow(rejected(/insufficient fee/))
      expect(await source.broadcast(at(12).raw)).toBe('accepted')
      expect(await source.isInMempool(at(5).txid)).toBe(false)
      await mined(at(12).tx)
      await expect(source.broadcast(at(30).raw)).rejects.toThrow(rejected(/missingorspent/))
    })

    it('refuses dust, too low a fee, and a changed signature, each by name', async () => {
      await wallet.sync()
      const dust = wallet.build([{ to: p2trScript(wallet.script('p2tr').slice(2)), sats: 329n }])
      await expect(source.broadcast(dust.raw)).rejects.toThrow(rejected(/^dust/))
      const cheap = wallet.build([{ to: wallet.address(), sats: 100_000n }], { feeRateSatPerVb: 0.05 })
      await expect(source.broadcast(cheap.raw)).rejects.toThrow(rejected(/^min relay fee not met/))
      const good = wallet.build([{ to: wallet.address(), sats: 100_000n }])
      const outputs = good.tx.outputs.map((o, i) => (i === 0 ? { ...o, sats: o.sats - 1n } : o))
      const forged = encodeTransaction({ ...good.tx, outputs })
      await expect(source.broadcast(forged)).rejects.toThrow(rejected(/script-verify-flag/))
      expect(await source.testAccept(forged)).toMatchObject({
        allowed: false,
        reason: expect.stringMatching(/script-verify/),
      })
      expect(await source.testAccept(good.raw)).toMatchObject({ allowed: true })
    })

    it('answers in bitcoind\u2019s error codes', async () => {
      const { client } = source
      await expect(client.call('getblockhash', [1_000_000])).rejects.toThrow(rpcCode(-8))
      await expect(client.call('getblock', ['11'.repeat(32)])).rejects.toThrow(rpcCode(-5))
      await expect(client.call('getblock', ['xx'])).rejects.toThrow(rpcCode(-8))
      await expect(client.call('nosuchmethod')).rejects.toThrow(rpcCode(-32601))
      await expect(client.call('sendrawtransaction', ['00'])).rejects.toThrow(rpcCode(-22))
      await expect(client.call('getmempoolentry', ['11'.repeat(32)])).rejects.toThrow(rpcCode(-5))
      await expect(client.call('getrawtransaction', ['11'.repeat(32)])).rejects.toThrow(rpcCode(-5))
      await expect(client.call('gettxoutproof', [[]])).rejects.toThrow(rpcCode(-8))
      await expect(client.call('generatetoaddress', [1, 'nonsense'])).rejects.toThrow(rpcCode(-5))
      await expect(client.call('getblockhash', ['one'])).rejects.toThrow(rpcCode(-3))
      const mixed = await client.batch([{ method: 'getblockcount' }, { method: 'nosuchmethod' }])
      expect(mixed.map((answer) => answer.ok)).toEqual([true, false])
    })

    it('finds coins by script', async () => {
      const found = await source.client.call<{ success: boolean; unspents: unknown[]; total_amount: number }>(
        'scantxoutset',
        ['start', [`addr(${wallet.address()})`]],
      )
      await wallet.sync()
      expect(found.success).toBe(true)
      expect(found.unspents.length).toBeGreaterThan(50)
    })

    describe.each([4, 7, 16])('custody of %i members', (n) => {
      const test = testCommittee(n)
      const { committee } = test
      const base = { committee, network: 'regtest', chainId: 18443n, account } as const
      const plain = plainAddress(committee, 'regtest')
      const deposit = depositAddress(base)
      const reclaimable = depositAddress({ ...base, refundKey: schnorr.getPublicKey(refundSecret), csv: 6 })

      const fund = async (): Promise<BatchInput[]> => {
        const kinds = [plain, deposit, reclaimable]
        const outputs = kinds.map((kind) => ({ to: kind.address, sats: 100_000n }))
        const sent = await wallet.send([...outputs, { to: depositReturnScript(18443n, account), sats: 0n }])
        await mined(sent.tx)
        return kinds.map(({ u }, vout) => ({ txid: sent.txid, vout, sats: 100_000n, u }))
      }
      const batchOf = (inputs: readonly BatchInput[]) =>
        buildBatchTransaction({
          inputs,
          payouts: [{ script: p2wpkhScript(new Uint8Array(20).fill(9)), sats: 50_000n }],
          checkpoint: { number: 7n, hash: `0x${'cd'.repeat(32)}` as Hash32 },
          changeScript: plain.scriptPubKey,
          feeSats: 10_000n,
        })

      it('spends all kinds of coins by key path', async () => {
        const inputs = await fund()
        const tx = signByKeyPath(test, inputs, batchOf(inputs))
        expect(await source.broadcast(encodeTransaction(tx))).toBe('accepted')
        await mined(tx)
      })
      it.skipIf(n > 15)('spends by a subset\u2019s leaf, and not by another subset\u2019s signature', async () => {
        const inputs = await fund()
        const [first, last] = [committee.subsets[0], committee.subsets.at(-1)]
        const tx = signBySubset(test, inputs, batchOf(inputs), last as never)
        const wrong = signBySubset(test, inputs, batchOf(inputs), {
          ...(last as object),
          members: first?.members,
        } as never)
        await expect(source.broadcast(encodeTransaction(wrong))).rejects.toThrow(rejected(/script-verify-flag/))
        expect(await source.broadcast(encodeTransaction(tx))).toBe('accepted')
        await mined(tx)
      })
      it('spends by CHECKSIGADD with exactly the threshold', async () => {
        const inputs = await fund()
        const members = Array.from({ length: n }, (_, i) => i).slice(n - committee.t)
        const tx = signByThreshold(test, inputs, batchOf(inputs), committee.checksigadd, members)
        expect(await source.broadcast(encodeTransaction(tx))).toBe('accepted')
        await mined(tx)
      })
      it('does not let the management keys move a young coin', async () => {
        const inputs = await fund()
        const members = Array.from({ length: committee.t }, (_, i) => i)
        const early = { ...batchOf(inputs), inputs: batchOf(inputs).inputs.map((i) => ({ ...i, sequence: 52_560 })) }
        const tx = signByThreshold(test, inputs, early, committee.recovery, members)
        await expect(source.broadcast(encodeTransaction(tx))).rejects.toThrow(rejected(/non-BIP68-final/))
        const ignoring = signByThreshold(test, inputs, batchOf(inputs), committee.recovery, members)
        await expect(source.broadcast(encodeTransaction(ignoring))).rejects.toThrow(
          rejected(/Locktime|UNSATISFIED_LOCKTIME/i),
        )
      })
      it('lets the depositor reclaim after csv blocks, not before', async () => {
        const coin = (await fund())[2] as BatchInput
        const tx = buildReclaimTransaction({
          deposit: reclaimable,
          coin,
          toScript: wallet.script(),
          feeSats: 1_000n,
          refundSecretKey: refundSecret,
        })
        const raw = encodeTransaction(tx)
        // The coin has one confirmation; csv is 6.
        await wallet.mine(4)
        await expect(source.broadcast(raw)).rejects.toThrow(rejected(/non-BIP68-final/))
        await wallet.mine(1)
        expect(await source.broadcast(raw)).toBe('accepted')
        await mined(tx)
      })
    })

    it('tells of new tips and of reorganisations, and the wallet follows', async () => {
      const stop = new AbortController()
      const tips = source.changes(stop.signal)
      const next = async () => (await tips.next()).value as { hash: BtcHash; height: number }
      const before = await next()
      const sent = await wallet.send([{ to: wallet.address('p2wpkh', 3), sats: 123_456n }])
      const [first] = await wallet.mine(1)
      const second = await next()
      expect(second).toMatchObject({ hash: first, height: before.height + 1 })
      await source.client.call('invalidateblock', [displayBtcHash(second.hash)])
      expect(await source.isInMempool(sent.txid)).toBe(true)
      // To the same address bitcoind would make the very block again that was just invalidated.
      await wallet.mine(2, { to: wallet.address('p2wpkh', 4) })
      const { hash } = await source.tip()
      for (let seen = await next(); seen.hash !== hash;) seen = await next()
      expect(await source.blockHash(before.height + 1)).not.toBe(second.hash)
      await wallet.sync()
      expect(wallet.coins().some((coin) => coin.txid === sent.txid && coin.sats === 123_456n)).toBe(true)
      await source.client.call('reconsiderblock', [displayBtcHash(second.hash)])
      expect((await source.tip()).hash).toBe(hash)
      stop.abort()
      expect((await tips.next()).done).toBe(true)
    })
  })
}
