import { p2wpkhScript, plainAddress } from '@hawser/bitcoin'
import { committeeOf } from '@hawser/genesis'
import { address, equalBytes, sats, satsToWei, toHex, type Address } from '@hawser/primitives'
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

  /** Requests a withdrawal, lets its batch be formed, signed, mined and settled; returns what the receiver got. */
  async function withdraw(amountSats: bigint, index: number) {
    const script = p2wpkhScript(new Uint8Array(20).fill(index))
    const maxFeeSats = 20_000n
    const id = await world.view<bigint>('nextBatchId')
    const value = satsToWei(sats(amountSats + maxFeeSats))
    await world.block([await world.userCall('requestWithdrawal', [toHex(script), maxFeeSats], value)])
    await world.blocks(12)
    expect(await world.view<bigint[]>('batchesInFlight')).toEqual([id])
    const online = world.members.filter(({ transport }) => transport.online)
    await world.until('every member to have the signed transaction', async () => {
      const views = await Promise.all(online.map(({ bridge }) => bridge.batch(id)))
      return views.every((view) => view.status === 'broadcast')
    })
    const view = await online[0]?.bridge.batch(id)
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    expect(await online[0]?.bridge.batch(id)).toMatchObject({ status: 'confirmed' })
    await world.blocks(2)
    expect(await online[0]?.bridge.batch(id)).toMatchObject({ status: 'settled', txid: view?.txid })
    const paid = world.bitcoin.tip.transactions.flatMap((tx) =>
      tx.outputs.filter((out) => equalBytes(out.script, script)),
    )
    return { view, paid: paid.map((out) => out.sats) }
  }

  /** The peg to the satoshi: custody on Bitcoin itself is what the contract says, and covers what it owes. */
  async function expectExactPeg() {
    const plain = plainAddress(committeeOf(world.spec), 'regtest').scriptPubKey
    const registered = (await world.members[0]?.bridge.registerDepositAddress(account))?.scriptPubKey ?? plain
    const held = [...world.bitcoin.coins.values()].filter(
      ({ script }) => equalBytes(script, plain) || equalBytes(script, registered),
    )
    const custody = held.reduce((sum, coin) => sum + coin.sats, 0n)
    const reserves = await world.members[0]?.bridge.reserves(world.head())
    expect(reserves).toMatchObject({ custodySats: custody.toString(), covered: true, shortfallSats: '0' })
    const surplus = custody - BigInt(reserves?.liabilitySats ?? 0)
    // Only what rounding a fee up left over.
    expect(surplus).toBeLessThan(50n)
  }

  it('pays a withdrawal out by the key path when all four sign', async () => {
    const { view, paid } = await withdraw(100_000n, 1)
    expect(view).toMatchObject({ path: 'key-path', refusals: [] })
    expect(paid).toEqual([100_000n])
    await expectExactPeg()
  })

  it('pays a withdrawal out by a subset leaf when one member is away', async () => {
    const away = world.members[3]
    if (!away) throw new Error('four members')
    world.network.setOnline(away.transport, false)
    const { view, paid } = await withdraw(120_000n, 2)
    expect(view).toMatchObject({ path: 'subset' })
    expect(paid).toEqual([120_000n])
    world.network.setOnline(away.transport, true)
    await expectExactPeg()
  })

  it('names a member that sends invalid contributions, and signs without it', async () => {
    const liar = world.members[1]
    if (!liar) throw new Error('four members')
    // The last byte of a partial signature (or of a nonce) is not what the member made.
    liar.transport.tamper = (_, answer) => {
      if (answer[answer.length - 1] !== undefined && answer.length > 60) answer[answer.length - 1]! ^= 1
      return answer
    }
    const { view, paid } = await withdraw(50_000n, 3)
    liar.transport.tamper = undefined
    expect(paid).toEqual([50_000n])
    expect(view).toMatchObject({ path: 'subset' })
    await expectExactPeg()
  })
})
