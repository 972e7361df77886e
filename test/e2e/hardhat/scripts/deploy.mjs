// Deploys the compiled contract through Hardhat's provider and prints what came of it as one line of JSON.
import hre from 'hardhat'

const { provider } = await hre.network.create('hawser')
const { bytecode } = await hre.artifacts.readArtifact('Greeter')
const [from] = await provider.request({ method: 'eth_accounts' })
const text = 'Moored'
const argument = [
  '20'.padStart(64, '0'),
  text.length.toString(16).padStart(64, '0'),
  Buffer.from(text).toString('hex').padEnd(64, '0'),
]
const hash = await provider.request({
  method: 'eth_sendTransaction',
  params: [{ from, data: bytecode + argument.join('') }],
})
let receipt = null
for (const end = Date.now() + 30_000; receipt === null && Date.now() < end;) {
  receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
  if (receipt === null) await new Promise((resolve) => setTimeout(resolve, 200))
}
console.log(JSON.stringify({ hash, receipt }))
