import { randomBytes } from 'node:crypto'
import { L1Wallet } from '@hawser/bitcoin/source'
import { bridgeAbi, systemContracts } from '@hawser/contracts'
import type { Devnet } from '@hawser/node'
import { delay, displayBtcHash } from '@hawser/primitives'
import type { Hash, Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { walletOf } from '../e2e/support/clients.ts'
import { eventually } from '../kit/devnet.ts'
import { ask } from './json-rpc-load.ts'

const POLL_MS = 10
const TRANSACTIONS = 100
const EVERY_MS = 200
const DEPOSITS = 8
const WITHDRAWALS = 4

export interface Latency {
  readonly name: string
  readonly unit: string
  readonly samples: number
  readonly median: number
  readonly p99: number
}

function latency(name: string, unit: string, values: readonly number[]): Latency {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (portion: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * portion))] ?? NaN
  return { name, unit, samples: values.length, median: at(0.5), p99: at(0.99) }
}

/** How long a transaction takes to a block and to finality, and a block to finality, on a quiet devnet. */
export async function measureFinality(devnet: Devnet): Promise<Latency[]> {
  const seen = new Map<bigint, { head: number; final?: number }>()
  const stop = new AbortController()
  const watching = watchBlocks(devnet.rpcUrl, seen, stop.signal)
  const wallet = walletOf(devnet, 9)
  const first = await wallet.getTransactionCount({ address: wallet.account.address })
  const sent: { hash: Hash; at: number }[] = []
  for (let i = 0; i < TRANSACTIONS; i++) {
    const at = performance.now()
    const hash = await wallet.sendTransaction({ to: wallet.account.address, nonce: first + i, gas: 21_000n })
    sent.push({ hash, at })
    await delay(Math.max(0, EVERY_MS - (performance.now() - at)))
  }
  const blocks = await Promise.all(
    sent.map(async ({ hash }) => (await wallet.waitForTransactionReceipt({ hash })).blockNumber),
  )
  const last = blocks.at(-1) as bigint
  await eventually('the last transaction to be final', () => seen.get(last)?.final !== undefined)
  stop.abort()
  await watching
  const ofBlock = [...seen.values()].flatMap(({ head, final }) => (final === undefined ? [] : [final - head]))
  const toBlock = sent.map(({ at }, i) => (seen.get(blocks[i] as bigint)?.head ?? NaN) - at)
  const toFinal = sent.map(({ at }, i) => (seen.get(blocks[i] as bigint)?.final ?? NaN) - at)
  return [
    latency('transaction sent to block', 'ms', toBlock),
    latency('transaction sent to final', 'ms', toFinal),
    latency('block seen to final', 'ms', ofBlock),
  ]
}

/** Notes when each block became the head and when it became final, as one node says it. */
async function watchBlocks(
  url: string,
  seen: Map<bigint, { head: number; final?: number }>,
  signal: AbortSignal,
): Promise<void> {
  let known: { head: bigint; final: bigint } | undefined
  while (!signal.aborted) {
    const status = await ask<{ head: { number: Hex }; finalized: { number: Hex } }>(url, 'finality_getStatus')
    const now = performance.now()
    const head = BigInt(status.head.number)
    const final = BigInt(status.finalized.number)
    known ??= { head, final }
    for (let number = known.head + 1n; number <= head; number++) if (!seen.has(number)) seen.set(number, { head: now })
    for (let number = known.final + 1n; number <= final; number++) {
      const block = seen.get(number)
      if (block) block.final ??= now
    }
    known = { head, final }
    await delay(POLL_MS)
  }
}

/** How long blocks take to finality while nothing else is sent, with the devnet's validators as they are. */
export async function measureBlockFinality(devnet: Devnet, name: string, forMs: number): Promise<Latency> {
  const seen = new Map<bigint, { head: number; final?: number }>()
  const stop = new AbortController()
  const watching = watchBlocks(devnet.rpcUrl, seen, stop.signal)
  await delay(forMs)
  stop.abort()
  await watching
  const values = [...seen.values()].flatMap(({ head, final }) => (final === undefined ? [] : [final - head]))
  return latency(name, 'ms', values)
}

/** From the Bitcoin block that holds a payment to its credit, and from a request to its settlement. */
export async function measurePeg(devnet: Devnet): Promise<Latency[]> {
  const wallet = walletOf(devnet, 8)
  const deposits = { blocks: [] as number[], seconds: [] as number[] }
  for (let i = 0; i < DEPOSITS; i++) {
    const account = privateKeyToAddress(generatePrivateKey())
    const { address } = await wallet.getDepositAddress({ account })
    const { txid } = await devnet.wallet.send([{ to: address, sats: 100_000n }])
    const before = await wallet.getBlockNumber()
    const began = performance.now()
    await devnet.wallet.mine(1)
    await wallet.waitForDeposit({ account, txid: displayBtcHash(txid), pollMs: 50, timeoutMs: 30_000 })
    deposits.seconds.push((performance.now() - began) / 1000)
    const coin = await wallet.readContract({
      abi: bridgeAbi,
      address: systemContracts.bridge,
      functionName: 'getCoin',
      args: [txid, 0],
    })
    deposits.blocks.push(Number(coin.createdAtBlock - before))
  }
  const receiver = new L1Wallet(devnet.l1.source, randomBytes(32))
  const withdrawals = { blocks: [] as number[], seconds: [] as number[] }
  for (let i = 0; i < WITHDRAWALS; i++) {
    const request = await wallet.requestWithdrawal({ to: receiver.address('p2tr'), amountSats: 20_000n })
    const began = performance.now()
    const { batchId, requestedAtBlock } = await eventually('the batch', async () => {
      const withdrawal = await wallet.getWithdrawal({ id: request.id })
      return withdrawal.batchId > 0n && withdrawal
    })
    // Bitcoin answers at once: what is left is our own time.
    await eventually('the Bitcoin transaction', async () => {
      const { size } = await devnet.l1.source.client.call<{ size: number }>('getmempoolinfo', [])
      return size > 0
    })
    await devnet.wallet.mine(1)
    await wallet.waitForWithdrawal({ id: request.id, pollMs: 50, timeoutMs: 60_000 })
    withdrawals.seconds.push((performance.now() - began) / 1000)
    const batch = await wallet.readContract({
      abi: bridgeAbi,
      address: systemContracts.bridge,
      functionName: 'getBatch',
      args: [batchId],
    })
    withdrawals.blocks.push(Number(batch.settledAtBlock - requestedAtBlock))
  }
  return [
    latency('deposit: Bitcoin block to credit', 'blocks', deposits.blocks),
    latency('deposit: Bitcoin block to final credit', 's', deposits.seconds),
    latency('withdrawal: request to settlement', 'blocks', withdrawals.blocks),
    latency('withdrawal: request in a block to final settlement', 's', withdrawals.seconds),
  ]
}
