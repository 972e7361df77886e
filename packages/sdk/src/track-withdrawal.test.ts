import { BitcoinNetwork, bridgeAbi, systemContracts } from '@hawser/contracts'
import { createClient, custom, encodeFunctionResult, numberToHex, type Hex } from 'viem'
import { expect, it } from 'vitest'
import type { WithdrawalState } from './get-withdrawal-state.ts'
import { trackWithdrawal } from './track-withdrawal.ts'

type Seen = Partial<WithdrawalState> | null

/** A node that answers one state after the other, the last for ever; its final state settles after `finalAfter` looks. */
function nodeOf(states: readonly Seen[], finalAfter = 0) {
  let at = 0
  let looks = 0
  const stored = (status: number) =>
    encodeFunctionResult({
      abi: bridgeAbi,
      functionName: 'getWithdrawal',
      result: {
        id: 1n,
        status,
        reason: 0,
        account: `0x${'11'.repeat(20)}`,
        amountSats: 1n,
        maxFeeSats: 1n,
        feeSats: 0n,
        script: `0x0014${'11'.repeat(20)}`,
        requestedAtBlock: 1n,
        requestedAtTime: 1n,
        batchId: 1n,
        txid: `0x${'22'.repeat(32)}`,
        vout: 0,
      },
    })
  const request = async ({
    method,
    params,
  }: {
    method: string
    params: [{ to: string }, unknown]
  }): Promise<unknown> => {
    if (method === 'bridge_getWithdrawal') return states[Math.min(at++, states.length - 1)]
    if (params[0].to.toLowerCase() === systemContracts.bitcoinLightClient)
      return numberToHex(BitcoinNetwork.Regtest, { size: 32 }) satisfies Hex
    return stored(looks++ < finalAfter ? 2 : 3)
  }
  return {
    client: createClient({ transport: custom({ request }, { retryCount: 0 }), cacheTime: 0 }),
    looks: () => looks,
  }
}

async function trackAll(states: readonly Seen[], finalAfter = 0) {
  const { client, looks } = nodeOf(states, finalAfter)
  const seen: WithdrawalState[] = []
  for await (const state of trackWithdrawal(client, { id: 1n, pollMs: 0 })) seen.push(state)
  return { seen, looks: looks() }
}

it('tells each change once and ends when the settlement is final', async () => {
  const batch = { id: '1', status: 'confirmed' as const, withdrawals: ['1'], required: 2, refusals: [] }
  const { seen, looks } = await trackAll(
    [
      { status: 'requested' },
      { status: 'queued', reason: 'the next batch takes it' },
      { status: 'queued', reason: 'the next batch takes it' },
      { status: 'queued', reason: 'the bridge is paused' },
      { status: 'confirmed', batch: { ...batch, confirmations: 1 } },
      { status: 'confirmed', batch: { ...batch, confirmations: 2 } },
      { status: 'settled', batch },
    ],
    2,
  )
  expect(seen.map(({ status, reason }) => reason ?? status)).toEqual([
    'requested',
    'the next batch takes it',
    'the bridge is paused',
    'confirmed',
    'confirmed',
    'settled',
  ])
  // Twice the final state did not have it yet.
  expect(looks).toBe(3)
})

it('ends with a cancelled one, and says when there is none or nothing changes', async () => {
  expect((await trackAll([{ status: 'queued' }, { status: 'cancelled' }])).seen.at(-1)?.status).toBe('cancelled')
  await expect(trackAll([null])).rejects.toMatchObject({ code: 'WITHDRAWAL_NOT_FOUND' })
  const stuck = trackWithdrawal(nodeOf([{ status: 'queued' }]).client, { id: 1n, pollMs: 1, timeoutMs: 0 })
  await stuck.next()
  await expect(stuck.next()).rejects.toMatchObject({
    code: 'WAIT_TIMEOUT',
    message: expect.stringMatching(/still queued/) as string,
  })
})
