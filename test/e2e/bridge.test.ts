import { randomBytes } from 'node:crypto'
import { schnorr } from '@noble/curves/secp256k1.js'
import {
  buildReclaimTransaction,
  depositAddress,
  depositReturnScript,
  encodeTransaction,
  hash160,
  p2pkhScript,
  p2shScript,
  p2trScript,
  p2wpkhScript,
  p2wshScript,
  plainAddress,
  scriptToAddress,
} from '@hawser/bitcoin'
import { L1Wallet } from '@hawser/bitcoin/source'
import { bridgeAbi, systemContracts } from '@hawser/contracts'
import { DEVNET_CHAIN_ID, SUPPLY_WEI } from '@hawser/genesis'
import type { Devnet } from '@hawser/node'
import {
  btcHashFromDisplay,
  displayBtcHash,
  equalBytes,
  messageOf,
  sats,
  satsToWei,
  sha256,
  toHex,
  WEI_PER_SAT,
  type Address,
  type BtcHash,
} from '@hawser/primitives'
import {
  bridgeCallAbi,
  deriveDepositAddress,
  getChainFacts,
  liabilitySats,
  type RequestedWithdrawal,
  type Withdrawal,
} from '@hawser/sdk'
import { encodeFunctionData, parseEventLogs, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { eventually, startDevnet } from '../kit/devnet.ts'
import { readerOf, walletOf } from './support/clients.ts'

const DEPOSIT_SATS = 1_234_567n
const WAIT = { pollMs: 100, timeoutMs: 30_000 }
const NOBODY = scriptToAddress(p2wpkhScript(new Uint8Array(20).fill(7)), 'regtest')

const freshAccount = () => privateKeyToAddress(generatePrivateKey()).toLowerCase() as Address
const weiOf = (amount: bigint) => satsToWei(sats(amount))

const backends = [
  { l1: 'embedded', missing: undefined },
  { l1: 'bitcoind', missing: process.env['HAWSER_BITCOIND'] ? undefined : 'HAWSER_BITCOIND names no bitcoind' },
] as const

describe.each(backends)('the bridge on $l1', { timeout: 120_000 }, ({ l1, missing }) => {
  let devnet: Devnet
  let user: ReturnType<typeof walletOf>

  beforeAll(async () => {
    if (missing !== undefined) {
      if (process.env['HAWSER_REQUIRE_BITCOIND'] === '1') throw new Error(missing)
      return
    }
    devnet = await startDevnet({ l1 })
    user = walletOf(devnet, 0)
  })
  afterAll(() => devnet?.stop())

  const test = (name: string, run: (context: TestContext) => Promise<void>) =>
    it(name, async (context) => (missing === undefined ? run(context) : context.skip(missing)))

  const pay = (outputs: readonly { to: string | Uint8Array; sats: bigint }[]) => devnet.wallet.send(outputs)
  const credited = (account: Address, txid: BtcHash) =>
    user.waitForDeposit({ account, txid: displayBtcHash(txid), ...WAIT })
  const balanceSats = async (account: Address, blockTag: 'latest' | 'finalized' = 'finalized') =>
    (await user.getBalance({ address: account, blockTag })) / WEI_PER_SAT
  const voutOf = async (txid: BtcHash, blockHash: BtcHash, script: Uint8Array) => {
    const { outputs } = await devnet.l1.source.transaction(txid, blockHash)
    return outputs.findIndex((output) => equalBytes(output.script, script))
  }
  const reserves = () => user.getReserves({ blockTag: 'latest' })

  describe('credits a deposit', () => {
    test('to an address that the node gave, and only once it is in a block', async () => {
      const account = freshAccount()
      const { address } = await user.getDepositAddress({ account })
      const { txid } = await pay([{ to: address, sats: DEPOSIT_SATS }])
      await eventually('the payment to be seen unconfirmed or not at all', async () => {
        const [deposit] = await user.getDeposits({ account })
        return deposit === undefined || deposit.status === 'unconfirmed'
      })
      expect(await balanceSats(account, 'latest')).toBe(0n)
      await devnet.wallet.mine(1)
      expect(await credited(account, txid)).toMatchObject({
        sats: DEPOSIT_SATS.toString(),
        status: 'credited',
        account,
      })
      expect(await user.getBalance({ address: account, blockTag: 'finalized' })).toBe(weiOf(DEPOSIT_SATS))
    })

    test('to the plain address with an OP_RETURN, nothing registered', async () => {
      const account = freshAccount()
      const { committee, network } = await getChainFacts(user)
      const { txid } = await pay([
        { to: plainAddress(committee, network).address, sats: DEPOSIT_SATS },
        { to: depositReturnScript(BigInt(DEVNET_CHAIN_ID), account), sats: 0n },
      ])
      await devnet.wallet.mine(1)
      await credited(account, txid)
      expect(await balanceSats(account)).toBe(DEPOSIT_SATS)
    })

    test('to an address that was derived offline, once it is claimed', async () => {
      const account = freshAccount()
      const { address } = deriveDepositAddress({ account, ...(await getChainFacts(user)) })
      const { txid } = await pay([{ to: address, sats: DEPOSIT_SATS }])
      await devnet.wallet.mine(1)
      const claim = { txid: displayBtcHash(txid), account }
      const found = await eventually('the claim to be taken up', () => user.claimDeposit(claim))
      expect(found).toMatchObject([{ ...claim, sats: DEPOSIT_SATS.toString() }])
      await credited(account, txid)
      expect(await balanceSats(account)).toBe(DEPOSIT_SATS)
      // The same address from the node: what it says is what was derived.
      expect((await user.getDepositAddress({ account })).address).toBe(address)
      await expect(user.claimDeposit({ ...claim, account: freshAccount() })).rejects.toThrow(
        'the transaction pays no deposit address of this account',
      )
    })

    test('never that the depositor could take back, who does so after 144 blocks', async () => {
      const account = freshAccount()
      const { committee, network, chainId } = await getChainFacts(user)
      const refundSecretKey = randomBytes(32)
      const refundKey = schnorr.getPublicKey(refundSecretKey)
      const csv = 144
      const deposit = depositAddress({ committee, network, chainId, account, refundKey, csv })
      const before = await reserves()
      const { txid } = await pay([{ to: deposit.address, sats: DEPOSIT_SATS }])
      const [blockHash] = await devnet.wallet.mine(1)
      const claim = { txid: displayBtcHash(txid), account, refundKey: toHex(refundKey) }
      await expect(user.claimDeposit(claim)).rejects.toMatchObject({ code: 'REFUND_KEY_UNSUPPORTED' })
      // A node may say so at once or when it tries; the contract decides.
      await devnet.rpc('bridge_claim', [claim.txid, account, claim.refundKey]).catch(() => undefined)
      const proof = await devnet.l1.source.transactionProof(txid, blockHash as BtcHash)
      const vout = await voutOf(txid, blockHash as BtcHash, deposit.scriptPubKey)
      const refusal = (withKey: Hex) =>
        user
          .simulateContract({
            abi: bridgeCallAbi,
            address: systemContracts.bridge,
            functionName: 'deposit',
            args: [
              {
                ...proof,
                header: toHex(proof.header),
                coinbase: toHex(proof.coinbase),
                coinbaseBranch: proof.coinbaseBranch.map((hash) => toHex(hash)),
                transaction: toHex(proof.transaction),
                branch: proof.branch.map((hash) => toHex(hash)),
              },
              { vout, committeeId: 0, kind: 0, account, refundKey: withKey, qy: toHex(deposit.qy) },
            ],
          })
          .then(() => 'none', messageOf)
      // The proof is good: without the key it fails for the output's key alone.
      await eventually('the light client to know the block', async () =>
        (await refusal(`0x${'00'.repeat(32)}`)).includes('WrongOutputKey'),
      )
      expect(await refusal(claim.refundKey)).toContain('NotYetSupported')

      const reclaim = encodeTransaction(
        buildReclaimTransaction({
          deposit,
          coin: { txid, vout, sats: DEPOSIT_SATS },
          toScript: devnet.wallet.script(),
          feeSats: 1_000n,
          refundSecretKey,
        }),
      )
      await devnet.wallet.mine(csv - 2)
      await expect(devnet.l1.source.broadcast(reclaim)).rejects.toMatchObject({ code: 'BROADCAST_REJECTED' })
      await devnet.wallet.mine(1)
      expect(await devnet.l1.source.broadcast(reclaim)).toBe('accepted')
      await devnet.wallet.mine(1)
      expect(await devnet.l1.source.utxo(txid, vout)).toBeUndefined()
      const { height } = await devnet.l1.source.tip()
      await eventually('the light client to follow', async () => {
        const { lightClient } = await devnet.rpc<{ lightClient: { height: number } }>('btc_getStatus')
        return lightClient.height >= height
      })
      expect(await balanceSats(account, 'latest')).toBe(0n)
      expect((await user.getDeposits({ account })).map(({ status }) => status)).not.toContain('credited')
      expect(await reserves()).toMatchObject({ custodySats: before.custodySats, shortfallSats: 0n, paused: false })
    })

    test('twice in one transaction and once more later, to the same address', async () => {
      const account = freshAccount()
      const { address } = await user.getDepositAddress({ account })
      const both = await pay([
        { to: address, sats: 11_111n },
        { to: address, sats: 22_222n },
      ])
      await devnet.wallet.mine(1)
      await credited(account, both.txid)
      const later = await pay([{ to: address, sats: 33_333n }])
      await devnet.wallet.mine(1)
      await credited(account, later.txid)
      await eventually('all three to be final', async () => (await balanceSats(account)) === 66_666n)
      expect((await user.getDeposits({ account })).map(({ status }) => status)).toEqual([
        'credited',
        'credited',
        'credited',
      ])
    })

    test('never below the minimum, and says so', async () => {
      const [small, enough] = [freshAccount(), freshAccount()]
      const to = async (account: Address) => (await user.getDepositAddress({ account })).address
      const { txid } = await pay([
        { to: await to(small), sats: 9_999n },
        { to: await to(enough), sats: 10_000n },
      ])
      await devnet.wallet.mine(1)
      await credited(enough, txid)
      expect(await balanceSats(enough)).toBe(10_000n)
      const deposit = await eventually('the small payment to be refused', async () => {
        const [seen] = await user.getDeposits({ account: small })
        return seen?.status === 'refused' && seen
      })
      expect(deposit).toMatchObject({ sats: '9999', reason: expect.stringContaining('10000') as string })
      await expect(user.waitForDeposit({ account: small, ...WAIT })).rejects.toMatchObject({ code: 'DEPOSIT_REFUSED' })
      expect(await balanceSats(small)).toBe(0n)
    })
  })

  describe('pays a withdrawal', () => {
    /** Settlement needs the transaction in a block: one is mined whenever something waits in the mempool. */
    const settlementOf = (requests: readonly { readonly id: bigint }[]) =>
      eventually(
        'all withdrawals to be settled',
        async () => {
          const { size } = await devnet.l1.source.client.call<{ size: number }>('getmempoolinfo', [])
          if (size > 0) await devnet.wallet.mine(1)
          const states: Withdrawal[] = []
          for (const { id } of requests) states.push(await user.getWithdrawal({ id, blockTag: 'finalized' }))
          return states.every(({ status }) => status === 'settled') && states
        },
        { limitMs: 90_000, everyMs: 300 },
      )

    test('to each kind of address the exact amount, and returns what the fee left', async () => {
      const key = (n: number) => new Uint8Array(32).fill(n)
      const receiver = new L1Wallet(devnet.l1.source, randomBytes(32))
      const scripts = {
        P2WPKH: receiver.script('p2wpkh'),
        P2TR: receiver.script('p2tr'),
        P2PKH: p2pkhScript(hash160(key(1))),
        P2SH: p2shScript(hash160(key(2))),
        P2WSH: p2wshScript(sha256(key(3))),
      }
      expect(p2trScript(scripts.P2TR.subarray(2))).toEqual(scripts.P2TR)
      const before = await user.getBalance({ address: user.account.address })
      const before2 = await reserves()
      const requests: RequestedWithdrawal[] = []
      for (const [index, script] of Object.values(scripts).entries()) {
        const to = scriptToAddress(script, 'regtest')
        requests.push(await user.requestWithdrawal({ to, amountSats: 10_000n + BigInt(index) * 111_111n }))
      }
      const settled = await settlementOf(requests)
      for (const [index, script] of Object.values(scripts).entries()) {
        const { txid, vout, amountSats, feeSats, maxFeeSats } = settled[index] as (typeof settled)[number]
        expect(amountSats).toBe(10_000n + BigInt(index) * 111_111n)
        expect(feeSats).toBeLessThanOrEqual(maxFeeSats)
        const output = await devnet.l1.source.utxo(btcHashFromDisplay(txid as string), vout as number)
        expect(output).toMatchObject({ sats: amountSats })
        expect(toHex(output?.script as Uint8Array)).toBe(toHex(script))
      }
      const gas = requests.reduce((sum, { feeWei }) => sum + feeWei, 0n)
      const spent = settled.reduce((sum, { amountSats, feeSats }) => sum + amountSats + feeSats, 0n)
      expect(before - (await user.getBalance({ address: user.account.address }))).toBe(weiOf(spent) + gas)
      // Custody fell by what left it, and what is owed by as much.
      const after = await reserves()
      expect(before2.custodySats - after.custodySats).toBe(spent)
      expect(after).toMatchObject({ covered: true, pendingSats: 0n, maxFeeSats: 0n, shortfallSats: 0n })
    })

    test('once, though every validator crashes while it is under way', async () => {
      const receiver = new L1Wallet(devnet.l1.source, randomBytes(32))
      const requests: RequestedWithdrawal[] = []
      for (const index of [0, 1])
        requests.push(await user.requestWithdrawal({ to: receiver.address('p2tr', index), amountSats: 54_321n }))
      await eventually('the first to be in a batch', async () => {
        const { status } = await user.getWithdrawal({ id: (requests[0] as RequestedWithdrawal).id })
        return status === 'batched'
      })
      await Promise.all(devnet.validators.map((validator) => validator.kill()))
      await Promise.all(devnet.validators.map((_, index) => devnet.restartValidator(index)))
      await settlementOf(requests)
      await devnet.wallet.mine(2)
      await receiver.sync()
      expect(receiver.coins().map((coin) => coin.sats)).toEqual([54_321n, 54_321n])
    })

    test('to sixty receivers at once, more than a batch holds', async () => {
      const receiver = new L1Wallet(devnet.l1.source, randomBytes(32))
      const first = await user.getTransactionCount({ address: user.account.address, blockTag: 'pending' })
      const [, , before] = await user.readContract({
        abi: bridgeAbi,
        address: systemContracts.bridge,
        functionName: 'queue',
      })
      expect(before).toBe(0n)
      const hashes = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          user.sendTransaction({
            to: systemContracts.bridge,
            data: encodeFunctionData({
              abi: bridgeAbi,
              functionName: 'requestWithdrawal',
              args: [toHex(receiver.script('p2tr', index % 20)), 5_000n],
            }),
            value: weiOf(15_000n + BigInt(index)),
            gas: 500_000n,
            nonce: first + index,
          }),
        ),
      )
      const requests: { id: bigint }[] = []
      for (const hash of hashes) {
        const { logs } = await user.waitForTransactionReceipt({ hash })
        const [event] = parseEventLogs({ abi: bridgeAbi, eventName: 'WithdrawalRequested', logs })
        requests.push({ id: event?.args.id as bigint })
      }
      await settlementOf(requests)
      await receiver.sync()
      const got = receiver.coins().map((coin) => coin.sats)
      expect(got.sort((a, b) => Number(a - b))).toEqual(
        Array.from({ length: 60 }, (_, index) => 10_000n + BigInt(index)),
      )
    })

    test('not at all when it is dust, a part of a satoshi, not standard or to the bridge itself', async () => {
      const { committee, network } = await getChainFacts(user)
      const good = toHex(p2wpkhScript(new Uint8Array(20).fill(9)))
      const value = weiOf(20_000n)
      const cases: readonly (readonly [string, Hex, bigint, bigint])[] = [
        ['AmountTooSmall', good, 2_000n, weiOf(11_999n)],
        ['AmountTooSmall', good, 2_000n, weiOf(2_000n)],
        ['BadValue', good, 2_000n, value + 1n],
        ['BadValue', good, 2_000n, 0n],
        ['MaxFeeTooLow', good, 499n, value],
        ['NonStandardScript', '0x', 2_000n, value],
        ['NonStandardScript', '0x6a0568656c6c6f', 2_000n, value],
        ['NonStandardScript', `${good}00`, 2_000n, value],
        ['NonStandardScript', `0x5221${'02'.repeat(33)}51ae`, 2_000n, value],
        ['CommitteeScript', toHex(plainAddress(committee, network).scriptPubKey), 2_000n, value],
      ]
      const before = await reserves()
      const balance = await user.getBalance({ address: user.account.address })
      let gasWei = 0n
      for (const [error, script, maxFeeSats, amount] of cases) {
        const call = { abi: bridgeCallAbi, functionName: 'requestWithdrawal', args: [script, maxFeeSats] } as const
        const simulated = user.simulateContract({ ...call, address: systemContracts.bridge, value: amount })
        await expect(simulated, `${error} ${script}`).rejects.toThrow(error)
      }
      // And on chain: all of them sent with gas enough, all of them reverted.
      const first = await user.getTransactionCount({ address: user.account.address, blockTag: 'pending' })
      const hashes = await Promise.all(
        cases.map(([, script, maxFeeSats, amount], index) =>
          user.sendTransaction({
            to: systemContracts.bridge,
            data: encodeFunctionData({ abi: bridgeAbi, functionName: 'requestWithdrawal', args: [script, maxFeeSats] }),
            value: amount,
            gas: 500_000n,
            nonce: first + index,
          }),
        ),
      )
      for (const hash of hashes) {
        const receipt = await user.waitForTransactionReceipt({ hash })
        expect(receipt).toMatchObject({ status: 'reverted', logs: [] })
        gasWei += receipt.gasUsed * receipt.effectiveGasPrice
      }
      expect(balance - (await user.getBalance({ address: user.account.address }))).toBe(gasWei)
      const after = await reserves()
      expect(after.pendingSats).toBe(before.pendingSats)
      expect(after.custodySats).toBe(before.custodySats)
    })
  })

  describe('when Bitcoin reorganises', () => {
    /** The block that a tip's ancestor is, `depth` blocks deep (1: the tip itself), gives way to a longer chain. */
    const reorganise = async (depth: number) => {
      const { client } = devnet.l1.source
      const { height } = await devnet.l1.source.tip()
      const hash = await client.call<string>('getblockhash', [height - depth + 1])
      await client.call('invalidateblock', [hash])
      // To another address, or the same block would come out again.
      await client.call('generatetoaddress', [depth + 1, NOBODY])
      return height + 1
    }

    const countOf = async (eventName: 'Paused' | 'Resumed' | 'Deposited') =>
      (await user.getContractEvents({ abi: bridgeAbi, address: systemContracts.bridge, eventName, fromBlock: 0n }))
        .length

    for (const depth of [1, 2])
      test(`pauses for a deposit ${depth} deep, keeps it credited once, and goes on when it is proven again`, async () => {
        const account = freshAccount()
        const { address } = await user.getDepositAddress({ account })
        const { txid } = await pay([{ to: address, sats: DEPOSIT_SATS }])
        await devnet.wallet.mine(depth)
        await credited(account, txid)
        const before = { paused: await countOf('Paused'), deposited: await countOf('Deposited') }
        const height = await reorganise(depth)
        await eventually('the light client to follow', async () => {
          const { lightClient } = await devnet.rpc<{ lightClient: { height: number } }>('btc_getStatus')
          return lightClient.height >= height
        })
        await eventually('the bridge to have paused', async () => (await countOf('Paused')) > before.paused)
        await eventually('the bridge to run again', async () => !(await reserves()).paused)
        expect(await countOf('Resumed')).toBe(await countOf('Paused'))
        expect(await countOf('Deposited')).toBe(before.deposited)
        expect(await balanceSats(account, 'latest')).toBe(DEPOSIT_SATS)
        // A deposit made afterwards is credited like any other.
        const later = freshAccount()
        const next = await pay([{ to: (await user.getDepositAddress({ account: later })).address, sats: DEPOSIT_SATS }])
        await devnet.wallet.mine(1)
        await credited(later, next.txid)
        expect(await balanceSats(later)).toBe(DEPOSIT_SATS)
        expect(await balanceSats(account)).toBe(DEPOSIT_SATS)
      })
  })

  test('covered what it owed at every single block', async () => {
    const reader = readerOf(devnet.rpcUrl)
    const head = await reader.getBlockNumber()
    expect(head).toBeGreaterThan(10n)
    let moved = 0
    let previous = 0n
    for (let blockNumber = 0n; blockNumber <= head; blockNumber++) {
      const [stored, balance] = await Promise.all([
        reader.readContract({ abi: bridgeAbi, address: systemContracts.bridge, functionName: 'reserves', blockNumber }),
        reader.getBalance({ address: systemContracts.bridge, blockNumber }),
      ])
      const circulatingWei = SUPPLY_WEI - balance
      expect(stored.circulatingWei, `block ${blockNumber}`).toBe(circulatingWei)
      expect(liabilitySats(stored), `block ${blockNumber}`).toBeLessThanOrEqual(stored.custodySats)
      expect(stored.shortfallSats, `block ${blockNumber}`).toBe(0n)
      if (stored.custodySats !== previous) moved++
      previous = stored.custodySats
    }
    expect(moved).toBeGreaterThan(5)
    // And the coins are on Bitcoin, every one of them.
    const coins = await user.getCustodyCoins()
    expect(coins.reduce((sum, coin) => sum + coin.sats, 0n)).toBe(previous)
    for (const coin of coins)
      expect(await devnet.l1.source.utxo(btcHashFromDisplay(coin.txid), coin.vout), coin.txid).toMatchObject({
        sats: coin.sats,
      })
  })
})
