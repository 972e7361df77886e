import { checkpointScript, depositAddress, plainAddress, verifyInclusionProof } from '@hawser/bitcoin'
import { EmbeddedChain } from '@hawser/bitcoin/embedded'
import type { ChainSpec, Transport } from '@hawser/chain'
import { address, silentLogger, toHex, type BtcHash, type Clock, type Hash32 } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AddressBook } from './address-book.ts'
import { ChainWatcherService } from './chain-watcher-service.ts'
import { FakeSource } from './testing/fake-source.ts'
import { testMembers } from './testing/batch-fixture.ts'
import { spendCustody } from './testing/spend-custody.ts'

const own = testMembers(1)
const { committee } = own
const account = address(`0x${'ab'.repeat(20)}`)
const nobody = Uint8Array.of(0x51)
const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the chain watcher', () => {
  let bitcoin: EmbeddedChain
  let source: FakeSource
  let db: MemoryStore
  let book: AddressBook
  let watcher: ChainWatcherService
  let timers: (() => void)[]
  /** The best block when the watcher had caught up last. */
  let scannedTip: BtcHash | undefined
  const running: ChainWatcherService[] = []

  async function start(genesisTime = 0) {
    scannedTip = undefined
    const genesis = bitcoin.atHeight(0)?.header
    if (!genesis) throw new Error('every chain has a genesis block')
    const checkpoint = { height: 0, header: toHex(genesis.raw), chainWork: '2', periodStartTime: genesis.timeS }
    const spec = {
      chainId: 18443,
      genesisTime,
      parent: { network: 'regtest', checkpoint: { ...checkpoint, periodBits: genesis.bits } },
      bridge: { reclaimCsvBlocks: 144, minDepositSats: 10_000, depositConfirmations: 3 },
    } as unknown as ChainSpec
    const transport = {
      publish: async () => undefined,
      subscribe: () => () => undefined,
      onPeer: () => () => undefined,
    } as unknown as Transport
    const clock: Clock = {
      nowMs: () => Date.now(),
      after: (_, callback) => {
        timers.push(callback)
        return () => undefined
      },
    }
    const parts = { spec, committee, db, clock, logger: silentLogger }
    const onScanned = () => (scannedTip = watcher.records.cursor?.hash)
    book = new AddressBook({ ...parts, transport, onAdded: (entry) => watcher.addressAdded(entry) })
    watcher = new ChainWatcherService({ ...parts, source, addresses: book, onScanned })
    await book.start()
    await watcher.start()
    running.push(watcher)
  }

  const caughtUp = async () => {
    while (watcher.records.cursor?.hash !== bitcoin.tip.header.hash) await tick()
  }

  beforeEach(() => {
    bitcoin = new EmbeddedChain()
    source = new FakeSource(bitcoin)
    db = new MemoryStore()
    timers = []
  })
  afterEach(async () => {
    for (const service of running.splice(0)) {
      const stopped = service.stop()
      for (const timer of timers.splice(0)) timer()
      await stopped
    }
  })

  it('finds payments to registered scripts and to the plain address, with proofs that verify', async () => {
    await start()
    const { scriptPubKey } = await book.register(account)
    const [block] = bitcoin.mine(1, scriptPubKey)
    bitcoin.mine(1, plainAddress(committee, 'regtest').scriptPubKey)
    await caughtUp()
    const payments = watcher.records.unfinishedPayments()
    expect(payments).toMatchObject([
      { kind: 'address', account, height: 1, isCoinbase: true, sats: 5_000_000_000n, blockHash: block?.header.hash },
    ])
    expect(payments[0]?.proof && verifyInclusionProof(payments[0].proof).blockHash).toBe(block?.header.hash)
    expect(watcher.records.isCustody({ txid: bitcoin.tip.txids[0] as never, vout: 0 })).toBe(true)
  })

  it('takes up a payment whose address is registered only after its block was scanned', async () => {
    await start()
    const parts = { committee, network: 'regtest', chainId: 18443n, account } as const
    bitcoin.mine(1, depositAddress(parts).scriptPubKey)
    bitcoin.mine(3, nobody)
    await caughtUp()
    expect(watcher.records.paymentsTo(account)).toEqual([])
    await book.register(account)
    while (watcher.records.paymentsTo(account).length === 0) await tick()
    expect(watcher.records.paymentsTo(account)).toMatchObject([{ height: 1 }])
  })

  it('follows a reorganisation: a payment whose block left stands in no best block', async () => {
    await start()
    const { scriptPubKey } = await book.register(account)
    bitcoin.mine(5, nobody)
    bitcoin.mine(1, scriptPubKey)
    await caughtUp()
    const [before] = watcher.records.unfinishedPayments()
    bitcoin.reorganise(3, nobody)
    await caughtUp()
    expect(watcher.chain.best.hash).toBe(bitcoin.tip.header.hash)
    expect(before && watcher.chain.isOnMainChain(before.blockHash)).toBe(false)
  })

  it('goes on after a restart where it stopped, with what it had found', async () => {
    await start()
    const { scriptPubKey } = await book.register(account)
    bitcoin.mine(1, scriptPubKey)
    bitcoin.mine(30, nobody)
    await caughtUp()
    const found = watcher.records.unfinishedPayments()
    source.asked.length = 0
    await start()
    bitcoin.mine(1, nobody)
    await caughtUp()
    expect(watcher.records.unfinishedPayments()).toEqual(found)
    // The first blocks are not read again.
    expect(source.asked).not.toContain(bitcoin.atHeight(1)?.header.hash)
  })

  /** A spend of custody that names a block as final, in the next Bitcoin block. */
  const nameFinal = async (number: bigint) => {
    const [block] = bitcoin.mine(1, plainAddress(committee, 'regtest').scriptPubKey)
    bitcoin.mine(100, nobody)
    const sats = block?.transactions[0]?.outputs[0]?.sats ?? 0n
    const coin = { txid: block?.txids[0] as BtcHash, vout: 0, sats, u: new Uint8Array(32) }
    const checkpoint = { number, hash: `0x${'cd'.repeat(32)}` as Hash32 }
    const verdict = bitcoin.submit(
      spendCustody(
        own,
        [coin],
        [
          { sats: 0n, script: checkpointScript(checkpoint) },
          { sats: sats - 1_000n, script: plainAddress(committee, 'regtest').scriptPubKey },
        ],
      ),
    )
    if (!verdict.accepted) throw new Error(verdict.reason)
    bitcoin.mine(1, nobody)
    await caughtUp()
    return { ...checkpoint, txid: verdict.entry.txid, height: bitcoin.height }
  }
  /** Mines blocks and waits until what follows from them is known. */
  const mined = async (count: number) => {
    bitcoin.mine(count, nobody)
    await scanned()
  }
  const scanned = async () => {
    while (scannedTip !== bitcoin.tip.header.hash) await tick()
  }

  it('takes a checkpoint as soon as it is as deep as a deposit has to be', async () => {
    await start()
    const checkpoint = await nameFinal(7n)
    await mined(1)
    expect(watcher.checkpoint).toBeUndefined()
    await mined(1)
    expect(watcher.checkpoint).toEqual(checkpoint)
  })

  it('goes back to the checkpoint before when Bitcoin reorganises a deeper one away', async () => {
    await start()
    const first = await nameFinal(7n)
    await nameFinal(8n)
    await mined(2)
    expect(watcher.checkpoint).toMatchObject({ number: 8n })
    bitcoin.reorganise(3, nobody, { includeMempool: false })
    await scanned()
    expect(watcher.checkpoint).toEqual(first)
    // It comes back as soon as its transaction is in a block again, and that block deep enough.
    await mined(2)
    expect(watcher.checkpoint).toEqual(first)
    await mined(1)
    expect(watcher.checkpoint).toMatchObject({ number: 8n, height: bitcoin.height - 2 })
  })

  it('takes none from a Bitcoin block that is older than the chain: it was said of another', async () => {
    await start()
    const checkpoint = await nameFinal(7n)
    await mined(2)
    const { timeS } = bitcoin.atHeight(checkpoint.height)?.header ?? { timeS: 0 }
    for (const [genesisTime, expected] of [
      [timeS, checkpoint],
      [timeS + 1, undefined],
    ] as const) {
      await watcher.stop()
      await start(genesisTime)
      expect(watcher.checkpoint).toEqual(expected)
      await scanned()
      expect(watcher.checkpoint).toEqual(expected)
    }
  })

  it('knows the checkpoint after a restart before Bitcoin answers, and forgets it when Bitcoin has reorganised it away', async () => {
    await start()
    const checkpoint = await nameFinal(7n)
    await mined(1)
    await watcher.stop()
    source.isDown = true
    await start()
    expect(watcher.checkpoint).toBeUndefined()
    await watcher.stop()
    source.isDown = false
    await start()
    await mined(1)
    await watcher.stop()
    source.isDown = true
    await start()
    expect(watcher.checkpoint).toEqual(checkpoint)
    bitcoin.reorganise(3, nobody, { includeMempool: false })
    source.isDown = false
    while (scannedTip !== bitcoin.tip.header.hash) {
      for (const timer of timers.splice(0)) timer()
      await tick()
    }
    expect(watcher.checkpoint).toBeUndefined()
  })

  it('keeps what it knows while the source is down, says so, and goes on when it is back', async () => {
    await start()
    bitcoin.mine(2, nobody)
    await caughtUp()
    source.isDown = true
    bitcoin.mine(1, nobody)
    while (watcher.status.error === undefined) await tick()
    expect(watcher.status).toMatchObject({ error: 'the source is down', tip: { height: 2 } })
    expect(watcher.chain.best.height).toBe(2)
    source.isDown = false
    while (watcher.chain.best.height !== 3) {
      for (const timer of timers.splice(0)) timer()
      await tick()
    }
    await caughtUp()
    expect(watcher.status.error).toBeUndefined()
  })
})
