import { RLP } from '@ethereumjs/rlp'
import { schnorr } from '@noble/curves/secp256k1.js'
import { depositAddress, depositReturnScript, p2wpkhScript, plainAddress } from '@hawser/bitcoin'
import { committeeOf } from '@hawser/genesis'
import { address, displayBtcHash, equalBytes, sats, satsToWei, toHex, uintBE, type Address } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PegWorld } from './peg-world.ts'

describe('the two-way peg with the real contracts', () => {
  let world: PegWorld
  let account: Address
  let firstBatchHeight = 0
  const depositScripts = new Set<string>()
  const depositTo = async (to: Address, refundKey?: Uint8Array) => {
    const registered = await memberAt(2).bridge.registerDepositAddress(to, refundKey)
    depositScripts.add(toHex(registered.scriptPubKey))
    return registered.address
  }
  beforeAll(async () => {
    world = await PegWorld.start()
    account = address(world.user.address)
    await world.wallet.ensureFunds(10_000_000_000n)
    // Coins that are old enough to be spent again after the deepest reorganisation below.
    await world.wallet.mine(40)
    await world.bitcoinSeen()
  })
  afterAll(() => world?.stop())

  it('brings the light client to the Bitcoin tip', async () => {
    const { inherents } = await world.block()
    expect(inherents).toEqual([expect.stringMatching(/^submitHeaders 1\.\./)])
    const status = await world.members[0]?.bridge.bitcoin.status()
    expect(status).toMatchObject({
      lightClient: { hash: world.bitcoin.tip.header.hash, height: world.bitcoin.height },
      source: { height: world.bitcoin.height },
    })
    expect((await world.block()).inherents).toEqual([])
  })

  it('credits a payment to a deposit address two blocks after Bitcoin mined it', async () => {
    await world.wallet.send([{ to: await depositTo(account), sats: 500_000n }])
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

  async function isPaused(): Promise<boolean> {
    return (await world.members[0]?.bridge.reserves(world.head()))?.paused ?? true
  }

  /** The member at a position of the committee's sorted keys. */
  function memberAt(position: number) {
    const key = toHex(committeeOf(world.spec).sortedKeys[position] as Uint8Array)
    const session = world.spec.validators.find((validator) => validator.bitcoinKey === key)?.session
    const member = world.members.find(({ transport }) => transport.validator === session)
    if (!member) throw new Error('every key is a member’s')
    return member
  }

  /** Requests a withdrawal, lets its batch be formed, signed, mined and settled; returns what the receiver got. */
  async function withdraw(amountSats: bigint, index: number, onSigned?: () => Promise<void>) {
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
    await onSigned?.()
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
    const ours = new Set([toHex(plain), ...depositScripts])
    // Below the minimum it is nobody's: neither custody nor owed.
    const held = [...world.bitcoin.coins.values()].filter(
      ({ script, sats }) => ours.has(toHex(script)) && sats >= 10_000n,
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
    firstBatchHeight = world.bitcoin.height
    expect(view).toMatchObject({ path: 'key-path', refusals: [] })
    expect(paid).toEqual([100_000n])
    await expectExactPeg()
  })

  it('pays a withdrawal out by a subset leaf when one member is away', async () => {
    // Batch 2 is coordinated by member 2 first: his turn is taken over.
    const away = memberAt(2)
    world.network.setOnline(away.transport, false)
    const { view, paid } = await withdraw(120_000n, 2)
    expect(view).toMatchObject({ path: 'subset' })
    expect(paid).toEqual([120_000n])
    world.network.setOnline(away.transport, true)
    await expectExactPeg()
  })

  it('names a member that sends invalid contributions, and signs without it', async () => {
    const liar = memberAt(1)
    // The last byte of a partial signature (or of a nonce) is not what the member made.
    liar.transport.tamper = (_, answer) => {
      if (answer[answer.length - 1] !== undefined && answer.length > 60) answer[answer.length - 1]! ^= 1
      return answer
    }
    const coordinator = memberAt(3)
    const { view, paid } = await withdraw(50_000n, 3, async () => {
      const { refusals } = await coordinator.bridge.batch(3n)
      expect(refusals).toEqual([
        expect.stringMatching(`^${liar.transport.validator}: sent an invalid (nonce|partial signature)$`),
      ])
    })
    liar.transport.tamper = undefined
    expect(coordinator.transport.reports).toEqual([expect.objectContaining({ peer: liar.transport.self })])
    expect(paid).toEqual([50_000n])
    expect(view).toMatchObject({ path: 'subset' })
    await expectExactPeg()
  })

  it('tells every node, one that comes later too, which block the last batch on Bitcoin names as final', async () => {
    const { formedAtBlock } = await world.view<{ formedAtBlock: bigint }>('getBatch', [3n])
    const { txid } = await memberAt(0).bridge.batch(3n)
    const expected = {
      number: formedAtBlock,
      hash: world.store.canonicalHash(formedAtBlock),
      txid,
      height: world.bitcoin.height,
    }
    for (const bridge of [...world.members.map((member) => member.bridge), await world.newcomer()]) {
      const shown = () => {
        const checkpoint = bridge.checkpoint()
        return checkpoint && { ...checkpoint, txid: displayBtcHash(checkpoint.txid) }
      }
      await expect.poll(shown, { timeout: 20_000 }).toEqual(expected)
    }
  })

  it('signs a higher rung too when its fee is raised', async () => {
    const script = p2wpkhScript(new Uint8Array(20).fill(4))
    const id = await world.view<bigint>('nextBatchId')
    // 500 sat carry the rung of 2 sat/vB, not that of 5.
    const value = satsToWei(sats(60_600n))
    await world.block([await world.userCall('requestWithdrawal', [toHex(script), 600n], value)])
    await world.blocks(12)
    const rateOf = async () => (await memberAt(0).bridge.batch(id)).feeRateSatPerVb
    await world.until('the first rung', async () => (await rateOf()) === 2)
    const { requests } = await world.view<{ requests: { id: bigint }[] }>('getBatch', [id])
    await world.block([await world.userCall('raiseMaxFee', [requests[0]?.id], satsToWei(sats(5_000)))])
    world.bitcoin.setFeeRate(4)
    await world.until('the second rung to be signed', async () => {
      // Empty blocks: what lingers goes one rung up.
      world.bitcoin.mine(1, world.wallet.script(), { includeMempool: false })
      await world.bitcoinSeen()
      return (await rateOf()) === 5
    })
    world.bitcoin.setFeeRate(1)
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    await world.blocks(2)
    expect(await memberAt(0).bridge.batch(id)).toMatchObject({ status: 'settled' })
    expect(await world.view<{ feeSats: bigint; vsize: bigint }>('getBatch', [id])).toSatisfy(
      ({ feeSats, vsize }) => feeSats === 5n * vsize,
    )
    await expectExactPeg()
  })

  it('answers signing messages of members alone, and says to anybody whether it would sign', async () => {
    const stranger = world.network.join()
    const ask = (message: Uint8Array) => stranger.request(memberAt(0).transport.self, 'signing', message)
    const status = RLP.encode([4, uintBE(999n, 8)])
    expect(new TextDecoder().decode(await ask(status))).toContain('not in my final state')
    const nonces = RLP.encode([1, uintBE(1n, 8), uintBE(0, 4), new Uint8Array(32), 1])
    await expect(ask(nonces)).rejects.toMatchObject({ code: 'SIGNING_UNAUTHORISED' })
    await expect(ask(Uint8Array.of(1))).rejects.toMatchObject({ code: 'SIGNING_MALFORMED' })
    world.network.setOnline(stranger, false)
  })

  it('credits a payment to the plain address with an OP_RETURN, with nothing registered', async () => {
    const other = address('0x00000000000000000000000000000000000000aa')
    const plain = plainAddress(committeeOf(world.spec), 'regtest')
    await world.wallet.send([
      { to: depositReturnScript(BigInt(world.spec.chainId), other), sats: 0n },
      { to: plain.scriptPubKey, sats: 40_000n },
    ])
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    await world.blocks(2)
    expect(await world.balance(other)).toBe(satsToWei(sats(40_000)))
  })

  it('never credits a payment that the depositor could take back', async () => {
    const other = address('0x00000000000000000000000000000000000000bb')
    const refundKey = schnorr.getPublicKey(new Uint8Array(32).fill(7))
    const { address: to } = depositAddress({
      committee: committeeOf(world.spec),
      network: 'regtest',
      chainId: BigInt(world.spec.chainId),
      account: other,
      refundKey,
      csv: world.spec.bridge.reclaimCsvBlocks,
    })
    const { txid } = await world.wallet.send([{ to, sats: 40_000n }])
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    // Whether a member takes the claim up or not: nothing comes of it on chain.
    await memberAt(2)
      .bridge.claim(displayBtcHash(txid), other, refundKey)
      .catch(() => undefined)
    await world.blocks(2)
    expect(await world.balance(other)).toBe(0n)
    const views = (await memberAt(2).bridge.deposits(other)).map(({ status }) => status)
    expect(views).not.toContain('credited')
  })

  it('finds a payment by claim that was made before its address was known', async () => {
    const other = address('0x00000000000000000000000000000000000000cc')
    const { address: to, scriptPubKey } = depositAddress({
      committee: committeeOf(world.spec),
      network: 'regtest',
      chainId: BigInt(world.spec.chainId),
      account: other,
    })
    depositScripts.add(toHex(scriptPubKey))
    const { txid } = await world.wallet.send([{ to, sats: 30_000n }])
    await world.wallet.mine(3)
    await world.bitcoinSeen()
    await world.blocks(2)
    expect(await world.balance(other)).toBe(0n)
    const bridge = world.members[1]?.bridge
    await expect(bridge?.claim('11'.repeat(32), other)).rejects.toMatchObject({ code: 'DEPOSIT_NOT_FOUND' })
    await world.until('the claim', async () => (await bridge?.deposits(other))?.length === 1)
    expect(await bridge?.claim(displayBtcHash(txid), other)).toMatchObject([{ status: 'creditable', sats: '30000' }])
    await world.blocks(4)
    expect(await bridge?.deposits(other)).toMatchObject([{ status: 'credited' }])
  })

  it('shows why a payment below the minimum is not credited', async () => {
    const other = address('0x00000000000000000000000000000000000000dd')
    await world.wallet.send([{ to: await depositTo(other), sats: 9_999n }])
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    await world.blocks(2)
    expect(await world.members[0]?.bridge.deposits(other)).toMatchObject([
      { status: 'refused', reason: 'below the minimum of 10000 sat' },
    ])
  })

  it('proves a deposit again when Bitcoin reorganises, and the bridge runs on', async () => {
    const before = await world.balance(account)
    await world.wallet.send([{ to: await depositTo(account), sats: 70_000n }])
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    await world.blocks(2)
    const credited = before + satsToWei(sats(70_000))
    expect(await world.balance(account)).toBe(credited)

    world.bitcoin.reorganise(3, world.wallet.script())
    await world.bitcoinSeen()
    const { inherents } = await world.block()
    expect(inherents).toEqual([expect.stringMatching(/^submitHeaders/)])
    expect(await world.members[0]?.bridge.reserves(world.head())).toMatchObject({ paused: true })
    await world.blocksUntil('the end of the pause', async () => !(await isPaused()))
    expect(await world.members[0]?.bridge.reserves(world.head())).toMatchObject({ paused: false, covered: true })
    expect(await world.balance(account)).toBe(credited)
  })

  it('follows a reorganisation deeper than one call may carry, and proves deposits and settled batches again', async () => {
    await world.wallet.mine(150)
    await world.bitcoinSeen()
    await world.blocks(3)
    world.bitcoin.reorganise(world.bitcoin.height - firstBatchHeight + 1, world.wallet.script())
    await world.bitcoinSeen()
    await world.blocksUntil('the pause', isPaused)
    await world.blocksUntil('the end of the pause', async () => !(await isPaused()))
    expect(await world.members[0]?.bridge.bitcoin.status()).toMatchObject({
      lightClient: { hash: world.bitcoin.tip.header.hash },
    })
    await expectExactPeg()
    expect((await world.block()).inherents).toEqual([])
  })

  it('takes no part in signing once it was told to stop', async () => {
    const stranger = world.network.join()
    const ask = () => stranger.request(memberAt(0).transport.self, 'signing', RLP.encode([4, uintBE(999n, 8)]))
    expect(new TextDecoder().decode(await ask())).toContain('not in my final state')
    memberAt(0).bridge.stopSigning()
    await expect(ask()).rejects.toMatchObject({ code: 'PEER_REFUSED' })
  })
})
