import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as contracts from './index.ts'

const solidity = (name: string) => readFileSync(new URL(`../sol/${name}.sol`, import.meta.url), 'utf8')

describe('the constants', () => {
  it.each([
    ['BITCOIN_LIGHT_CLIENT', contracts.systemContracts.bitcoinLightClient],
    ['BRIDGE', contracts.systemContracts.bridge],
    ['VALIDATORS', contracts.systemContracts.validators],
    ['FEE_POOL', contracts.systemContracts.feePool],
    ['SYSTEM', contracts.SYSTEM_ADDRESS],
  ])('%s is the address that the contracts use', (name, address) => {
    const found = new RegExp(`constant ${name} = (0x[0-9a-fA-F]{40})`).exec(solidity('lib/SystemAddresses'))
    expect(found?.[1]?.toLowerCase()).toBe(address)
  })

  it.each([
    ['IBitcoinLightClient', 'BitcoinNetwork', contracts.BitcoinNetwork],
    ['IBridge', 'CoinKind', contracts.CoinKind],
    ['IBridge', 'CoinStatus', contracts.CoinStatus],
    ['IBridge', 'WithdrawalStatus', contracts.WithdrawalStatus],
    ['IBridge', 'WithdrawalReason', contracts.WithdrawalReason],
    ['IBridge', 'BatchStatus', contracts.BatchStatus],
    ['IBridge', 'FormBatchStatus', contracts.FormBatchStatus],
    ['IBridge', 'CommitteeStatus', contracts.CommitteeStatus],
    ['IValidators', 'LeaveReason', contracts.LeaveReason],
  ])('%s: the enum %s has the same members in the same order', (file, name, members) => {
    const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(solidity(`interfaces/${file}`))?.[1] ?? ''
    const expected = body.split(',').map((member, index) => [member.trim(), index])
    expect(Object.entries(members)).toEqual(expected)
  })
})
