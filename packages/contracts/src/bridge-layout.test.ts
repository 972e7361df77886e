import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { BRIDGE_COINS_SLOT, BRIDGE_SLOTS, COIN_BITS, COIN_WORDS } from './bridge-layout.ts'

interface Variable {
  readonly label: string
  readonly slot: string
  readonly offset: number
}

it('names the slots that the compiler gave the Bridge contract', () => {
  const layouts = JSON.parse(readFileSync(new URL('./fixtures/storage-layouts.json', import.meta.url), 'utf8')) as {
    Bridge: { storage: Variable[]; types: Record<string, { members?: Variable[] }> }
  }
  const { storage, types } = layouts.Bridge
  const slotOf = (label: string) => BigInt(storage.find((item) => item.label === label)?.slot ?? -1)
  for (const [name, slot] of Object.entries(BRIDGE_SLOTS))
    expect(slot, name).toBe(slotOf(name === 'claimableWei' ? '_claimableTotalWei' : `_${name}`))
  expect(BRIDGE_COINS_SLOT).toBe(slotOf('_coins'))
  const members = types['t_struct(StoredCoin)_storage']?.members ?? []
  const place = (label: string) => {
    const member = members.find((item) => item.label === label)
    return [BigInt(member?.slot ?? -1), BigInt(8 * (member?.offset ?? -1))]
  }
  for (const [name, word] of [
    ['sats', COIN_WORDS.amounts],
    ['vout', COIN_WORDS.amounts],
    ['status', COIN_WORDS.amounts],
    ['batchId', COIN_WORDS.list],
  ] as const)
    expect(place(name), name).toEqual([word, COIN_BITS[name]])
  for (const name of ['txid', 'u'] as const) expect(place(name), name).toEqual([COIN_WORDS[name], 0n])
})
