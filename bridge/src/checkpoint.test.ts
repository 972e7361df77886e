import { checkpointScript, plainAddress, type BatchInput, type TxOutput } from '@hawser/bitcoin'
import { EmbeddedChain } from '@hawser/bitcoin/embedded'
import { toHex, uintBE, type BtcHash, type Hash32 } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { beforeEach, describe, expect, it } from 'vitest'
import { checkpointOf } from './checkpoint.ts'
import { CustodyRecords, HISTORY_BLOCKS } from './custody-records.ts'
import { scanBlock, type CustodySpend } from './scan-block.ts'
import { testMembers } from './testing/batch-fixture.ts'
import { spendCustody } from './testing/spend-custody.ts'

const own = testMembers(1)
const stranger = testMembers(1, 1)
const plain = plainAddress(own.committee, 'regtest').scriptPubKey
const strangers = plainAddress(stranger.committee, 'regtest').scriptPubKey
const ref = (number: number) => ({ number: BigInt(number), hash: toHex(uintBE(number, 32)) as Hash32 })
const says = (number: number, change = (script: Uint8Array) => script): TxOutput => ({
  sats: 0n,
  script: change(checkpointScript(ref(number))),
})

describe('a checkpoint in custody', () => {
  let bitcoin: EmbeddedChain
  let records: CustodyRecords
  let db: MemoryStore

  const open = async () => {
    records = new CustodyRecords(db, () => false)
    await records.load()
  }
  const scan = () =>
    scanBlock(bitcoin.tip, bitcoin.height, {
      chainId: 1n,
      plainScript: plain,
      addressOf: () => undefined,
      refusalOf: () => undefined,
      isCustody: (outpoint) => records.isCustody(outpoint),
    })
  /** The watcher's part: takes up what the best block has. */
  const take = () => records.take(scan())
  /** Mines a coin that can be spent, and says which it is. */
  const coinAt = async (script: Uint8Array): Promise<BatchInput> => {
    const [block] = bitcoin.mine(1, script)
    await take()
    bitcoin.mine(100, Uint8Array.of(0x51))
    return {
      txid: block?.txids[0] as BtcHash,
      vout: 0,
      sats: block?.transactions[0]?.outputs[0]?.sats ?? 0n,
      u: new Uint8Array(32),
    }
  }
  /** Has their owner spend coins, all but a fee to the last script. */
  const submit = (owner: typeof own, inputs: BatchInput[], outputs: TxOutput[], to = plain) => {
    const sats = inputs.reduce((sum, coin) => sum + coin.sats, -1_000n)
    const verdict = bitcoin.submit(spendCustody(owner, inputs, [...outputs, { sats, script: to }]))
    if (!verdict.accepted) throw new Error(verdict.reason)
    return verdict.entry.txid
  }
  const spend = async (owner: typeof own, inputs: BatchInput[], outputs: TxOutput[], to = plain) => {
    const txid = submit(owner, inputs, outputs, to)
    bitcoin.mine(1, Uint8Array.of(0x51))
    await take()
    return txid
  }
  const newest = () => records.newestCheckpoint(() => true)

  beforeEach(async () => {
    bitcoin = new EmbeddedChain()
    db = new MemoryStore()
    await open()
  })

  it('counts when custody is spent beside it, and is there again after a restart', async () => {
    const txid = await spend(own, [await coinAt(plain)], [says(7)])
    expect(newest()).toEqual({ ...ref(7), txid, height: bitcoin.height })
    await open()
    expect(newest()).toEqual({ ...ref(7), txid, height: bitcoin.height })
  })

  it('does not count when a stranger writes it, whether or not he pays custody', async () => {
    const coins = [await coinAt(strangers), await coinAt(strangers)]
    await spend(stranger, coins.slice(0, 1), [says(7)], strangers)
    await spend(stranger, coins.slice(1), [says(8)])
    expect(newest()).toBeUndefined()
    // The stranger's payment is custody now: what the committee says when it spends that counts.
    const [txid] = bitcoin.tip.txids.slice(1) as [BtcHash]
    const sats = bitcoin.coin(txid, 1)?.sats ?? 0n
    await spend(own, [{ txid, vout: 1, sats, u: new Uint8Array(32) }], [says(9)])
    expect(newest()).toMatchObject(ref(9))
  })

  it.each([
    ['another version', [says(7, (script) => script.map((byte, i) => (i === 6 ? 2 : byte)))]],
    ['another mark', [says(7, (script) => script.map((byte, i) => (i === 2 ? byte + 1 : byte)))]],
    ['no block', []],
  ])('does not count with %s', async (_, outputs) => {
    await spend(own, [await coinAt(plain)], outputs)
    expect(records.unfinishedSpends()).toHaveLength(1)
    expect(newest()).toBeUndefined()
  })

  it('is the one that stands last in Bitcoin, in a block too, whatever its number', async () => {
    const coins = []
    for (let i = 0; i < 4; i++) coins.push(await coinAt(plain))
    const [first, ...others] = coins as [BatchInput, ...BatchInput[]]
    await spend(own, [first], [says(9)])
    for (const [i, coin] of others.entries()) submit(own, [coin], [says(8 - i)])
    bitcoin.mine(1, Uint8Array.of(0x51))
    const found = scan()
    const [a, b, c] = found.spends as [CustodySpend, CustodySpend, CustodySpend]
    expect([a, b, c].map(({ proof }) => proof.index)).toEqual([1, 2, 3])
    // Whatever the order in which they are come upon.
    await records.take({ ...found, spends: [b, c, a] })
    expect(newest()).toMatchObject({ txid: c.txid, height: bitcoin.height })
  })

  it('stays when it is history, until a later one is history too', async () => {
    const first = await spend(own, [await coinAt(plain)], [says(7)])
    const done = async () => {
      for (const record of records.unfinishedSpends()) await records.finishSpend(record)
      await records.archive(bitcoin.height + HISTORY_BLOCKS)
    }
    await done()
    expect(newest()?.txid).toBe(first)
    const second = await spend(own, [await coinAt(plain)], [says(8)])
    await done()
    await open()
    expect(newest()?.txid).toBe(second)
    expect(records.newestCheckpoint(({ txid }) => txid === first)).toBeUndefined()
  })

  describe('by what the source says', () => {
    let found: CustodySpend
    const coin = () => {
      const payment = records.payment(found.spent[0]?.outpoint ?? { txid: '0x' as BtcHash, vout: 0 })
      if (!payment) throw new Error('the coin was taken up')
      return payment
    }
    beforeEach(async () => {
      await spend(own, [await coinAt(plain)], [says(7)])
      found = records.unfinishedSpends()[0] as CustodySpend
    })

    it('does not count for a coin that its depositor may take back, but beside one that he may not', () => {
      const reclaimable = { ...coin(), refundKey: new Uint8Array(32) }
      expect(checkpointOf(found, coin)).toMatchObject(ref(7))
      expect(checkpointOf(found, () => reclaimable)).toBeUndefined()
      const both = [{ index: 0, outpoint: { txid: found.txid, vout: 0 } }, ...found.spent]
      const payment = ({ txid }: { txid: BtcHash }) => (txid === found.txid ? reclaimable : coin())
      expect(checkpointOf({ ...found, spent: both }, payment)).toMatchObject(ref(7))
    })

    it('does not count when the transaction is not in the block, or is another one', () => {
      const { proof } = found
      const branch = proof.branch.map((hash) => hash.map((byte) => byte ^ 1))
      expect(checkpointOf({ ...found, proof: { ...proof, branch } }, coin)).toBeUndefined()
      const forged = Uint8Array.from(proof.transaction)
      forged[forged.length - 1] = 1
      expect(checkpointOf({ ...found, proof: { ...proof, transaction: forged } }, coin)).toBeUndefined()
      expect(checkpointOf({ ...found, txid: coin().txid }, coin)).toBeUndefined()
      expect(checkpointOf({ ...found, blockHash: bitcoin.atHeight(1)?.header.hash as BtcHash }, coin)).toBeUndefined()
    })
  })
})
