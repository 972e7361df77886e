import { join } from 'node:path'
import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { createCommon } from '@hawser/chain'
import { DEVNET_CHAIN_ID } from '@hawser/genesis'
import { delay, fromHex, invariant, toHex, type Hex } from '@hawser/primitives'
import { encodeFunctionData, type Address } from 'viem'
import { compileSolidity } from '../e2e/support/compile-solidity.ts'
import { ROOT } from '../kit/devnet.ts'
import { ask, sendAll } from './json-rpc-load.ts'

const RECEIVER = '0x00000000000000000000000000000000000ca4e0'
const GAS_PRICE = { maxFeePerGas: 10_000_000_000n, maxPriorityFeePerGas: 100_000n }
const POLL_MS = 25
const LIMIT_MS = 60_000

export interface Sender {
  readonly address: Address
  readonly privateKey: Hex
}

export interface TransferRate {
  readonly name: string
  readonly transactions: number
  /** Accepted by the node, a second. */
  readonly acceptedPerSecond: number
  /** In blocks, a second: from the first one sent to the last one in a block. */
  readonly includedPerSecond: number
  /** Until the last one is final, seconds. */
  readonly finalAfterSeconds: number
  readonly blocks: number
}

/** Plain transfers and ERC-20 transfers, each sent singly and in batches, signed beforehand. */
export async function measureTransferRates(
  rpcUrl: string,
  senders: readonly Sender[],
  perSender: number,
): Promise<TransferRate[]> {
  const token = await deployToken(rpcUrl, senders)
  const data = encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [RECEIVER, 1n] })
  const kinds = [
    { name: 'transfers', to: RECEIVER, data: '0x' as Hex, value: 1n, gasLimit: 21_000n },
    { name: 'ERC-20 transfers', to: token.address, data, value: 0n, gasLimit: 60_000n },
  ]
  const rates: TransferRate[] = []
  for (const { name, ...call } of kinds)
    for (const batchSize of [1, 100]) {
      const signed = await Promise.all(senders.map((sender) => sign(rpcUrl, sender, call, perSender)))
      const how = batchSize === 1 ? 'sent singly' : `in batches of ${batchSize}`
      rates.push(await measure(rpcUrl, `${name}, ${how}`, senders, signed, batchSize))
    }
  return rates
}

interface Call {
  readonly to: string
  readonly data: Hex
  readonly value: bigint
  readonly gasLimit: bigint
}

const common = createCommon(DEVNET_CHAIN_ID)

async function nonceOf(rpcUrl: string, address: Address): Promise<bigint> {
  return BigInt(await ask<Hex>(rpcUrl, 'eth_getTransactionCount', [address, 'latest']))
}

async function sign(rpcUrl: string, sender: Sender, call: Call, count: number): Promise<Hex[]> {
  const first = await nonceOf(rpcUrl, sender.address)
  const key = fromHex(sender.privateKey)
  const data = fromHex(call.data)
  return Array.from({ length: count }, (_, i) => {
    const fields = {
      ...call,
      ...GAS_PRICE,
      to: call.to as Hex,
      data,
      nonce: first + BigInt(i),
      chainId: DEVNET_CHAIN_ID,
    }
    return toHex(createFeeMarket1559Tx(fields, { common }).sign(key).serialize())
  })
}

async function measure(
  rpcUrl: string,
  name: string,
  senders: readonly Sender[],
  signed: readonly (readonly Hex[])[],
  batchSize: number,
): Promise<TransferRate> {
  const transactions = signed.reduce((sum, list) => sum + list.length, 0)
  const wanted = await Promise.all(
    senders.map(async ({ address }, i) => (await nonceOf(rpcUrl, address)) + BigInt(signed[i]?.length ?? 0)),
  )
  const firstBlock = BigInt(await ask<Hex>(rpcUrl, 'eth_blockNumber'))
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  await sendAll(rpcUrl, signed, batchSize)
  const accepted = seconds()
  await until(async () => {
    for (const [i, { address }] of senders.entries())
      if ((await nonceOf(rpcUrl, address)) < (wanted[i] as bigint)) return false
    return true
  }, name)
  const included = seconds()
  const lastBlock = BigInt(await ask<Hex>(rpcUrl, 'eth_blockNumber'))
  await until(async () => {
    const { number } = await ask<{ number: Hex }>(rpcUrl, 'eth_getBlockByNumber', ['finalized', false])
    return BigInt(number) >= lastBlock
  }, name)
  return {
    name,
    transactions,
    acceptedPerSecond: transactions / accepted,
    includedPerSecond: transactions / included,
    finalAfterSeconds: seconds(),
    blocks: Number(lastBlock - firstBlock),
  }
}

/** The token, with every sender holding some. */
async function deployToken(rpcUrl: string, senders: readonly Sender[]) {
  const token = compileSolidity(join(ROOT, 'test', 'e2e', 'contracts', 'TestToken.sol'), 'TestToken')
  const [owner] = senders
  invariant(owner, 'there is a sender')
  const key = fromHex(owner.privateKey)
  let nonce = await nonceOf(rpcUrl, owner.address)
  const send = async (to: Address | undefined, data: Hex, gasLimit: bigint) => {
    const fields = { ...GAS_PRICE, to, data: fromHex(data), gasLimit, nonce: nonce++, chainId: DEVNET_CHAIN_ID }
    const raw = toHex(createFeeMarket1559Tx(fields, { common }).sign(key).serialize())
    const hash = await ask<Hex>(rpcUrl, 'eth_sendRawTransaction', [raw])
    let receipt: { status: Hex; contractAddress: Address | null } | null = null
    await until(
      async () => (receipt = await ask<typeof receipt>(rpcUrl, 'eth_getTransactionReceipt', [hash])) !== null,
      'set-up',
    )
    const { status, contractAddress } = receipt as unknown as { status: Hex; contractAddress: Address | null }
    invariant(status === '0x1', 'the set-up works')
    return contractAddress
  }
  const address = (await send(undefined, token.bytecode, 3_000_000n)) as Address
  for (const { address: to } of senders.slice(1))
    await send(
      address,
      encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [to, 10n ** 20n] }),
      100_000n,
    )
  return { ...token, address }
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + LIMIT_MS
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: not done after ${LIMIT_MS / 1000} s`)
    await delay(POLL_MS)
  }
}
