// Measures a node and a devnet and prints tables: npm run bench [-- --write docs/benchmarks.md]
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { ROOT, startDevnet } from '../kit/devnet.ts'
import { measureHeaderRates } from './header-rates.ts'
import { closeConnections } from './json-rpc-load.ts'
import { measureFinality, measurePeg, type Latency } from './latencies.ts'
import { startSingleValidator } from './single-validator.ts'
import { measureTransferRates, type Sender, type TransferRate } from './transfer-rates.ts'

/** Signed transactions of each of ten senders, for each kind of load. */
const PER_SENDER_SINGLE = 400
const PER_SENDER_DEVNET = 150

const { values: options } = parseArgs({
  options: { write: { type: 'string' }, quick: { type: 'boolean', default: false } },
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

const single = await startSingleValidator()
try {
  memory.push(['single validator, idle', residentMb(single.pid)])
  const rates = await measureTransferRates(single.rpcUrl, single.senders, PER_SENDER_SINGLE * scale)
  transferSection('Throughput of one validator with its database', rates)
  memory.push(['single validator, after the load', residentMb(single.pid)])
} finally {
  await single.stop()
}

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
} finally {
  await devnet.stop()
}

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
    'Slots are 1 s long and blocks hold 30M gas: no more than 1,428 transfers fit into a second.',
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
