// Deploys Moored and asks it how high Bitcoin is: npx hardhat run scripts/deploy.mjs --network hawser
import { setTimeout as sleep } from 'node:timers/promises'
import hre from 'hardhat'

const { provider } = await hre.network.create('hawser')
const { bytecode } = await hre.artifacts.readArtifact('Moored')
const [from] = await provider.request({ method: 'eth_accounts' })
const hash = await provider.request({ method: 'eth_sendTransaction', params: [{ from, data: bytecode }] })
let receipt = null
while (receipt === null) {
  receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
  if (receipt === null) await sleep(250)
}
if (receipt.status !== '0x1') throw new Error(`the deployment reverted: ${hash}`)
// The selector of bitcoinHeight().
const call = { to: receipt.contractAddress, data: '0x72b2f656' }
const height = Number(await provider.request({ method: 'eth_call', params: [call, 'latest'] }))
console.log(`Moored ${receipt.contractAddress} sees Bitcoin at height ${height}`)
