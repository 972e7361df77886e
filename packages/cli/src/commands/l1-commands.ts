import type { WalletAddressKind } from '@hawser/bitcoin/source'
import { addressToScript } from '@hawser/bitcoin'
import { displayBtcHash } from '@hawser/primitives'
import { Option, type Command } from 'commander'
import { btc } from '../format.ts'
import { freeCoins, openWallet, type L1Options } from '../l1-access.ts'
import { readAmount, readCount } from '../parse-arguments.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** A deeper reorganisation would take the devnet's funding apart. */
const MAX_REORG_DEPTH = 50
const MAX_MINE = 1_000

/** hawser l1 address|balance|send|mine|reorg */
export function addL1Commands(program: Command, session: Session): void {
  const l1 = program
    .command('l1')
    .description("the devnet's Bitcoin side: its wallet and its miner")
    .option('--l1 <url>', 'another regtest than that of the devnet behind --rpc')
    .option('--l1-cookie <file>', 'its cookie file, when the URL has no user and password')
  addAddress(l1, session)
  addBalance(l1, session)
  addSend(l1, session)
  addMine(l1, session)
  addReorg(l1, session)
}

function addAddress(l1: Command, session: Session): void {
  const command = l1
    .command('address')
    .description('an address of the wallet')
    .addOption(new Option('--kind <kind>', 'segwit or Taproot').choices(['p2wpkh', 'p2tr']).default('p2wpkh'))
    .option('--index <n>', 'which one', readCount('--index', 0, 19), 0)
  examples(command, [['hawser l1 address --kind p2tr', 'a receiver for withdrawals']]).action(() => {
    const options = optionsOf<L1Options & { kind: WalletAddressKind; index: number }>(command)
    const address = openWallet(options).address(options.kind, options.index)
    session.outputOf(options).result({ address }, address)
  })
}

function addBalance(l1: Command, session: Session): void {
  const command = l1.command('balance').description('what the wallet can spend')
  examples(command, [['hawser l1 balance --json | jq -r .sats', 'in satoshis']]).action(async () => {
    const options = optionsOf<L1Options>(command)
    const wallet = openWallet(options)
    await wallet.sync()
    const { height } = await wallet.source.tip()
    const sats = wallet.balanceSats()
    session
      .outputOf(options)
      .result({ address: wallet.address(), sats, height }, `${btc(sats)} at Bitcoin height ${height}`)
  })
}

function addSend(l1: Command, session: Session): void {
  const command = l1
    .command('send')
    .description('pay an address from the wallet')
    .argument('<address>', 'a regtest address')
    .argument('<btc>', 'BTC with at most 8 decimals', readAmount)
    .option('--fee-rate <sat/vB>', 'the fee rate', readCount('--fee-rate', 1, 1_000), 2)
  examples(command, [['hawser l1 send bcrt1p… 0.5', 'pay a deposit address']]).action(
    async (to: string, amount: bigint) => {
      const options = optionsOf<L1Options & { feeRate: number }>(command)
      const wallet = openWallet(options)
      addressToScript(to, wallet.source.network)
      const coins = await freeCoins(wallet, amount)
      const sent = await wallet.send([{ to, sats: amount }], { coins, feeRateSatPerVb: options.feeRate })
      const txid = displayBtcHash(sent.txid)
      session.outputOf(options).result({ txid, to, sats: amount, feeSats: sent.feeSats }, txid)
    },
  )
}

function addMine(l1: Command, session: Session): void {
  const command = l1
    .command('mine')
    .description('mine blocks to the wallet now')
    .argument('[count]', 'how many', readCount('the count', 1, MAX_MINE), 1)
  examples(command, [['hawser l1 mine 6', 'six confirmations at once']]).action(async (count: number) => {
    const options = optionsOf<L1Options>(command)
    const wallet = openWallet(options)
    const hashes = (await wallet.mine(count)).map(displayBtcHash)
    const { height } = await wallet.source.tip()
    session.outputOf(options).result({ height, hashes }, `Bitcoin height ${height}, ${hashes.at(-1)}`)
  })
}

function addReorg(l1: Command, session: Session): void {
  const command = l1
    .command('reorg')
    .description('make Bitcoin reorganise: the last blocks give way to others, one more of them')
    .argument('<depth>', 'how many blocks give way', readCount('the depth', 1, MAX_REORG_DEPTH))
  examples(command, [['hawser l1 reorg 2', 'what the bridge does when a deposit loses its block']]).action(
    async (depth: number) => {
      const options = optionsOf<L1Options>(command)
      const wallet = openWallet(options)
      const { source } = wallet
      const { height } = await source.tip()
      const first = await source.blockHash(Math.max(1, height - depth + 1))
      await source.client.call('invalidateblock', [displayBtcHash(first)])
      // To another address than the blocks that gave way: the very same block would be the invalid one again.
      const hashes = (await wallet.mine(depth + 1, { to: wallet.address('p2tr', 19) })).map(displayBtcHash)
      const now = await source.tip()
      session
        .outputOf(options)
        .result(
          { height: now.height, forkHeight: height - depth, hashes },
          `${depth} blocks gave way to ${depth + 1}: Bitcoin height ${now.height}`,
        )
    },
  )
}
