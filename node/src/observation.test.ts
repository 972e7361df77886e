import { readFileSync } from 'node:fs'
import type { BlockHeader } from '@ethereumjs/block'
import { fromHex, toHex, uintBE, type Address, type Hash32, type Logger } from '@hawser/primitives'
import { afterEach, describe, expect, it } from 'vitest'
import { ChainObserver } from './chain-observer.ts'
import { healthOf, type HealthContext } from './health.ts'
import { MetricsServer } from './metrics-server.ts'
import { NodeMetrics, type NodeFacts } from './metrics.ts'

const hashOf = (n: number) => toHex(uintBE(n, 32)) as Hash32
const ref = (n: number) => ({ number: BigInt(n), hash: hashOf(n) })
const validators = ['0xaa', '0xbb', '0xcc', '0xdd'].map((a) => a.padEnd(42, '0') as Address)
const [a, b, c, d] = validators as [Address, Address, Address, Address]

function facts(over: Partial<NodeFacts> = {}): NodeFacts {
  return {
    head: () => ({ ...ref(9), timestamp: 1_000n }),
    finalized: () => ref(8),
    peers: () => [
      { id: 'x', score: 0, validator: a },
      { id: 'y', score: 0 },
      // It was one, or has a key that nobody voted in.
      { id: 'z', score: 0, validator: '0x77'.padEnd(42, '7') as Address },
    ],
    finality: () => ({ setId: 2n, round: 17n, stalled: false, validators }),
    round: () => undefined,
    pool: () => ({ pending: 3, queued: 1 }),
    syncing: () => false,
    lastSealedSlot: () => 998n,
    clockOffsetMs: () => 20,
    checkpoint: () => ref(8),
    ...over,
  }
}

const silent = { info: () => undefined, error: () => undefined } as unknown as Logger
let clockMs = 0
const clock = { nowMs: () => clockMs, after: () => () => undefined }

/** Blocks by number; each in a slot of one second. */
function observed(slots: readonly number[]) {
  const lines: Record<string, unknown>[] = []
  const headers = slots.map(
    (slot, n) =>
      ({
        number: BigInt(n),
        timestamp: BigInt(slot),
        parentHash: fromHex(hashOf(n - 1 < 0 ? 0 : n - 1)),
        gasUsed: 21_000n,
      }) as BlockHeader,
  )
  const header = (hash: Hash32) => headers.find(({ number }) => hashOf(Number(number)) === hash)
  const metrics = new NodeMetrics(facts())
  const observer = new ChainObserver({
    slotSeconds: 1,
    header,
    block: (hash) => {
      const found = header(hash)
      return found && { header: found, transactions: 1 }
    },
    finalized: () => ref(0),
    author: (slot) => validators[Number(slot % 4n)] as Address,
    metrics,
    clock,
    logger: { ...silent, info: (line: Record<string, unknown>) => lines.push(line) } as unknown as Logger,
  })
  return { observer, metrics, lines }
}

describe('the observer of the chain', () => {
  it('counts empty slots as those of whose they were, when the block behind them is final', async () => {
    // Slots 102 (c), 103 (d) and 106 (c) stay empty; before block 1 there was nobody to miss one.
    const { observer, metrics } = observed([0, 100, 101, 104, 105, 107])
    observer.onFinalized([1, 2, 3, 4, 5].map(ref))
    expect(await Promise.all(validators.map((v) => metrics.missedSlots(v)))).toEqual([0, 0, 2, 1])
    expect([a, b, c, d]).toEqual(validators)
  })

  it('tells the story of a slot in one line, and of a sync in one for a thousand blocks', () => {
    const { observer, lines } = observed([0, 100, 103])
    clockMs = 103_250
    observer.onImported(ref(2), 'gossip')
    observer.onHead({ head: ref(2), added: [ref(2)], removed: [ref(1)] })
    expect(lines).toEqual([
      {
        number: 2,
        hash: hashOf(2),
        slot: 103,
        author: d,
        origin: 'gossip',
        afterMs: 250,
        txs: 1,
        gas: 21_000,
        skipped: 2,
        reorganized: 1,
        final: 0,
      },
    ])
    observer.onImported(ref(1), 'sync')
    observer.onHead({ head: ref(1), added: [ref(1)], removed: [] })
    expect(lines).toHaveLength(1)
  })

  it('measures from a block being stored to its being final', async () => {
    const { observer, metrics } = observed([0, 100, 101])
    clockMs = 1_000
    observer.onImported(ref(1), 'own')
    clockMs = 1_300
    observer.onFinalized([ref(1)])
    const { body } = await metrics.text()
    expect(body).toContain('hawser_block_to_final_seconds_sum 0.3')
    expect(body).toContain('hawser_block_to_final_seconds_bucket{le="0.25"} 0')
    expect(body).toContain('hawser_block_to_final_seconds_bucket{le="0.5"} 1')
    expect(body).toContain('hawser_blocks_imported_total{origin="own"} 1')
    expect(body).toContain('hawser_blocks_finalized_total 1')
  })
})

describe('health', () => {
  const context = (over: Partial<NodeFacts> = {}, rest: Partial<HealthContext> = {}): HealthContext => ({
    facts: facts(over),
    metrics: new NodeMetrics(facts()),
    slotSeconds: 1,
    nowMs: 1_002_000,
    validator: a,
    validators,
    ...rest,
  })

  it('is good when blocks come and become final', async () => {
    expect(await healthOf(context())).toEqual({
      healthy: true,
      reasons: [],
      head: { number: 9, hash: hashOf(9), ageSeconds: 2 },
      finalized: { number: 8, hash: hashOf(8) },
      checkpoint: { number: 8, hash: hashOf(8) },
      lagBlocks: 1,
      peers: 3,
      validatorPeers: 1,
      syncing: false,
      setId: 2,
      round: 17,
      validator: { address: a, inSet: true, missedSlots: 0, lastSealedSlot: 998 },
      votes: { in: 0, out: 0 },
    })
  })

  it.each([
    ['no peer is connected', context({ peers: () => [] })],
    ['blocks are being fetched', context({ syncing: () => true })],
    ['the best block is 21 s old: no blocks come', context({}, { nowMs: 1_021_000 })],
    ['finality makes no progress', context({ finality: () => ({ setId: 0n, round: 1n, stalled: true, validators }) })],
    ['the clock is 400 ms ahead of those of the other validators', context({ clockOffsetMs: () => -400 })],
    ['custody on Bitcoin names block 9 as final, which this node does not have', context({ checkpoint: () => ref(9) })],
    ['51 blocks are not final', context({ head: () => ({ ...ref(59), timestamp: 1_000n }) })],
  ])('is bad when %s', async (reason, of) => {
    expect(await healthOf(of)).toMatchObject({ healthy: false, reasons: [reason] })
  })

  it('knows of no checkpoint before the first withdrawal', async () => {
    expect(await healthOf(context({ checkpoint: () => undefined }))).toMatchObject({ healthy: true, checkpoint: null })
  })

  it('needs no peer for a validator that is alone', async () => {
    expect(await healthOf(context({ peers: () => [] }, { validators: [a] }))).toMatchObject({ healthy: true })
  })
})

describe('the server of metrics and health', () => {
  let server: MetricsServer | undefined
  afterEach(() => server?.stop())

  it('answers Prometheus, people, and nobody else', async () => {
    const metrics = new NodeMetrics(facts())
    metrics.message('in', 'votes', 124)
    metrics.message('in', 'votes', 124)
    let healthy = true
    server = await MetricsServer.start({
      host: '127.0.0.1',
      port: 0,
      logger: silent,
      metrics: () => metrics.text(),
      health: async () => ({
        ...(await healthOf({ facts: facts(), metrics, slotSeconds: 1, nowMs: 0, validators })),
        healthy,
      }),
    })
    const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${server?.port}${path}`, { method })
    const scraped = await get('/metrics')
    expect(scraped.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    const text = await scraped.text()
    for (const line of [
      'hawser_head_number 9',
      'hawser_finalized_number 8',
      'hawser_finality_lag_blocks 1',
      'hawser_peers 3',
      'hawser_validator_peers 1',
      'hawser_grandpa_round 17',
      'hawser_guard_last_sealed_slot 998',
      'hawser_messages_total{direction="in",name="votes"} 2',
      'hawser_message_bytes_total{direction="in",name="votes"} 248',
    ])
      expect(text.split('\n')).toContain(line)
    expect(text).toContain('process_cpu_seconds_total')
    expect(await (await get('/health')).json()).toMatchObject({ votes: { in: 2, out: 0 } })
    expect((await get('/health')).status).toBe(200)
    healthy = false
    expect((await get('/health')).status).toBe(503)
    expect((await get('/')).status).toBe(404)
    expect((await get('/metrics', 'POST')).status).toBe(405)
  })

  it('says which flag to change when its port is taken', async () => {
    const parts = {
      host: '127.0.0.1',
      logger: silent,
      metrics: () => Promise.reject(new Error('unused')),
      health: () => Promise.reject(new Error('unused')),
    }
    server = await MetricsServer.start({ ...parts, port: 0 })
    await expect(MetricsServer.start({ ...parts, port: server.port })).rejects.toThrow('--metrics-port')
  })
})

describe('the dashboard', () => {
  it('asks for metrics that the node has, and docs/monitoring.md names them all', async () => {
    const read = (file: string) => readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
    const { body } = await new NodeMetrics(facts()).text()
    const told = new Set(body.match(/^# TYPE \S+/gm)?.map((line) => line.slice('# TYPE '.length)))
    const asked = new Set(read('grafana-dashboard.json').match(/\b(hawser|process|nodejs)_[a-z_]+/g))
    expect(asked.size).toBeGreaterThan(15)
    for (const name of asked)
      expect(
        [name, name.replace(/_bucket$/, '')].some((known) => told.has(known)),
        name,
      ).toBe(true)
    const described = read('monitoring.md')
    const short = (name: string) => name.replace('hawser_grandpa', '')
    for (const name of told)
      if (name.startsWith('hawser_'))
        expect(described.includes(name) || described.includes(`\`${short(name)}\``), name).toBe(true)
  })
})
