import { describe, expect, it } from 'vitest'
import { explainRevert } from './explain-error.ts'
import { liabilitySats } from './get-reserves.ts'
import type { Withdrawal } from './get-withdrawal.ts'
import type { WithdrawalQuote } from './quote-withdrawal.ts'
import { checkWithdrawal, receiverScript } from './request-withdrawal.ts'
import { withdrawalPhase } from './wait-for-withdrawal.ts'

const quote: WithdrawalQuote = {
  minAmountSats: 10_000n,
  minMaxFeeSats: 500n,
  vsize: 300n,
  rungFeesSats: [600n],
  suggestedMaxFeeSats: 1_800n,
  queued: 0,
  paused: false,
}
const coded = (code: string) => expect.objectContaining({ code })

describe('checkWithdrawal', () => {
  it('takes the least amount and the lowest fee that pays', () => {
    expect(() => checkWithdrawal(10_000n, 600n, quote)).not.toThrow()
  })
  it('refuses an amount below the least', () => {
    expect(() => checkWithdrawal(9_999n, 600n, quote)).toThrow(coded('WITHDRAWAL_AMOUNT_TOO_SMALL'))
  })
  it('refuses a max fee below the least, and one that no rung fits in', () => {
    expect(() => checkWithdrawal(10_000n, 499n, quote)).toThrow(coded('WITHDRAWAL_FEE_TOO_LOW'))
    expect(() => checkWithdrawal(10_000n, 599n, quote)).toThrow(coded('WITHDRAWAL_FEE_TOO_LOW'))
  })
  it('asks less for a shorter script, as the contract does', () => {
    expect(() => checkWithdrawal(10_000n, 576n, quote, 22)).not.toThrow()
    expect(() => checkWithdrawal(10_000n, 575n, quote, 22)).toThrow(coded('WITHDRAWAL_FEE_TOO_LOW'))
  })
  it('refuses while the bridge is paused', () => {
    expect(() => checkWithdrawal(10_000n, 600n, { ...quote, paused: true })).toThrow(coded('BRIDGE_PAUSED'))
  })
})

describe('receiverScript', () => {
  it('refuses an address of another network, a wrong checksum and a non-standard script', () => {
    expect(() => receiverScript('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'regtest')).toThrow(
      coded('BTC_ADDRESS_WRONG_NETWORK'),
    )
    expect(() => receiverScript('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081', 'regtest')).toThrow(
      coded('BTC_ADDRESS_INVALID'),
    )
    expect(() => receiverScript('0x51', 'regtest')).toThrow(coded('WITHDRAWAL_SCRIPT_REFUSED'))
    expect(() => receiverScript('0x6a0548656c6c6f', 'regtest')).toThrow(coded('WITHDRAWAL_SCRIPT_REFUSED'))
  })
})

describe('liabilitySats', () => {
  it('rounds a part of a satoshi up, against the bridge', () => {
    const parts = { circulatingWei: 10_000_000_001n, pendingSats: 2n, maxFeeSats: 3n, claimableWei: 0n }
    expect(liabilitySats(parts)).toBe(7n)
    expect(liabilitySats({ ...parts, circulatingWei: 10_000_000_000n })).toBe(6n)
  })
})

describe('withdrawalPhase', () => {
  const at = (status: Withdrawal['status']) => ({ status }) as Withdrawal
  it('follows the contract first and the node second', () => {
    expect(withdrawalPhase(at('queued'), undefined)).toBe('queued')
    expect(
      withdrawalPhase(at('batched'), { id: '1', status: 'signing', withdrawals: [], required: 1, refusals: [] }),
    ).toBe('signing')
    expect(
      withdrawalPhase(at('batched'), { id: '1', status: 'settled', withdrawals: [], required: 1, refusals: [] }),
    ).toBe('confirmed')
    expect(withdrawalPhase(at('settled'), undefined)).toBe('settled')
  })
})

describe('explainRevert', () => {
  it('says what, why and what to do, with amounts in BTC', () => {
    expect(explainRevert('DepositTooSmall', [546n, 10_000n])).toBe(
      'the payment of 0.00000546 BTC is below the least deposit of 0.0001 BTC; pay more in one output',
    )
    expect(explainRevert('NotEnoughConfirmations', [1n, 6n])).toMatch(/1 of 6 confirmations/)
    expect(explainRevert('Unheard', [7n])).toBe('the contract refused it: Unheard(7)')
  })
})
