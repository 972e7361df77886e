import type { BitcoindSource } from '@hawser/bitcoin/source'
import { AppError } from '@hawser/primitives'
import type { CoinLookup, CustodyCoin, Reserves, TrustedChain } from '@hawser/sdk'
import { describe, expect, it } from 'vitest'
import { audit } from './audit.ts'
import type { CliClient } from './context.ts'

const txidOf = (id: number) => id.toString(16).padStart(64, '0')
const coin = (id: number, sats: bigint, status: CustodyCoin['status'] = 'available'): CustodyCoin => ({
  id: BigInt(id),
  txid: txidOf(id),
  vout: 0,
  sats,
  status,
})

function reservesOf(custodySats: bigint, liabilitySats: bigint): Reserves {
  return {
    block: { number: 10n, hash: '0x00' as never },
    custodySats,
    liabilitySats,
    circulatingWei: liabilitySats * 10n ** 10n,
    pendingSats: 0n,
    maxFeeSats: 0n,
    claimableWei: 0n,
    shortfallSats: 0n,
    paused: false,
    pauseId: 0n,
    covered: custodySats >= liabilitySats,
    surplusSats: custodySats - liabilitySats,
  }
}

/** A node at final block 10, whose coins at block 11 may be others. */
function nodeOf(reserves: Reserves, coins: readonly CustodyCoin[], later = coins): CliClient {
  return {
    getReserves: async () => reserves,
    getCustodyCoins: async ({ blockNumber }: { blockNumber: bigint }) => (blockNumber === 10n ? coins : later),
    getBlock: async () => ({ number: 11n }),
    verifyReserves: () => Promise.reject(new Error('nobody said whom to trust')),
  } as unknown as CliClient
}

/** A Bitcoin on which these coins are unspent. */
function bitcoinOf(unspent: readonly CustodyCoin[]): BitcoindSource {
  return {
    utxo: async (txid: string) => {
      const found = unspent.find((item) => txid === `0x${Buffer.from(item.txid, 'hex').reverse().toString('hex')}`)
      return found && { sats: found.sats }
    },
  } as unknown as BitcoindSource
}

describe('an audit', () => {
  const coins = [coin(1, 60n), coin(2, 40n)]

  it('passes when custody covers what is owed and every coin is on Bitcoin', async () => {
    const report = await audit(nodeOf(reservesOf(100n, 100n), coins), bitcoinOf(coins))
    expect(report).toMatchObject({ passed: true, finalityProven: false, bitcoin: { unspent: 2, missing: [] } })
  })
  it('fails by one satoshi', async () => {
    expect((await audit(nodeOf(reservesOf(100n, 101n), coins))).passed).toBe(false)
  })
  it('fails when the coins do not add up to the custody', async () => {
    expect((await audit(nodeOf(reservesOf(101n, 100n), coins))).passed).toBe(false)
  })
  it('fails when a free coin is spent on Bitcoin, and names it', async () => {
    const report = await audit(nodeOf(reservesOf(100n, 100n), coins), bitcoinOf(coins.slice(0, 1)))
    expect(report).toMatchObject({ passed: false, bitcoin: { unspent: 1, missing: [`${txidOf(2)}:0`] } })
  })
  it('lets a coin be spent by a batch, also by one that was formed meanwhile', async () => {
    const inBatch = [coin(1, 60n), coin(2, 40n, 'in-batch')]
    const spent = bitcoinOf(coins.slice(0, 1))
    for (const node of [nodeOf(reservesOf(100n, 100n), inBatch), nodeOf(reservesOf(100n, 100n), coins, inBatch)])
      expect(await audit(node, spent)).toMatchObject({ passed: true, bitcoin: { spentByBatches: 1, missing: [] } })
  })
  describe('with a chain spec', () => {
    const trust = {} as TrustedChain
    type Verify = (parameters: { bitcoin?: CoinLookup }) => Promise<unknown>
    const proving = (verifyReserves: Verify) =>
      ({
        getReserves: () => Promise.reject(new Error('the node is not to be believed')),
        verifyReserves,
      }) as unknown as CliClient
    const verified = (missing: string[]) => ({
      ...reservesOf(100n, 100n),
      block: { number: 10n, hash: '0x00', stateRoot: '0x01', timestamp: 1n },
      coins,
      coinSats: 100n,
      bitcoin: { unspent: 2 - missing.length, spentByBatches: 0, missing },
      passed: missing.length === 0,
    })

    it('believes what is proven alone', async () => {
      const report = await audit(
        proving(async () => verified([])),
        undefined,
        trust,
      )
      expect(report).toMatchObject({ passed: true, finalityProven: true, coins: 2, coinSats: 100n })
      expect(report.block).toEqual({ number: 10n, hash: '0x00' })
    })
    it('looks again at a later block when a coin is gone, and fails when it is gone there, too', async () => {
      const answers = [verified(['a:0']), verified([]), verified(['a:0']), verified(['a:0'])]
      const client = proving(async () => answers.shift())
      expect((await audit(client, bitcoinOf(coins), trust)).passed).toBe(true)
      expect((await audit(client, bitcoinOf(coins), trust)).passed).toBe(false)
    })
    it('does not hide a proof that proves nothing', async () => {
      const forged = new AppError({ code: 'JUSTIFICATION_INVALID', fault: 'peer' }, 'forged')
      await expect(
        audit(
          proving(() => Promise.reject(forged)),
          undefined,
          trust,
        ),
      ).rejects.toThrow('forged')
    })
  })
})
