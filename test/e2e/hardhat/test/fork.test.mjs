// Hardhat's tests on a fork of a devnet: they read its state, and what they change stays with them.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import hre from 'hardhat'

const { HAWSER_RPC_URL: url, HAWSER_TOKEN: token, HAWSER_HOLDER: holder, HAWSER_FORK_BLOCK: forkBlock } = process.env
const at = `0x${Number(forkBlock).toString(16)}`
const RECEIVER = `0x${'f0'.repeat(20)}`
const GENESIS_CONTRACT = '0xcA11bde05977b3631167028862bE2a173976CA11'

const word = (value) => BigInt(value).toString(16).padStart(64, '0')
const balanceCall = (account) => ({ to: token, data: `0x70a08231${word(account)}` })

let fork
/** Asks the devnet itself. */
async function devnet(method, params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return (await answer.json()).result
}
const send = async (transaction) => {
  const hash = await fork.request({ method: 'eth_sendTransaction', params: [transaction] })
  return fork.request({ method: 'eth_getTransactionReceipt', params: [hash] })
}

describe('a fork of the devnet', () => {
  before(async () => {
    fork = (await hre.network.create('fork')).provider
  })

  it('has the state of the devnet: blocks, balances, code, storage', async () => {
    const block = await fork.request({ method: 'eth_getBlockByNumber', params: ['0x1', false] })
    assert.equal(block.hash, (await devnet('eth_getBlockByNumber', ['0x1', false])).hash)
    for (const [method, ...params] of [
      ['eth_getBalance', holder, at],
      ['eth_getCode', token, at],
      ['eth_getCode', GENESIS_CONTRACT, at],
      ['eth_getStorageAt', token, '0x2', at],
      ['eth_call', balanceCall(holder), at],
    ])
      assert.equal(await fork.request({ method, params }), await devnet(method, params), method)
  })

  it('moves tokens of an account that it has no key of, on the fork alone', async () => {
    await fork.request({ method: 'hardhat_impersonateAccount', params: [holder] })
    const before = BigInt(await fork.request({ method: 'eth_call', params: [balanceCall(holder), 'latest'] }))
    const receipt = await send({ from: holder, to: token, data: `0xa9059cbb${word(RECEIVER)}${word(1000)}` })
    assert.equal(receipt.status, '0x1')
    assert.equal(receipt.logs.length, 1)
    assert.equal(
      BigInt(await fork.request({ method: 'eth_call', params: [balanceCall(holder), 'latest'] })),
      before - 1000n,
    )
    assert.equal(BigInt(await fork.request({ method: 'eth_call', params: [balanceCall(RECEIVER), 'latest'] })), 1000n)
    assert.equal(BigInt(await devnet('eth_call', [balanceCall(RECEIVER), 'latest'])), 0n)
  })

  it('deploys a contract of its own, which the devnet does not have', async () => {
    const { bytecode } = await hre.artifacts.readArtifact('Greeter')
    const argument = word(32) + word(2) + Buffer.from('hi').toString('hex').padEnd(64, '0')
    const [from] = await fork.request({ method: 'eth_accounts', params: [] })
    const { status, contractAddress } = await send({ from, data: bytecode + argument })
    assert.equal(status, '0x1')
    assert.notEqual(await fork.request({ method: 'eth_getCode', params: [contractAddress, 'latest'] }), '0x')
    assert.equal(await devnet('eth_getCode', [contractAddress, 'latest']), '0x')
  })
})
