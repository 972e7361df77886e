import type { Withdrawal, WithdrawalProgress } from '@hawser/sdk'
import type { Hex } from '@hawser/primitives'
import type { Command } from 'commander'
import { connect, type CliClient, type GlobalOptions } from '../context.ts'
import { btc, columns, weiAsSats } from '../format.ts'
import type { Output } from '../output.ts'
import { readAccount, readAmount, readId, readReceiver, readSats, secondsOption } from '../parse-arguments.ts'
import { signerFrom, withSigner, type SignerOptions } from '../signer.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** One line for one request. */
export function describeWithdrawal(withdrawal: Withdrawal): string {
  const { id, amountSats, to, status, reason, txid, vout, feeSats } = withdrawal
  const end = txid === undefined ? (reason ? `: ${reason}` : '') : ` by ${txid}:${vout}, fee ${feeSats} sat`
  return `${id}  ${btc(amountSats)} to ${to}  ${status}${end}`
}

/** What a withdrawal has reached, in one line. */
export function describeWithdrawalPhase({ phase, withdrawal, batch }: WithdrawalProgress): string {
  const by = batch?.path ? ` (${batch.path})` : ''
  switch (phase) {
    case 'queued':
      return `queued${withdrawal.reason ? `: ${withdrawal.reason}` : ''}`
    case 'batched':
      return `in batch ${withdrawal.batchId}`
    case 'final':
      return 'the block that formed the batch is final'
    case 'signing':
      return 'the committee signs with MuSig2'
    case 'signed':
      return `signed${by}`
    case 'broadcast':
      return `broadcast as ${batch?.txid}${by}`
    case 'confirmed':
      return 'in a Bitcoin block, waiting for depth and settlement'
    case 'settled':
      return `settled by ${withdrawal.txid}, fee ${withdrawal.feeSats} sat`
  }
}

/** hawser withdraw, withdrawals, withdrawal, raise-fee, cancel */
export function addWithdrawalCommands(program: Command, session: Session): void {
  addWithdraw(program, session)
  addWithdrawals(program, session)
  addWithdrawal(program, session)
  addChanges(program, session)
}

async function signing(options: GlobalOptions & SignerOptions): Promise<CliClient> {
  const account = signerFrom(options)
  return connect(options.rpc, { account, chainId: await connect(options.rpc).getChainId() })
}

function withWait(command: Command): Command {
  return command
    .option('--wait', 'wait until it is settled in a final block, and show how far it is')
    .addOption(secondsOption('--timeout <seconds>', 'how long to wait', [1, 86_400], 1_800_000))
}

async function waitAndShow(client: CliClient, output: Output, id: bigint, timeoutMs: number): Promise<Withdrawal> {
  const { withdrawal } = await client.waitForWithdrawal({
    id,
    timeoutMs,
    onProgress: (progress) => output.progress(`withdrawal ${id}: ${describeWithdrawalPhase(progress)}`),
  })
  return withdrawal
}

function addWithdraw(program: Command, session: Session): void {
  const command = program
    .command('withdraw')
    .description('pay a Bitcoin address out of an EVM account; the receiver gets exactly the amount')
    .requiredOption(
      '--to <address>',
      'a Bitcoin address of the chain (P2PKH, P2SH, P2WPKH, P2WSH, P2TR), or such a script as hex',
      readReceiver,
    )
    .requiredOption('--amount <btc>', 'what the receiver gets, in BTC with at most 8 decimals', readAmount)
    .option('--max-fee <sats>', 'what the Bitcoin fee may take at most; what it leaves returns', readSats)
  withWait(withSigner(command))
  examples(
    command,
    [
      ['hawser withdraw --to $(hawser l1 address) --amount 0.25 --dev-account 0 --wait', 'on a devnet'],
      [
        'hawser withdraw --to bcrt1p… --amount 0.01 --max-fee 3000 --private-key-file key.json --password-file pw',
        'with a keystore',
      ],
    ],
    'The account pays amount + max fee + gas. Batches leave every few seconds to minutes; see `hawser withdrawal ID`.',
  ).action(async () => {
    const options = optionsOf<
      SignerOptions & { to: string; amount: bigint; maxFee?: bigint; wait?: boolean; timeout: number }
    >(command)
    const output = session.outputOf(options)
    const client = await signing(options)
    output.progress('asking the bridge')
    const sent = await client.requestWithdrawal({
      to: options.to,
      amountSats: options.amount,
      maxFeeSats: options.maxFee,
    })
    const { id, hash, amountSats, maxFeeSats, feeWei } = sent
    const settled = options.wait ? await waitAndShow(client, output, id, options.timeout) : undefined
    const value = {
      id,
      transaction: hash,
      to: options.to,
      amountSats,
      maxFeeSats,
      gasFeeWei: feeWei,
      withdrawal: settled,
    }
    const lines = columns([
      ['Withdrawal', String(id)],
      ['Transaction', hash],
      ['Receiver', `${options.to} gets ${btc(amountSats)}`],
      ['Max fee', `${maxFeeSats} sat, what Bitcoin leaves of it returns`],
      ['Gas', weiAsSats(feeWei)],
      settled
        ? ['Settled', `${settled.txid}:${settled.vout}, fee ${settled.feeSats} sat`]
        : ['Next', `hawser withdrawal ${id} --wait`],
    ])
    output.result(value, lines)
  })
}

function addWithdrawals(program: Command, session: Session): void {
  const command = program
    .command('withdrawals')
    .description("an account's withdrawals, oldest first")
    .argument('<account>', 'the EVM account', readAccount)
  examples(command, [['hawser withdrawals 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', 'list them']]).action(
    async (account: Hex) => {
      const options = optionsOf(command)
      const withdrawals = await connect(options.rpc).getWithdrawals({ account })
      session
        .outputOf(options)
        .result(
          withdrawals,
          withdrawals.length === 0 ? `${account} has asked for none` : withdrawals.map(describeWithdrawal),
        )
    },
  )
}

function addWithdrawal(program: Command, session: Session): void {
  const command = program
    .command('withdrawal')
    .description('one withdrawal, and how far its Bitcoin transaction is')
    .argument('<id>', 'its number', readId)
  examples(withWait(command), [['hawser withdrawal 7 --wait', 'see it through']]).action(async (id: bigint) => {
    const options = optionsOf<{ wait?: boolean; timeout: number }>(command)
    const output = session.outputOf(options)
    const client = connect(options.rpc)
    const withdrawal = options.wait
      ? await waitAndShow(client, output, id, options.timeout)
      : await client.getWithdrawal({ id })
    const batch = withdrawal.batchId > 0n ? await client.getBatch({ id: withdrawal.batchId }) : undefined
    const lines = [describeWithdrawal(withdrawal)]
    if (batch)
      lines.push(
        ...columns(
          [
            ['batch', `${batch.id}: ${batch.status}${batch.path ? ` (${batch.path})` : ''}`],
            ['transaction', batch.txid ?? 'none yet'],
            ...batch.refusals.map((refusal) => ['refused', refusal] as const),
          ],
          '   ',
        ),
      )
    output.result({ ...withdrawal, batch }, lines)
  })
}

function addChanges(program: Command, session: Session): void {
  const raise = program
    .command('raise-fee')
    .description("add to a withdrawal's max fee, until it is settled")
    .argument('<id>', 'its number', readId)
    .requiredOption('--by <sats>', 'satoshis to add', readSats)
  examples(withSigner(raise), [
    ['hawser raise-fee 7 --by 2000 --dev-account 0', 'when it is passed over for its fee'],
  ]).action(async (id: bigint) => {
    const options = optionsOf<SignerOptions & { by: bigint }>(raise)
    const { hash } = await (await signing(options)).raiseMaxFee({ id, bySats: options.by })
    session.outputOf(options).result({ id, transaction: hash }, `raised by ${options.by} sat in ${hash}`)
  })
  const cancel = program
    .command('cancel')
    .description('take a withdrawal back, the whole of it, while it is queued')
    .argument('<id>', 'its number', readId)
  examples(withSigner(cancel), [['hawser cancel 7 --dev-account 0', 'amount and max fee return']]).action(
    async (id: bigint) => {
      const options = optionsOf<SignerOptions>(cancel)
      const { hash } = await (await signing(options)).cancelWithdrawal({ id })
      session.outputOf(options).result({ id, transaction: hash }, `withdrawal ${id} is cancelled in ${hash}`)
    },
  )
}
