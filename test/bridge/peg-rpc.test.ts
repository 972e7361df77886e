import { RLP } from '@ethereumjs/rlp'
import { decodeTransaction, nextBaseFee, TransactionPool } from '@hawser/chain'
import { encodeHandovers } from '@hawser/consensus/verify'
import { systemContracts } from '@hawser/contracts'
import { EthereumJsInspector } from '@hawser/execution'
import { p2wpkhScript } from '@hawser/bitcoin'
import { hawserProfile } from '@hawser/node'
import {
  address,
  displayBtcHash,
  fromHex,
  sats,
  satsToWei,
  silentLogger,
  toHex,
  type Address,
  type Hash32,
  type Hex,
} from '@hawser/primitives'
import { RpcServer, type RpcBackend } from '@hawser/rpc'
import { hawserActions, trustedChain, type CoinLookup, type WithdrawalState } from '@hawser/sdk'
import { createClient, custom } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PegWorld } from './peg-world.ts'

let world: PegWorld
let server: RpcServer
let account: Address
let depositTxid: string

beforeAll(async () => {
  world = await PegWorld.start()
  account = address(world.user.address)
  server = await RpcServer.start(backendOf(world), { host: '127.0.0.1', port: 0 })
  await world.wallet.ensureFunds(10_000_000_000n)
  const { address: to } = await call<{ address: string }>('bridge_getDepositAddress', [account])
  depositTxid = displayBtcHash((await world.wallet.send([{ to, sats: 500_000n }])).txid)
  await world.wallet.mine(1)
  await world.bitcoinSeen()
})
afterAll(async () => {
  await server?.stop()
  await world?.stop()
})

/** JSON-RPC of the first member's node; finality has no gadget here, its proofs come from the store. */
function backendOf({ spec, common, store, engine, members }: PegWorld): RpcBackend {
  const headerOf = (hash: Hash32) => store.block(hash)?.block.header
  return {
    chain: hawserProfile(spec, common, store.canonicalHash(0n) as Hash32),
    clientVersion: 'Hawser/test',
    store,
    engine,
    inspector: new EthereumJsInspector({
      engine,
      rules: () => common,
      headerOf,
      nextBaseFee: (header) => nextBaseFee(spec, header),
      blockSeconds: BigInt(spec.slotSeconds),
    }),
    pool: new TransactionPool({ sessionKeys: [], minFeePerGas: 1n }),
    finality: {} as never,
    sets: { setProofs: () => ({ proofs: encodeHandovers([]) }), signedBy: () => 0n, find: () => undefined },
    bridge: members[0]?.bridge,
    logger: silentLogger,
    submit: async (raw) => toHex(decodeTransaction(raw, common).hash()) as Hash32,
    peerCount: () => 3,
    syncTarget: () => undefined,
    onHead: () => () => undefined,
    onFinalized: () => () => undefined,
    onPendingTransaction: () => () => undefined,
  }
}

async function post(method: string, params: unknown = []) {
  const response = await fetch(`http://127.0.0.1:${server.port}`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  return (await response.json()) as { result?: unknown; error?: { code: number; message: string } }
}

async function call<T>(method: string, params: unknown = []): Promise<T> {
  const { result, error } = await post(method, params)
  if (error) throw Object.assign(new Error(error.message), { code: error.code })
  return result as T
}

/** A client of the node, or of one that changes answers on their way. */
function clientOf(lie: (method: string, result: unknown) => unknown = (_, result) => result) {
  const transport = custom(
    { request: async ({ method, params }) => lie(method, structuredClone(await call(method, params))) },
    { retryCount: 0 },
  )
  return createClient({ transport, cacheTime: 0 }).extend(hawserActions())
}

const trust = () => trustedChain(world.spec)
/** Bitcoin as the embedded chain has it. */
const lookup: CoinLookup = async ({ txid, vout }) => {
  const coins = [...world.bitcoin.coins.entries()]
  const found = coins.find(
    ([outpoint]) => outpoint === `${txid}:${vout}` || outpoint === `${reversed(txid)}:${vout}`,
  )?.[1]
  return found && { sats: found.sats, scriptPubKey: toHex(found.script) }
}
const reversed = (txid: string) => toHex(fromHex(`0x${txid}`).reverse())

describe('the btc methods', () => {
  it("tell the chain's view and the node's own apart", async () => {
    const tip = { hash: displayBtcHash(world.bitcoin.tip.header.hash), height: world.bitcoin.height }
    expect(await call('btc_getBestHeader', ['node'])).toMatchObject({ ...tip, onBestChain: true, confirmations: 1 })
    // No block of the chain has brought the light client a header yet.
    expect(await call('btc_getBestHeader')).toMatchObject({ height: 0 })
    expect(await call('btc_getConfirmations', [tip.hash])).toEqual({
      blockHash: tip.hash,
      lightClient: null,
      node: { height: tip.height, onBestChain: true, confirmations: 1 },
    })
    await world.block()
    expect(await call('btc_getBestHeader', ['light-client'])).toMatchObject(tip)
  })

  it('find headers by hash and by height in both views', async () => {
    const { header } = world.bitcoin.tip
    const hash = displayBtcHash(header.hash)
    for (const name of [hash, world.bitcoin.height, `0x${world.bitcoin.height.toString(16)}`]) {
      expect(await call('btc_getHeader', [name, 'node'])).toMatchObject({ hash, header: toHex(header.raw) })
      expect(await call('btc_getHeader', [name])).toMatchObject({ hash, time: header.timeS, onBestChain: true })
    }
    expect(await call('btc_getHeader', ['00'.repeat(32)])).toBeNull()
    expect(await call('btc_getHeader', [999_999, 'node'])).toBeNull()
    expect(await call('btc_getHeader', [999_999])).toBeNull()
  })

  it("prove a transaction's block before they count its confirmations", async () => {
    const hash = displayBtcHash(world.bitcoin.tip.header.hash)
    expect(await call('btc_getTransactionConfirmations', [depositTxid, hash])).toMatchObject({
      txid: depositTxid,
      node: { confirmations: 1 },
    })
    await expect(call('btc_getTransactionConfirmations', ['11'.repeat(32), hash])).rejects.toMatchObject({
      code: -32001,
    })
    expect((await call<{ satPerVb: number }>('btc_estimateFeeRate')).satPerVb).toBeGreaterThan(0)
  })

  it.each([
    ['btc_getBestHeader', ['mine'], /'light-client'.*'node'/],
    ['btc_getHeader', [], /missing value/],
    ['btc_getHeader', ['0x' + 'ff'.repeat(9)], /at most 4294967295/],
    ['btc_getHeader', ['tip'], /64 hex digits|by its height/],
    ['btc_getConfirmations', ['0x12'], /64 hex digits/],
    ['btc_estimateFeeRate', [0], /1 to 1008/],
    ['bridge_getDeposit', ['12:1'], /txid:vout/],
    ['bridge_getDeposit', [`${'00'.repeat(32)}:4294967296`], /txid:vout/],
    ['bridge_getWithdrawal', ['one'], /hex quantity/],
    ['bridge_getWithdrawals', ['0x12'], /invalid address/],
    ['bridge_getWithdrawals', ['0x' + '11'.repeat(20), { limit: 1000 }], /limit must be 1 to 100/],
    ['bridge_getCustodyCoins', ['latest', 'x'], /hex quantity/],
    ['bridge_getReserves', ['0xzz'], /hex quantity/],
  ])('%s%j is answered with what is wrong', async (method, params, message) => {
    const { error } = await post(method, params)
    expect(error?.code).toBe(-32602)
    expect(error?.message).toMatch(message)
  })
})

describe('the bridge methods', () => {
  it('follow a deposit by its outpoint', async () => {
    const { outputs } = world.bitcoin.tip.transactions.find((tx) =>
      tx.outputs.some((out) => out.sats === 500_000n),
    ) as {
      outputs: readonly { sats: bigint }[]
    }
    const vout = outputs.findIndex((out) => out.sats === 500_000n)
    const outpoint = `${depositTxid}:${vout}`
    expect(await call('bridge_getDeposit', [outpoint])).toMatchObject({ status: 'creditable', account, sats: '500000' })
    await world.block()
    expect(await call('bridge_getDeposit', [outpoint])).toMatchObject({ status: 'credited', txid: depositTxid, vout })
    expect(await call('bridge_getDeposit', [`${depositTxid}:${vout === 0 ? 1 : 0}`])).toBeNull()
  })

  it('say who the committee is', async () => {
    const committee = await clientOf().getCommittee()
    expect(committee).toMatchObject({ id: 0, members: 4, threshold: 3, internalKey: world.spec.committee.internalKey })
    expect(committee.treeRoot).toBe(world.spec.committee.root)
    expect(committee.keys.map(({ session }) => session).sort()).toEqual(
      world.spec.validators.map(({ session }) => session).sort(),
    )
  })

  it('follow a withdrawal through every state, and say who is missing while it is not signed', async () => {
    const script = p2wpkhScript(new Uint8Array(20).fill(7))
    const value = satsToWei(sats(120_000))
    const away = world.members.slice(2)
    for (const { transport } of away) world.network.setOnline(transport, false)
    expect(await call('bridge_getWithdrawal', [1])).toBeNull()
    await world.block([await world.userCall('requestWithdrawal', [toHex(script), 20_000n], value)])
    const state = () => call<WithdrawalState>('bridge_getWithdrawal', ['0x1'])
    expect(await state()).toMatchObject({ status: 'queued', reason: expect.stringMatching(/./), amountSats: '100000' })
    await world.blocks(12)
    const signing = await state()
    expect(signing).toMatchObject({ status: 'signing', batch: { id: '1', withdrawals: ['1'] } })
    const members = signing.batch?.members ?? []
    expect(members.filter(({ state }) => state === 'ready')).toHaveLength(2)
    const missing = members.filter(({ state }) => state === 'missing').map(({ session }) => session)
    expect(missing.sort()).toEqual(away.map(({ transport }) => transport.validator).sort())
    for (const session of missing) expect(signing.reason).toContain(`${session} is not connected`)
    for (const { transport } of away) world.network.setOnline(transport, true)
    await world.until('the batch to be broadcast', async () => (await state()).status === 'broadcast')
    const broadcast = await state()
    expect(broadcast.batch).toMatchObject({ inMempool: true, txid: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(broadcast.reason).toMatch(/waits for a Bitcoin block, at \d+ sat\/vB/)
    await world.wallet.mine(1)
    await world.bitcoinSeen()
    expect(await state()).toMatchObject({ status: 'confirmed', reason: '0 of 1 confirmations' })
    await world.blocks(2)
    expect(await state()).toMatchObject({ status: 'settled', txid: broadcast.batch?.txid, batch: { confirmations: 1 } })
    expect(await call<unknown[]>('bridge_getWithdrawals', [account])).toHaveLength(1)
    expect(await call<unknown[]>('bridge_getWithdrawals', [account, { offset: 1 }])).toEqual([])
    const states = []
    for await (const { status } of clientOf().trackWithdrawal({ id: 1n, pollMs: 1 })) states.push(status)
    expect(states).toEqual(['settled'])
  })

  it('list the custody and prove it at a final block alone', async () => {
    const { coins } = await call<{ coins: { sats: string; txid: string }[] }>('bridge_getCustodyCoins')
    const proof = await call<{ reserves: { custodySats: string }; storageProof: { name: string; value: string }[] }>(
      'bridge_getReservesProof',
    )
    const custody = proof.storageProof.find(({ name }) => name === 'custodySats')
    expect(BigInt(custody?.value ?? 0)).toBe(coins.reduce((sum, coin) => sum + BigInt(coin.sats), 0n))
    expect(proof.reserves.custodySats).toBe(BigInt(custody?.value ?? 0).toString())
  })
})

describe('a client that trusts the chain spec alone', () => {
  it('proves a block final by its own votes, and one without by the next that has some', async () => {
    const head = world.store.pointers().finalized.number
    const even = head - (head % 2n)
    for (const number of [even, even - 1n]) {
      const proven = await clientOf().verifyFinality({ trust: trust(), blockNumber: number })
      expect(proven).toMatchObject({ number, hash: world.store.canonicalHash(number), justified: { number: even } })
    }
  })

  it('proves the reserves, every coin of them, and finds each on Bitcoin', async () => {
    if (world.head().number % 2n === 1n) await world.block()
    const { passed, coins, bitcoin, ...reserves } = await clientOf().verifyReserves({ trust: trust(), bitcoin: lookup })
    expect(passed).toBe(true)
    expect(bitcoin).toEqual({ unspent: coins.length, spentByBatches: 0, missing: [] })
    const told = await call<Record<string, string>>('bridge_getReserves', ['finalized'])
    expect(reserves).toMatchObject({
      custodySats: BigInt(told['custodySats'] ?? 0),
      liabilitySats: BigInt(told['liabilitySats'] ?? 0),
      circulatingWei: BigInt(told['circulatingWei'] ?? 0),
      covered: true,
      paused: false,
    })
  })

  it('refuses votes of another set, of another chain, and too few of them', async () => {
    const strangers = { ...trust(), ...otherVoters() }
    const refused = { code: 'JUSTIFICATION_INVALID' }
    await expect(clientOf().verifyReserves({ trust: strangers })).rejects.toMatchObject(refused)
    await expect(clientOf().verifyReserves({ trust: { ...trust(), chainId: 1n } })).rejects.toMatchObject(refused)
    const few = clientOf((method, result) => {
      if (method !== 'finality_getProof') return result
      const proof = result as { justified: { number: string; hash: Hash32 } }
      const target = { number: BigInt(proof.justified.number), hash: proof.justified.hash }
      return { ...proof, justification: toHex(world.justify(target, 2)) }
    })
    await expect(few.verifyFinality({ trust: trust() })).rejects.toMatchObject(refused)
  })

  it('refuses headers that do not lead to the voted block, and blocks that it did not ask for', async () => {
    const head = world.store.pointers().finalized.number
    const odd = head % 2n === 0n ? head - 1n : head - 2n
    const gap = clientOf((method, result) => {
      if (method !== 'finality_getProof') return result
      const proof = result as { headers: Hex[] }
      // Everything is true but the state root: it is the block's number, and its parent.
      const fields = RLP.decode(fromHex(proof.headers[0] as Hex)) as Uint8Array[]
      fields[3] = new Uint8Array(32).fill(1)
      return { ...proof, headers: [toHex(RLP.encode(fields)), ...proof.headers.slice(1)] }
    })
    const refused = { code: 'JUSTIFICATION_INVALID' }
    await expect(gap.verifyFinality({ trust: trust(), blockNumber: odd })).rejects.toMatchObject(refused)
    const other = clientOf((method, result) => (method === 'finality_getProof' ? otherProof : result))
    const otherProof = await call('finality_getProof', [`0x${(odd - 1n).toString(16)}`])
    await expect(other.verifyFinality({ trust: trust(), blockNumber: odd })).rejects.toMatchObject(refused)
  })

  it('refuses a state proof in which a single byte was changed, a balance, or a word that is left out', async () => {
    type Proof = { accountProof: string[]; storageProof: { proof: string[] }[] }
    const lies: ((proof: Proof) => void)[] = [
      (proof) => (proof.accountProof[0] = flipped(proof.accountProof[0] as string)),
      (proof) => (proof.accountProof = []),
      (proof) => {
        for (const word of proof.storageProof) word.proof = word.proof.map(flipped)
      },
      (proof) => {
        for (const word of proof.storageProof) word.proof = []
      },
      (proof) => proof.storageProof.splice(0, 1),
      (proof) => proof.storageProof.forEach((word) => word.proof.pop()),
    ]
    for (const lie of lies) {
      const liar = clientOf((method, result) => {
        if (method === 'eth_getProof') lie(result as Proof)
        return result
      })
      await expect(liar.verifyReserves({ trust: trust() }), lie.toString()).rejects.toMatchObject({
        code: 'PROOF_INVALID',
      })
    }
  })

  it('refuses a state proof that is true of another block', async () => {
    const keys = Array.from({ length: 8 }, (_, slot) => `0x${slot.toString(16).padStart(64, '0')}`)
    const past = await call('eth_getProof', [systemContracts.bridge, keys, '0x2'])
    const liar = clientOf((method, result) => (method === 'eth_getProof' ? past : result))
    const { number, stateRoot } = await clientOf().verifyFinality({ trust: trust() })
    const wanted = { account: systemContracts.bridge, slots: keys.map(BigInt) }
    expect((await clientOf().verifyAccount({ ...wanted, block: { number, stateRoot } })).words[0]).toBeGreaterThan(0n)
    await expect(liar.verifyAccount({ ...wanted, block: { number, stateRoot } })).rejects.toMatchObject({
      code: 'PROOF_INVALID',
    })
  })

  it('is not shown the past when it says so', async () => {
    const past = clientOf((method, result) => (method === 'finality_getProof' ? first : result))
    const first = await call('finality_getProof', ['0x2'])
    await expect(past.verifyFinality({ trust: trust(), maxAgeS: -3_600 })).rejects.toMatchObject({
      code: 'PROOF_TOO_OLD',
    })
    expect(await past.verifyFinality({ trust: trust() })).toMatchObject({ number: 2n })
  })

  it("misses a coin that is gone, is less, or is another's", async () => {
    const found = async (...[coin]: Parameters<CoinLookup>) =>
      (await lookup(coin)) ?? { sats: 0n, scriptPubKey: '0x' as const }
    const lookups: CoinLookup[] = [
      async () => undefined,
      async (coin) => ({ ...(await found(coin)), sats: 1n }),
      async (coin) => ({ ...(await found(coin)), scriptPubKey: `0x5120${'11'.repeat(32)}` }),
    ]
    for (const bitcoin of lookups) {
      const report = await clientOf().verifyReserves({ trust: trust(), bitcoin })
      expect(report.passed).toBe(false)
      expect(report.bitcoin?.missing).toHaveLength(report.coins.length)
    }
  })

  it("refuses a node's deposit address that is not the trusted committee's", async () => {
    const { address: good } = await clientOf().getDepositAddress({ account, trust: trust() })
    const wrong = await call<object>('bridge_getDepositAddress', ['0x' + '22'.repeat(20)])
    const liar = clientOf((method, result) => (method === 'bridge_getDepositAddress' ? wrong : result))
    await expect(liar.getDepositAddress({ account, trust: trust() })).rejects.toMatchObject({
      code: 'DEPOSIT_ADDRESS_MISMATCH',
      message: expect.stringContaining(good),
    })
  })
})

function otherVoters() {
  const validators = world.spec.validators.map((validator, index) => ({
    ...validator,
    session: `0x${(index + 1).toString().repeat(40)}`,
  }))
  return { voters: trustedChain({ ...world.spec, validators }).voters }
}

/** The last digit of some hex, another one. */
function flipped(hex: string): string {
  return hex.slice(0, -1) + (hex.endsWith('0') ? '1' : '0')
}
