import { fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { createCommon } from '@hawser/chain'
import { DEVNET_CHAIN_ID } from '@hawser/genesis'
import { devAccounts } from '@hawser/node'
import { fromHex, invariant, toHex, type Hex } from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'
import { encodeFunctionData, getContractAddress, type Address } from 'viem'
import { compileSolidity } from '../../e2e/support/compile-solidity.ts'
import { eventually, ROOT } from '../../kit/devnet.ts'
import { ask } from '../json-rpc-load.ts'
import { ACCOUNTS, type Contestant } from './contestants.ts'
import type { LoadResult, LoadTask } from './load-process.ts'

const CONNECTIONS = 10
const BATCH = 100
const RECEIVER = '0x00000000000000000000000000000000000ca4e0'
const TRANSFER = { to: RECEIVER as Address, value: 1n, gasLimit: 21_000n }
const FEES = { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n }
const POLL_MS = 20
const LIMIT_MS = 120_000

/** Of one contestant under one kind of load, medians of the rounds. */
export interface PeerRate {
  readonly contestant: string
  readonly load: string
  /** From the first request to the last transaction in a block, or to the last answer of reads. */
  readonly perSecond: number
  /** Processor time of the server for each transaction or read; undefined where the system does not tell. */
  readonly cpuMs: number | undefined
}

const common = createCommon(DEVNET_CHAIN_ID)
const accounts = devAccounts(ACCOUNTS)
const token = compileSolidity(join(ROOT, 'test', 'e2e', 'contracts', 'TestToken.sol'), 'TestToken')
// The same on every contestant: the first transaction of the first account.
const tokenAddress = getContractAddress({ from: (accounts[0] as { address: Address }).address, nonce: 0n })

/** Every contestant gets the very same transactions: the chains have one id, and the accounts one history. */
class Ledger {
  readonly #nonces = accounts.map(() => 0n)

  sign(
    account: number,
    call: { readonly to?: Address; readonly data?: Hex; readonly value?: bigint; readonly gasLimit: bigint },
  ): Hex {
    const nonce = this.#nonces[account] as bigint
    this.#nonces[account] = nonce + 1n
    const fields = { ...FEES, ...call, data: fromHex(call.data ?? '0x'), nonce, chainId: DEVNET_CHAIN_ID }
    const unsigned = createFeeMarket1559Tx(fields, { common, freeze: false })
    const key = fromHex((accounts[account] as { privateKey: Hex }).privateKey)
    // By the native library: EthereumJS's own would make the preparation longer than the load.
    const signature = secp256k1.sign(unsigned.getHashedMessageToSign(), key)
    const [r, s, v] = [signature.subarray(0, 32), signature.subarray(32, 64), BigInt(signature[64] ?? 0)]
    return toHex(unsigned.addSignature(v, r, s).serialize())
  }

  nonces(): readonly bigint[] {
    return this.#nonces
  }
}

/** Transfers and ERC-20 transfers, singly and in batches of 100, and reads: rounds of all contestants in turn. */
export async function measurePeers(
  contestants: readonly Contestant[],
  options: { readonly rounds: number; readonly perAccount: number; readonly reads: number },
): Promise<PeerRate[]> {
  const ledger = new Ledger()
  const setUp = [ledger.sign(0, { data: token.bytecode, gasLimit: 3_000_000n })]
  for (const { address } of accounts.slice(1))
    setUp.push(
      ledger.sign(0, { to: tokenAddress, data: transferData(address as Address, 10n ** 20n), gasLimit: 100_000n }),
    )
  for (const contestant of contestants) await send(contestant, [setUp.map((raw) => body([raw]))], ledger.nonces())

  const samples = new Map<string, { perSecond: number; cpuMs: number | undefined }[]>()
  const note = (contestant: Contestant, load: string, sample: { perSecond: number; cpuMs: number | undefined }) => {
    const key = `${contestant.name}\n${load}`
    samples.set(key, [...(samples.get(key) ?? []), sample])
  }
  const erc20 = { to: tokenAddress, data: transferData(RECEIVER, 1n), gasLimit: 60_000n }
  for (let round = 0; round < options.rounds; round++) {
    for (const [load, call, size] of [
      ['transfers, single sends', TRANSFER, 1],
      ['transfers, batches of 100', TRANSFER, BATCH],
      ['ERC-20 transfers, single sends', erc20, 1],
      ['ERC-20 transfers, batches of 100', erc20, BATCH],
    ] as const) {
      const signed = accounts.map((_, i) => Array.from({ length: options.perAccount }, () => ledger.sign(i, call)))
      const bodies = signed.map((raws) => chunks(raws, size).map(body))
      for (const contestant of rotated(contestants, round))
        note(contestant, load, await send(contestant, bodies, ledger.nonces()))
    }
    for (const [load, method, params] of [
      ['eth_blockNumber', 'eth_blockNumber', []],
      ['eth_getBalance', 'eth_getBalance', [RECEIVER, 'latest']],
      [
        'eth_call balanceOf',
        'eth_call',
        [
          {
            to: tokenAddress,
            data: encodeFunctionData({ abi: token.abi, functionName: 'balanceOf', args: [RECEIVER] }),
          },
          'latest',
        ],
      ],
    ] as const) {
      const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      const bodies = Array.from({ length: CONNECTIONS }, () =>
        Array.from({ length: options.reads / CONNECTIONS }, () => request),
      )
      for (const contestant of rotated(contestants, round)) note(contestant, load, await read(contestant, bodies))
    }
  }
  return [...samples].map(([key, list]) => {
    const [contestant, load] = key.split('\n') as [string, string]
    const cpu = list.flatMap(({ cpuMs }) => (cpuMs === undefined ? [] : [cpuMs]))
    return {
      contestant,
      load,
      perSecond: median(list.map(({ perSecond }) => perSecond)),
      cpuMs: cpu.length > 0 ? median(cpu) : undefined,
    }
  })
}

/** Resident memory after so many transfers, in MB. */
export interface MemorySample {
  readonly transfers: number
  readonly residentMb: number | undefined
}

/** A million transfers, in batches of 100, and what memory the server has on the way. */
export async function measureMillion(
  contestant: Contestant,
): Promise<{ readonly memory: readonly MemorySample[]; readonly perSecond: number }> {
  const ledger = new Ledger()
  const memory: MemorySample[] = [{ transfers: 0, residentMb: contestant.residentMb() }]
  const began = performance.now()
  const perAccount = 400
  for (let done = perAccount * ACCOUNTS; done <= 1_000_000; done += perAccount * ACCOUNTS) {
    const bodies = accounts.map((_, i) =>
      chunks(
        Array.from({ length: perAccount }, () => ledger.sign(i, TRANSFER)),
        BATCH,
      ).map(body),
    )
    await send(contestant, bodies, ledger.nonces())
    if (done % 100_000 === 0) memory.push({ transfers: done, residentMb: contestant.residentMb() })
  }
  return { memory, perSecond: (1_000_000 * 1000) / (performance.now() - began) }
}

async function send(contestant: Contestant, bodies: readonly (readonly string[])[], nonces: readonly bigint[]) {
  const count = bodies.flat().reduce((sum, text) => sum + text.split('eth_sendRawTransaction').length - 1, 0)
  const before = contestant.cpuMs()
  const began = performance.now()
  await load({ url: contestant.rpcUrl, connections: CONNECTIONS, bodies })
  await eventually(
    `${contestant.name} to put them into blocks`,
    async () => {
      for (const [i, { address }] of accounts.entries())
        if (
          BigInt(await ask<Hex>(contestant.rpcUrl, 'eth_getTransactionCount', [address, 'latest'])) <
          (nonces[i] as bigint)
        )
          return false
      return true
    },
    { limitMs: LIMIT_MS, everyMs: POLL_MS },
  )
  return sample(contestant, count, performance.now() - began, before)
}

async function read(contestant: Contestant, bodies: readonly (readonly string[])[]) {
  const before = contestant.cpuMs()
  const ms = await load({ url: contestant.rpcUrl, connections: CONNECTIONS, bodies })
  return sample(contestant, bodies.flat().length, ms, before)
}

function sample(contestant: Contestant, count: number, ms: number, cpuBefore: number | undefined) {
  const after = contestant.cpuMs()
  return {
    perSecond: (count * 1000) / ms,
    cpuMs: after === undefined || cpuBefore === undefined ? undefined : (after - cpuBefore) / count,
  }
}

/** Lets the load process work; the time is its own. @throws the first error that the server answered */
function load(task: LoadTask): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('load-process.ts', import.meta.url)))
    child.once('error', reject)
    child.once('message', (result: LoadResult) => {
      child.disconnect()
      if (result.error === undefined) resolve(result.ms)
      else reject(new Error(`${task.url} answered ${result.error}`))
    })
    child.send(task)
  })
}

function body(raws: readonly Hex[]): string {
  const calls = raws.map((raw, id) => ({ jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params: [raw] }))
  return JSON.stringify(calls.length === 1 ? calls[0] : calls)
}

function transferData(to: Address, amount: bigint): Hex {
  return encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [to, amount] })
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}

/** Another one begins in each round: none is always the first after a pause. */
function rotated<T>(items: readonly T[], by: number): T[] {
  return items.map((_, i) => items[(i + by) % items.length] as T)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  invariant(sorted.length > 0, 'there is a sample')
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
