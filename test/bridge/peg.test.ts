import { address, satsToWei, sats, type Address } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PegWorld } from './peg-world.ts'

describe('the two-way peg with the real contracts', () => {
  let world: PegWorld
  let account: Address
  beforeAll(async () => {
    world = await PegWorld.start()
    account = address(world.user.address)
    await world.wallet.ensureFunds(10_000_000_000n)
    await world.bitcoinSeen()
  })
  afterAll(() => world?.stop())

  it('brings the light client to the Bitcoin tip', async () => {
    const { inherents } = await world.block()
    expect(inherents).toEqual([expect.stringMatching(/^submitHeaders 1\.\./)])
    const status = await world.members[0]?.bridge.bitcoin()
    expect(status).toMatchObject({
      lightClient: { hash: world.bitcoin.tip.header.hash, height: world.bitcoin.height },
      source: { height: world.bitcoin.height },
    })
    expect((await world.block()).inherents).toEqual([])
  })

  it('credits a payment to a deposit address two blocks after Bitcoin mined it', async () => {
    const registered = await world.members[2]?.bridge.registerDepositAddress(account)
    await world.wallet.send([{ to: registered?.address ?? '', sats: 500_000n }])
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    await world.blocks(2)
    expect(await world.balance(account)).toBe(satsToWei(sats(500_000)))
    for (const { bridge } of world.members)
      expect(await bridge.deposits(account)).toMatchObject([{ sats: '500000', status: 'credited', confirmations: 1 }])
    expect(await world.members[0]?.bridge.reserves(world.head())).toMatchObject({
      custodySats: '500000',
      liabilitySats: '500000',
      covered: true,
      paused: false,
    })
    // Credited once: nothing is left to do.
    expect((await world.block()).inherents).toEqual([])
  })
})
