import { BitcoinNetwork, bridgeAbi, systemContracts } from '@hawser/contracts'
import type { Address } from '@hawser/primitives'
import { createClient, custom, decodeFunctionData, encodeFunctionResult, numberToHex, type Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import type { BatchProgress } from './get-batch.ts'
import type { Deposit } from './get-deposits.ts'
import { waitForDeposit } from './wait-for-deposit.ts'
import { waitForWithdrawal, type WithdrawalPhase } from './wait-for-withdrawal.ts'

const ACCOUNT = '0x00112233445566778899aabbccddeeff00112233' as Address
const empty = { withdrawals: ['1'], required: 1, refusals: [] }
const QUICK = { pollMs: 0, timeoutMs: 5_000 }

interface World {
  deposits?: () => Deposit[]
  isCredited?: () => boolean
  withdrawal?: (finalized: boolean) => { status: number; batchId: bigint }
  batch?: () => BatchProgress
}

/** A node that answers from functions, so that each look may see something else. */
function nodeOf(world: World) {
  const call = ({ to, data }: { to: string; data: Hex }, tag: unknown): Hex => {
    if (to.toLowerCase() === systemContracts.bitcoinLightClient)
      return numberToHex(BitcoinNetwork.Regtest, { size: 32 })
    const { functionName } = decodeFunctionData({ abi: bridgeAbi, data })
    if (functionName === 'isCredited')
      return encodeFunctionResult({ abi: bridgeAbi, functionName, result: world.isCredited?.() ?? false })
    const { status, batchId } = world.withdrawal?.(tag === 'finalized') ?? { status: 0, batchId: 0n }
    return encodeFunctionResult({
      abi: bridgeAbi,
      functionName: 'getWithdrawal',
      result: {
        id: 1n,
        status,
        reason: 0,
        account: ACCOUNT,
        amountSats: 10_000n,
        maxFeeSats: 600n,
        feeSats: 0n,
        script: `0x0014${'11'.repeat(20)}`,
        requestedAtBlock: 1n,
        requestedAtTime: 1n,
        batchId,
        txid: `0x${'22'.repeat(32)}`,
        vout: 0,
      },
    })
  }
  return createClient({
    transport: custom(
      {
        async request({ method, params }: { method: string; params: [{ to: string; data: Hex }, unknown] }) {
          if (method === 'eth_call') return call(params[0], params[1])
          if (method === 'bridge_getDeposits') return world.deposits?.() ?? []
          if (method === 'bridge_getBatch') return world.batch?.()
          throw new Error(`not faked: ${method}`)
        },
      },
      { retryCount: 0 },
    ),
    cacheTime: 0,
  })
}

/** A function that gives one value after the other, and the last for ever. */
function sequence<T>(...values: T[]): () => T {
  let at = 0
  return () => values[Math.min(at++, values.length - 1)] as T
}

const deposit = (status: Deposit['status'], txid = 'aa'.repeat(32)): Deposit => ({
  txid,
  vout: 0,
  account: ACCOUNT,
  sats: '10000',
  status,
  confirmations: 1,
  required: 1,
  ...(status === 'refused' ? { reason: 'below the minimum' } : {}),
})

describe('waitForDeposit', () => {
  it('is over only when the credit stands in a final block', async () => {
    const phases: string[] = []
    const node = nodeOf({
      deposits: sequence<Deposit[]>([], [deposit('confirming')], [deposit('credited')]),
      isCredited: sequence(false, true),
    })
    await waitForDeposit(node, { account: ACCOUNT, ...QUICK, onProgress: (phase) => phases.push(phase) })
    expect(phases).toEqual(['waiting', 'confirming', 'credited', 'final'])
  })
  it('waits for all payments that are known, unless one is named', async () => {
    const [old, fresh] = [deposit('credited'), deposit('confirming', 'bb'.repeat(32))]
    const done = deposit('credited', 'bb'.repeat(32))
    const node = nodeOf({ deposits: sequence([old, fresh], [old, done]), isCredited: () => true })
    expect((await waitForDeposit(node, { account: ACCOUNT, ...QUICK })).txid).toBe(done.txid)
    const other = nodeOf({ deposits: () => [old, fresh], isCredited: () => true })
    expect((await waitForDeposit(other, { account: ACCOUNT, txid: old.txid, ...QUICK })).txid).toBe(old.txid)
  })
  it('says why a payment is refused, and where it stands when time is up', async () => {
    const refused = nodeOf({ deposits: () => [deposit('refused')] })
    await expect(waitForDeposit(refused, { account: ACCOUNT, ...QUICK })).rejects.toThrow(/below the minimum/)
    const stuck = nodeOf({ deposits: () => [deposit('confirming')] })
    await expect(waitForDeposit(stuck, { account: ACCOUNT, pollMs: 1, timeoutMs: 0 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: expect.stringMatching(/still confirming/),
    })
  })
})

describe('waitForWithdrawal', () => {
  it('reports every phase once, in order, and remembers how the batch was signed', async () => {
    const phases: WithdrawalPhase[] = []
    const states = sequence(
      { status: 1, batchId: 0n },
      { status: 2, batchId: 5n },
      { status: 2, batchId: 5n },
      { status: 3, batchId: 5n },
    )
    const finals = sequence({ status: 2, batchId: 5n }, { status: 3, batchId: 5n })
    const node = nodeOf({
      withdrawal: (finalized) => (finalized ? finals() : states()),
      batch: sequence<BatchProgress>(
        { id: '5', status: 'waiting-for-finality', ...empty },
        { id: '5', status: 'broadcast', path: 'subset', txid: 'cc', ...empty },
        { id: '5', status: 'settled', txid: 'cc', ...empty },
      ),
    })
    const { withdrawal, batch } = await waitForWithdrawal(node, {
      id: 1n,
      ...QUICK,
      onProgress: ({ phase }) => phases.push(phase),
    })
    expect(phases).toEqual(['queued', 'batched', 'final', 'signing', 'signed', 'broadcast', 'confirmed', 'settled'])
    expect(withdrawal.status).toBe('settled')
    expect(batch).toMatchObject({ path: 'subset', status: 'settled' })
  })
  it('ends when the request is cancelled, or was never made', async () => {
    const cancelled = nodeOf({ withdrawal: () => ({ status: 4, batchId: 0n }) })
    await expect(waitForWithdrawal(cancelled, { id: 1n, ...QUICK })).rejects.toMatchObject({
      code: 'WITHDRAWAL_CANCELLED',
    })
    const unknown = nodeOf({ withdrawal: () => ({ status: 0, batchId: 0n }) })
    await expect(waitForWithdrawal(unknown, { id: 1n, ...QUICK })).rejects.toMatchObject({
      code: 'WITHDRAWAL_NOT_FOUND',
    })
  })
})
