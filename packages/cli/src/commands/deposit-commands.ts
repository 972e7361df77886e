import type { Deposit, DepositPhase } from '@hawser/sdk'
import type { Hex } from '@hawser/primitives'
import type { Command } from 'commander'
import { connect } from '../context.ts'
import { btc } from '../format.ts'
import { readAccount, readRefundKey, secondsOption, readTxid } from '../parse-arguments.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** The option stays so that it is refused with the reason. */
const NO_REFUND_KEY = 'not supported yet: the bridge cannot sweep such deposits'

/** How far a deposit is, in one line. */
export function describeDeposit(deposit: Deposit): string {
  const { txid, vout, sats, status, confirmations, required, reason } = deposit
  const progress = status === 'confirming' ? ` (${confirmations} of ${required} confirmations)` : ''
  return `${txid}:${vout}  ${btc(sats)}  ${status}${progress}${reason ? `: ${reason}` : ''}`
}

/** What a deposit waits for. */
export function describeDepositPhase(phase: DepositPhase, deposit?: Deposit): string {
  switch (phase) {
    case 'waiting':
      return 'waiting for the node to see the payment'
    case 'unconfirmed':
      return 'seen, waiting for a Bitcoin block'
    case 'confirming':
      return `confirming: ${deposit?.confirmations} of ${deposit?.required} blocks`
    case 'creditable':
      return 'deep enough, waiting to be credited'
    case 'credited':
      return 'credited, waiting to become final'
    case 'refused':
      return `refused: ${deposit?.reason}`
    case 'final':
      return 'credited and final'
  }
}

/** hawser deposit-address, deposits, claim */
export function addDepositCommands(program: Command, session: Session): void {
  addDepositAddress(program, session)
  addDeposits(program, session)
  addClaim(program, session)
}

function addDepositAddress(program: Command, session: Session): void {
  const command = program
    .command('deposit-address')
    .description(
      'the Bitcoin address whose payments credit an EVM account; asked of the node and derived here: both must agree',
    )
    .argument('<account>', 'the EVM account to credit', readAccount)
    .option('--refund-key <hex>', NO_REFUND_KEY, readRefundKey)
  examples(command, [
    [
      'hawser deposit-address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
      'pay the address that it prints from any wallet',
    ],
    ['hawser l1 send $(hawser deposit-address 0xf39F… --json | jq -r .address) 0.5', "pay it from the devnet's wallet"],
  ]).action(async (account: Hex) => {
    const options = optionsOf<{ refundKey?: Hex }>(command)
    const found = await connect(options.rpc).getDepositAddress({ account, refundKey: options.refundKey })
    session.outputOf(options).result({ account, ...found }, found.address)
  })
}

function addDeposits(program: Command, session: Session): void {
  const command = program
    .command('deposits')
    .description("the payments to an account's deposit addresses, and how far they are")
    .argument('<account>', 'the EVM account', readAccount)
    .option(
      '--wait',
      'wait for the next payment until it is credited and final; those that are final already do not count',
    )
    .option('--txid <txid>', 'look at this Bitcoin transaction alone', readTxid)
    .addOption(secondsOption('--timeout <seconds>', 'how long to wait', [1, 86_400], 1_800_000))
  examples(command, [
    ['hawser deposits 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', 'list them'],
    ['hawser deposits 0xf39F… --wait --txid $(hawser l1 send bcrt1p… 0.5)', 'see one through'],
  ]).action(async (account: Hex) => {
    const options = optionsOf<{ wait?: boolean; txid?: string; timeout: number }>(command)
    const output = session.outputOf(options)
    const client = connect(options.rpc)
    if (options.wait) {
      const deposit = await client.waitForDeposit({
        account,
        txid: options.txid,
        timeoutMs: options.timeout,
        onProgress: (phase, at) => output.progress(describeDepositPhase(phase, at)),
      })
      return output.result({ ...deposit, final: true }, `${describeDeposit(deposit)}, final`)
    }
    const deposits = (await client.getDeposits({ account })).filter(
      ({ txid }) => !options.txid || txid === options.txid,
    )
    output.result(deposits, deposits.length === 0 ? `no payment to ${account} is known` : deposits.map(describeDeposit))
  })
}

function addClaim(program: Command, session: Session): void {
  const command = program
    .command('claim')
    .description('tell the node of a payment to a deposit address that was derived offline')
    .argument('<txid>', 'the Bitcoin transaction, as explorers show it', readTxid)
    .requiredOption('--to <account>', 'the EVM account whose deposit address it pays', readAccount)
    .option('--refund-key <hex>', NO_REFUND_KEY, readRefundKey)
  examples(command, [
    ['hawser claim 4a5e…a33b --to 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', 'it is credited as any other'],
  ]).action(async (txid: string) => {
    const options = optionsOf<{ to: Hex; refundKey?: Hex }>(command)
    const { to: account, refundKey } = options
    const deposits = await connect(options.rpc).claimDeposit({ txid, account, refundKey })
    session.outputOf(options).result(deposits, deposits.map(describeDeposit))
  })
}
