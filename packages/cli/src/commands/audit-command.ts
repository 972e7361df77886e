import { openSource } from '@hawser/node'
import type { Command } from 'commander'
import { audit, type AuditReport } from '../audit.ts'
import { findTrust } from '../chain-spec-file.ts'
import { connect } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { btc, columns, weiAsBtc } from '../format.ts'
import { findL1 } from '../l1-access.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** An audit for people: what is held, what is owed, what is left, to the satoshi. */
export function describeAudit(report: AuditReport): string[] {
  const { block, bitcoin } = report
  const rows: [string, string][] = [
    ['Final block', `${block.number}  ${block.hash}`],
    ['Finality', report.finalityProven ? 'votes and state proofs are checked' : 'not checked: no --chain-spec'],
    ['Custody', `${btc(report.custodySats)} in ${report.coins} coins, which add up to ${btc(report.coinSats)}`],
    ['Circulating', weiAsBtc(report.circulatingWei)],
    ['Withdrawals', `${btc(report.pendingSats)} unsettled and ${btc(report.maxFeeSats)} of their max fees`],
    ['Claimable', weiAsBtc(report.claimableWei)],
    ['Owed', `${btc(report.liabilitySats)} (a part of a satoshi counts as one)`],
    ['Surplus', `${report.surplusSats} sat`],
  ]
  if (report.shortfallSats > 0n) rows.push(['Shortfall', `${report.shortfallSats} sat are written down as lost`])
  if (bitcoin) {
    const moving = bitcoin.spentByBatches > 0 ? `, ${bitcoin.spentByBatches} spent by batches on their way` : ''
    const missing = bitcoin.missing.length > 0 ? `, MISSING: ${bitcoin.missing.join(' ')}` : ''
    rows.push(['On Bitcoin', `${bitcoin.unspent} of ${report.coins} coins unspent${moving}${missing}`])
  }
  rows.push(['Verdict', report.passed ? 'covered to the satoshi' : 'NOT COVERED'])
  return columns(rows)
}

/** hawser audit */
export function addAudit(program: Command, session: Session): void {
  const command = program
    .command('audit')
    .description('reserves against liabilities to the satoshi at the last final block, recomputed here')
    .option('--l1 <url>', "also look for every coin on this Bitcoin node (a devnet's is found by itself)")
    .option('--l1-cookie <file>', "the Bitcoin node's cookie file")
    .option(
      '--chain-spec <file>',
      "check votes and prove every figure against this chain spec (a devnet's is found by itself)",
    )
  examples(
    command,
    [
      ['hawser audit', 'exit code 0: covered; 3: a gap'],
      ['hawser audit --json | jq .surplusSats', 'for scripts'],
    ],
    'owed = ceil((21,000,000 BTC - balance of the bridge) + unsettled withdrawals + their max fees + claimable amounts)',
  ).action(async () => {
    const options = optionsOf<{ l1?: string; l1Cookie?: string; chainSpec?: string }>(command)
    const access = findL1(options)
    const report = await audit(connect(options.rpc), access && openSource(access), findTrust(options))
    session.outputOf(options).result(report, describeAudit(report))
    if (!report.passed) session.exitCode = ExitCode.notCovered
  })
}
