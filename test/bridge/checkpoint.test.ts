import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { schnorr } from '@noble/curves/secp256k1.js'
import {
  batchSighashes,
  buildBatchTransaction,
  plainAddress,
  thresholdWitness,
  withWitnesses,
  type BatchCheckpoint,
} from '@hawser/bitcoin'
import { EmbeddedChain, serveEmbeddedRpc, type EmbeddedRpcServer } from '@hawser/bitcoin/embedded'
import type { ChainSpec } from '@hawser/chain'
import { GuardedSigner } from '@hawser/consensus'
import { committeeOf, devnetSpec } from '@hawser/genesis'
import { createNode, devValidatorKeys, validatorSpecOf, writeKeyFile, type HawserNode } from '@hawser/node'
import { displayBtcHash, silentLogger, systemClock, type BtcHash, type Hash32, type Logger } from '@hawser/primitives'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const keys = devValidatorKeys(0)
const nobody = Uint8Array.of(0x51)
const FALSE_HASH = `0x${'fa'.repeat(32)}` as Hash32

/** A chain of one validator, who is the whole committee too, on an embedded Bitcoin. */
describe('a node and the checkpoint in custody', () => {
  let folder: string
  let bitcoin: EmbeddedChain
  let server: EmbeddedRpcServer
  let spec: ChainSpec
  let node: HawserNode | undefined
  let signer: GuardedSigner
  let fatal: string[]
  let warnings: string[]
  /** How far the node's clock is ahead. */
  let aheadMs: number

  beforeEach(async () => {
    aheadMs = 0
    folder = mkdtempSync(join(tmpdir(), 'hawser-checkpoint-'))
    bitcoin = new EmbeddedChain()
    server = await serveEmbeddedRpc(bitcoin)
    const genesisTime = Math.floor(Date.now() / 1000)
    spec = devnetSpec({ genesisTime, validators: [validatorSpecOf(keys)] })
    writeFileSync(join(folder, 'spec.json'), JSON.stringify(spec))
    for (const name of ['node', 'session', 'bitcoin'] as const) writeKeyFile(join(folder, name), keys[name])
  })
  afterEach(async () => {
    await node?.stop()
    node = undefined
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(): Promise<HawserNode> {
    fatal = []
    warnings = []
    const logger: Logger = {
      ...silentLogger,
      warn: (_, text) => warnings.push(text),
      child: () => logger,
    }
    const { user, password } = server.credentials as { user: string; password: string }
    return (node = await createNode({
      config: {
        chainSpec: join(folder, 'spec.json'),
        dataDir: folder,
        keys: { node: join(folder, 'node'), session: join(folder, 'session'), bitcoin: join(folder, 'bitcoin') },
        p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootnodes: [] },
        rpc: null,
        metrics: { host: '127.0.0.1', port: 0 },
        bitcoin: { url: server.url, user, password },
        log: { level: 'silent' },
      },
      logger,
      clock: { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs },
      allowFreshGuard: true,
      iAmOnly: true,
      onFatal: (reason) => fatal.push(reason),
      makes: {
        createSigner: (network, sessionKey, guard) => (signer = new GuardedSigner(network, sessionKey, guard)),
      },
    }))
  }

  /** The committee spends a coin of its plain address in the form of a batch, one Bitcoin block deep. */
  function nameFinal(checkpoint: BatchCheckpoint): BtcHash {
    const committee = committeeOf(spec)
    const changeScript = plainAddress(committee, 'regtest').scriptPubKey
    const [block] = bitcoin.mine(1, changeScript)
    bitcoin.mine(100, nobody)
    const [coinbase] = block?.transactions ?? []
    const sats = coinbase?.outputs[0]?.sats ?? 0n
    const inputs = [{ txid: block?.txids[0] as BtcHash, vout: 0, sats, u: new Uint8Array(32) }]
    const tx = buildBatchTransaction({ inputs, payouts: [], checkpoint, changeScript, feeSats: 1_000n })
    const [message] = batchSighashes(committee, inputs, tx, committee.checksigadd) as [Uint8Array]
    const signatures = [schnorr.sign(message, keys.bitcoin)]
    const witness = thresholdWitness(committee, committee.checksigadd, new Uint8Array(32), signatures)
    const verdict = bitcoin.submit(withWitnesses(tx, [witness]))
    if (!verdict.accepted) throw new Error(verdict.reason)
    bitcoin.mine(1, nobody)
    return verdict.entry.txid
  }

  const finalNumber = () => node?.status().finalized.number ?? 0n
  const health = async () =>
    (await (await fetch(`http://127.0.0.1:${node?.metricsPort}/health`)).json()) as { checkpoint: unknown }
  const seal = (slot: bigint) => signer.sign({ kind: 'seal', slot, blockHash: FALSE_HASH })

  it('goes on with the chain that Bitcoin knows, and stops for good when Bitcoin names another', async () => {
    await start()
    await expect.poll(finalNumber, { timeout: 20_000 }).toBeGreaterThan(0n)
    const { finalized } = node?.status() as { finalized: BatchCheckpoint }
    nameFinal(finalized)
    await expect
      .poll(health, { timeout: 20_000 })
      .toMatchObject({ checkpoint: { number: Number(finalized.number), hash: finalized.hash } })
    await expect.poll(finalNumber, { timeout: 20_000 }).toBeGreaterThan(finalized.number)
    expect(fatal).toEqual([])

    // No block comes meanwhile: Bitcoin alone has it stop.
    aheadMs = -60_000
    const txid = nameFinal({ ...finalized, hash: FALSE_HASH })
    await expect.poll(() => fatal.length, { timeout: 20_000 }).toBe(1)
    for (const part of [finalized.hash, FALSE_HASH, displayBtcHash(txid)]) expect(fatal[0]).toContain(part)
    const later = BigInt(Math.floor(Date.now() / 1000) + 3_600)
    await expect(seal(later)).rejects.toMatchObject({ code: 'SIGNER_REFUSED' })
    await node?.stop()

    // It does not begin again either, whatever Bitcoin says meanwhile: nothing is signed after the start.
    const stood = node?.status().head
    aheadMs = 0
    await start()
    expect(fatal).toHaveLength(1)
    await expect(seal(later)).rejects.toMatchObject({ code: 'SIGNER_REFUSED' })
    expect(node?.status().head).toEqual(stood)
  })

  it('makes no other block of the number that Bitcoin names', async () => {
    // A checkpoint of a chain that is not here: the committee made block 3 of it final long ago.
    nameFinal({ number: 3n, hash: FALSE_HASH })
    // The clock stands before the first slot until Bitcoin has been read.
    aheadMs = -60_000
    await start()
    await expect.poll(health, { timeout: 20_000 }).toMatchObject({ checkpoint: { number: 3, hash: FALSE_HASH } })
    expect(node?.status().head.number).toBe(0n)
    aheadMs = 0
    await expect
      .poll(() => warnings, { timeout: 20_000 })
      .toContain('refused a chain that custody on Bitcoin does not know')
    expect(await health()).toMatchObject({
      head: { number: 2 },
      reasons: expect.arrayContaining([expect.stringContaining('custody on Bitcoin names block 3 as final')]),
    })
  })
})
