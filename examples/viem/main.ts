// Deposit, withdraw, verify: npx tsx --conditions=@hawser/source examples/viem/main.ts my-devnet/chain-spec.json
import { readFileSync } from 'node:fs'
import { hawserActions, hawserChain, trustedChain } from '@hawser/sdk'
import { createWalletClient, formatEther, http, publicActions } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

const rpcUrl = process.env['HAWSER_RPC_URL'] ?? 'http://127.0.0.1:8545'
const specFile = process.argv[2] ?? 'my-devnet/chain-spec.json'

// All that is trusted: who validates, and which committee holds the bitcoins.
const trust = trustedChain(readFileSync(specFile, 'utf8'))

const account = privateKeyToAccount(generatePrivateKey())
const client = createWalletClient({
  account,
  chain: hawserChain(Number(trust.chainId), rpcUrl),
  transport: http(rpcUrl),
})
  .extend(publicActions)
  .extend(hawserActions())

// In: a Bitcoin address of our own, derived here from the committee's key.
const { address } = await client.getDepositAddress({ account: account.address, trust })
console.log(`pay at least 0.005 BTC to ${address}`)
await client.waitForDeposit({ account: account.address, onProgress: (phase) => console.log(`deposit: ${phase}`) })
console.log(`balance: ${formatEther(await client.getBalance({ address: account.address }))} BTC`)

// Out: 0.003 BTC to a Bitcoin address; what the fee leaves of maxFee comes back.
const { id } = await client.requestWithdrawal({
  to: process.env['RECEIVER'] ?? 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  amountSats: 300_000n,
})
for await (const { status, reason, batch } of client.trackWithdrawal({ id }))
  console.log(`withdrawal ${id}: ${status}${reason ? ` (${reason})` : ''}${batch?.txid ? ` ${batch.txid}` : ''}`)

// Is it all there? Votes, state and coins are checked here. `bitcoin: esploraCoins(url)` looks for each coin on Bitcoin, too.
const reserves = await client.verifyReserves({ trust })
console.log(
  `final block ${reserves.block.number}: ${reserves.custodySats} sat in ${reserves.coins.length} coins for ${reserves.liabilitySats} sat owed`,
)
for (const { txid, vout, sats } of reserves.coins) console.log(`  ${txid}:${vout}  ${sats} sat`)
if (!reserves.passed) throw new Error('the reserves do not cover what is owed')
console.log('covered')
