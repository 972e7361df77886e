// Measures a node and a devnet and prints tables: npm run bench [-- --write docs/benchmarks.md]
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { ROOT, startDevnet } from '../kit/devnet.ts'
import { measureHeaderRates } from './header-rates.ts'
import { closeConnections } from './json-rpc-load.ts'
import { measureBlockCost, measureCommit } from './consensus-costs.ts'
import { measureBlockFinality, measureFinality, measurePeg, type Latency } from './latencies.ts'
import { measureInProcess } from './in-process.ts'
import { startAnvil, startHardhat, startOurs, type Contestant } from './peers/contestants.ts'
import { measureMillion, measurePeers, type PeerRate } from './peers/peer-rates.ts'
import { measureSync } from './sync-rate.ts'
import { measureSimulatedFinality, measureSimulator } from './simulated-finality.ts'
import { measureTransferRates, type Sender, type TransferRate } from './transfer-rates.ts'

/** Signed transactions of each of ten senders, for each kind of load. */
const PER_SENDER_DEVNET = 150
/** How long blocks of a quiet devnet are watched. */
const WATCH_MS = 60_000

const { values: options } = parseArgs({
  options: {
    write: { type: 'string' },
    quick: { type: 'boolean', default: false },
    // Takes some minutes more.
    million: { type: 'boolean', default: false },
    // Takes a quarter of an hour more.
    sync: { type: 'boolean', default: false },
  },
})
const scale = options.quick ? 0.1 : 1
const sections: string[] = []

function section(title: string, columns: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [columns, columns.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  )
  const text = `## ${title}\n\n${lines.join('\n')}\n`
  sections.push(text)
  console.log(`\n${text}`)
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** Resident memory of a process in MB; undefined where the system does not say. */
function residentMb(pid: number): number | undefined {
  try {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? undefined : Number(kb) / 1024
  } catch {
    return undefined
  }
}

function transferSection(title: string, rates: readonly TransferRate[]): void {
  section(
    title,
    ['load', 'transactions', 'accepted/s', 'in blocks/s', 'blocks', 'all final after s'],
    rates.map((rate) => [
      rate.name,
      rate.transactions,
      round(rate.acceptedPerSecond),
      round(rate.includedPerSecond),
      rate.blocks,
      round(rate.finalAfterSeconds),
    ]),
  )
}

/** One row for each load, one pair of columns for each contestant, and our ratios to them. */
function peerSection(rates: readonly PeerRate[]): void {
  const names = [...new Set(rates.map(({ contestant }) => contestant))]
  const rateOf = (name: string, load: string) =>
    rates.find(({ contestant, load: other }) => contestant === name && other === load) as PeerRate
  const [ours, ...others] = names as [string, ...string[]]
  section(
    'One node beside its peers: 50 accounts, 10 connections, blocks of one second, persistence on',
    [
      'load',
      ...names.flatMap((name) => [`${name}/s`, 'CPU ms each']),
      ...others.flatMap((name) => [`rate: ${ours} to ${name}`, 'CPU']),
    ],
    [...new Set(rates.map(({ load }) => load))].map((load) => {
      const own = rateOf(ours, load)
      return [
        load,
        ...names.flatMap((name) => {
          const { perSecond, cpuMs } = rateOf(name, load)
          return [round(perSecond), cpuMs === undefined ? 'unknown' : cpuMs.toFixed(3)]
        }),
        ...others.flatMap((name) => {
          const other = rateOf(name, load)
          const cpu =
            own.cpuMs === undefined || other.cpuMs === undefined
              ? 'unknown'
              : `${(own.cpuMs / other.cpuMs).toFixed(2)}x`
          return [`${(own.perSecond / other.perSecond).toFixed(2)}x`, cpu]
        }),
      ]
    }),
  )
}

function latencySection(title: string, latencies: readonly Latency[]): void {
  section(
    title,
    ['what', 'unit', 'samples', 'median', 'p99'],
    latencies.map(({ name, unit, samples, median, p99 }) => [name, unit, samples, round(median), round(p99)]),
  )
}

const memory: (readonly [string, number | undefined])[] = []

const headers = await measureHeaderRates()
section(
  'Bitcoin headers',
  ['checked by', 'headers', 'headers/s', 'gas a header'],
  [
    ['HeaderChain (TypeScript)', headers.headers, round(headers.typescriptPerSecond), ''],
    [
      'BitcoinLightClient (Solidity, in our engine)',
      headers.headers,
      round(headers.solidityPerSecond),
      round(headers.gasPerHeader),
    ],
  ],
)

const inProcess = await measureInProcess()
section(
  'In one process',
  ['what', 'value'],
  [
    ['EthereumJS as it comes, transfers/s', round(inProcess.ethereumJsPerSecond)],
    ['our engine, the same transfers/s: decoded, recovered, built, imported', round(inProcess.oursPerSecond)],
    ['ratio', round(inProcess.oursPerSecond / inProcess.ethereumJsPerSecond)],
    ['import of a block of 1,000 transfers from a peer, senders known, ms', round(inProcess.importMs)],
  ],
)

const contestants: Contestant[] = []
try {
  contestants.push(await startOurs(), await startAnvil())
  const hardhat = await startHardhat()
  if (typeof hardhat === 'string') console.log(`without Hardhat: ${hardhat}`)
  else contestants.push(hardhat)
  for (const { name, residentMb: mb } of contestants) memory.push([`${name}, one node, idle`, mb()])
  peerSection(
    await measurePeers(contestants, { rounds: options.quick ? 1 : 3, perAccount: 300 * scale, reads: 10_000 * scale }),
  )
  for (const { name, residentMb: mb } of contestants) memory.push([`${name}, one node, after the load`, mb()])
} finally {
  for (const contestant of contestants) await contestant.stop()
}

if (options.million) {
  const node = await startOurs()
  try {
    const { memory: samples, perSecond } = await measureMillion(node)
    section(
      `Memory of one node under 1,000,000 transfers (${round(perSecond)}/s with the time to sign them)`,
      ['transfers', 'resident MB'],
      samples.map(({ transfers, residentMb: mb }) => [transfers, mb === undefined ? 'unknown' : round(mb)]),
    )
  } finally {
    await node.stop()
  }
}

if (options.sync) {
  const rates = await measureSync(100_000 * scale)
  section(
    'A new node and one other that has 100,000 empty blocks, both on this machine',
    ['way', 'blocks', 'in step after s', 'blocks/s'],
    rates.map(({ how, blocks, seconds }) => [
      how === 'full' ? 'every block executed' : 'state of the last final block',
      blocks,
      round(seconds),
      how === 'full' ? round(blocks / seconds) : '',
    ]),
  )
}

section(
  'A justification of 100 validators, 67 precommits',
  ['what', 'ms'],
  [['verified, native library', round(measureCommit())]],
)

const devnet = await startDevnet()
try {
  for (const [i, validator] of devnet.validators.entries())
    memory.push([`devnet validator ${i}, idle`, residentMb(validator.pid)])
  latencySection('Latency on a quiet devnet of four validators', await measureFinality(devnet))
  latencySection('Latency of the peg on that devnet, Bitcoin mining at once', await measurePeg(devnet))
  const senders = devnet.accounts as readonly Sender[]
  const rates = await measureTransferRates(devnet.rpcUrl, senders, PER_SENDER_DEVNET * scale)
  transferSection('Throughput of the devnet, all four validators on this machine', rates)
  for (const [i, validator] of devnet.validators.entries())
    memory.push([`devnet validator ${i}, after the load`, residentMb(validator.pid)])
  const cost = await measureBlockCost(devnet)
  section(
    'What a quiet block costs one of four validators',
    ['processor ms', 'bytes in', 'bytes out'],
    [[round(cost.cpuMs), round(cost.bytesIn), round(cost.bytesOut)]],
  )
  const healthy = await measureBlockFinality(devnet, 'block seen to final, all four', WATCH_MS)
  await devnet.validators[3]?.kill()
  const silent = await measureBlockFinality(devnet, 'block seen to final, one of four silent', WATCH_MS)
  latencySection('Finality of a quiet devnet', [healthy, silent])
} finally {
  await devnet.stop()
}

section(
  'Simulated networks, 20 to 150 ms from node to node: from the arrival of a block until it is final',
  ['validators', 'median ms', 'p99 ms', 'median in mean delays'],
  [4, 10, 31, 100].map((nodes) => {
    const { medianMs, p99Ms, delays } = measureSimulatedFinality(nodes)
    return [nodes, round(medianMs), round(p99Ms), round(delays)]
  }),
)
const simulator = await measureSimulator(scale)
section('Simulator', ['seeds', 'seeds a minute in one process'], [[simulator.seeds, round(simulator.perMinute)]])

section(
  'Memory',
  ['process', 'resident MB'],
  memory.map(([name, mb]) => [name, mb === undefined ? 'unknown' : round(mb)]),
)
closeConnections()

if (options.write !== undefined) {
  const [cpu] = cpus()
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}-${process.arch}, commit ${currentCommit()}`
  const head = [
    '# Benchmarks',
    '',
    `Measured with \`npm run bench -- --write docs/benchmarks.md\` on ${new Date().toISOString().slice(0, 10)}: ${machine}.`,
    'The load comes from a process of its own on the same machine, so it takes a part of the processors.',
    'Slots are 1 s long. On the devnet blocks hold 30M gas: no more than 1,428 transfers fit into a second there.',
    '',
    '',
  ].join('\n')
  writeFileSync(options.write, head + sections.join('\n'))
}

/** The commit that was measured, with a mark where files differ from it. */
function currentCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' with changes')
}
