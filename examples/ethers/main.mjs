// A transfer and a withdrawal with plain ethers: node examples/ethers/main.mjs
import { setTimeout as sleep } from 'node:timers/promises'
import { Contract, formatEther, HDNodeWallet, JsonRpcProvider, parseEther } from 'ethers'

const provider = new JsonRpcProvider(process.env.HAWSER_RPC_URL ?? 'http://127.0.0.1:8545', undefined, {
  pollingInterval: 250,
  cacheTimeout: -1,
})
// The devnet's second account: everybody has its key.
const phrase = 'test test test test test test test test test test test junk'
const wallet = HDNodeWallet.fromPhrase(phrase, '', "m/44'/60'/0'/0/1").connect(provider)
const { chainId } = await provider.getNetwork()
console.log(`chain ${chainId}: ${wallet.address} has ${formatEther(await provider.getBalance(wallet.address))} BTC`)

// The native coin is BTC with 18 decimals: 0.001 BTC are 100,000 satoshis.
const sent = await wallet.sendTransaction({
  to: '0x00000000000000000000000000000000000b0b00',
  value: parseEther('0.001'),
})
const receipt = await sent.wait()
console.log(`sent 0.001 BTC in block ${receipt.blockNumber}`)

const bridge = new Contract(
  '0xb7c0000000000000000000000000000000000002',
  [
    'function requestWithdrawal(bytes scriptPubKey, uint64 maxFeeSats) payable returns (uint64 id)',
    'event WithdrawalRequested(uint64 indexed id, address indexed account, uint64 amountSats, uint64 maxFeeSats, bytes scriptPubKey)',
  ],
  wallet,
)
// P2WPKH: OP_0 and the hash of a key. The receiver gets the value less maxFee, exactly.
const script = '0x0014751e76e8199196d454941c45d1b3a323f1433bd6'
const maxFeeSats = 20_000n
const request = await bridge.requestWithdrawal(script, maxFeeSats, { value: parseEther('0.002') })
const { logs } = await request.wait()
const event = logs.map((log) => bridge.interface.parseLog(log)).find((log) => log?.name === 'WithdrawalRequested')
const id = event.args.id
console.log(`withdrawal ${id} of ${event.args.amountSats} sat`)

// The node's own namespaces answer by `send`.
for (let told = ''; told !== 'settled'; await sleep(500)) {
  const { status, reason } = await provider.send('bridge_getWithdrawal', [`0x${id.toString(16)}`])
  if (status !== told) console.log(`withdrawal ${id}: ${status}${reason ? ` (${reason})` : ''}`)
  told = status
}
provider.destroy()
