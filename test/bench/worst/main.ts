// The slowest gas there is: npm run bench:worst
import { worstCases } from './cases.ts'
import { measure, prepare, type Rate } from './measure.ts'

const wanted = new RegExp(process.argv[2] ?? '.', 'i')
const cases = worstCases().filter(({ name }) => wanted.test(name))
const run = await prepare(cases)
const rates: Rate[] = []
for (const [index, { name }] of cases.entries()) {
  const rate = await measure(run, index, name)
  rates.push(rate)
  console.error(`${name.padEnd(48)} ${rate.mgasPerSecond.toFixed(1).padStart(9)} Mgas/s`)
}
rates.sort((a, b) => a.mgasPerSecond - b.mgasPerSecond)
console.log(`| slowest first | Mgas/s | ms for one transaction of 2^24 gas |\n|---|---:|---:|`)
for (const { name, mgasPerSecond, transactionMs } of rates)
  console.log(`| ${name} | ${mgasPerSecond.toFixed(1)} | ${transactionMs.toFixed(0)} |`)
