import { RLP } from '@ethereumjs/rlp'
import { verifyMerkleProof } from '@ethereumjs/mpt'
import type { Devnet } from '@hawser/node'
import { fromHex, readUintBE, toHex } from '@hawser/primitives'
import { ContractFactory, JsonRpcProvider, NonceManager, Wallet, type Contract, type EventLog } from 'ethers'
import {
  ContractFunctionRevertedError,
  createPublicClient,
  encodeFunctionData,
  getAddress,
  getContract,
  http,
  keccak256,
  parseEther,
  parseEventLogs,
  parseGwei,
  webSocket,
  type Address,
  type BaseError,
  type Hex,
  type Log,
} from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, startDevnet } from '../../kit/devnet.ts'
import { readerOf, walletOf } from '../support/clients.ts'
import type { CompiledContract } from '../support/compile-solidity.ts'
import { ACCOUNT, compileContract, deploy, TOKEN_SUPPLY } from '../support/deploy.ts'

let devnet: Devnet
let token: CompiledContract

const keyOf = (index: number) => devnet.accounts[index]?.privateKey as Hex
const addressOf = (index: number) => devnet.accounts[index]?.address as Address

beforeAll(async () => {
  token = compileContract('TestToken')
  devnet = await startDevnet()
})
afterAll(() => devnet?.stop())

describe('viem', () => {
  const stranger = '0x00000000000000000000000000000000000a11ce'
  let tokenAddress: Address

  beforeAll(async () => {
    tokenAddress = (await deploy(devnet, ACCOUNT.viem, token)).address
  })

  it('sends a transfer whose value arrives to the wei and whose sender pays value and gas, no more', async () => {
    const wallet = walletOf(devnet, ACCOUNT.viem)
    const before = await wallet.getBalance({ address: wallet.account.address })
    const value = parseEther('0.123456789012345678')
    const hash = await wallet.sendTransaction({ to: stranger, value })
    const receipt = await wallet.waitForTransactionReceipt({ hash })
    expect(receipt).toMatchObject({ status: 'success', gasUsed: 21_000n, type: 'eip1559', logs: [] })
    expect(await wallet.getBalance({ address: stranger, blockNumber: receipt.blockNumber })).toBe(value)
    const after = await wallet.getBalance({ address: wallet.account.address, blockNumber: receipt.blockNumber })
    expect(before - after).toBe(value + receipt.gasUsed * receipt.effectiveGasPrice)
    const transaction = await wallet.getTransaction({ hash })
    expect(transaction).toMatchObject({
      from: wallet.account.address.toLowerCase(),
      to: stranger,
      value,
      chainId: 18443,
    })
    const block = await wallet.getBlock({ blockHash: receipt.blockHash, includeTransactions: true })
    expect(block.transactions.map((tx) => tx.hash)).toContain(hash)
  })

  it('sends legacy and access list transactions too', async () => {
    const wallet = walletOf(devnet, ACCOUNT.viem)
    for (const fields of [
      { type: 'legacy', gasPrice: parseGwei('0.01') },
      { type: 'eip2930', gasPrice: parseGwei('0.01'), accessList: [{ address: tokenAddress, storageKeys: [] }] },
    ] as const) {
      const hash = await wallet.sendTransaction({ to: stranger, value: 1n, ...fields })
      expect(await wallet.waitForTransactionReceipt({ hash })).toMatchObject({ status: 'success', type: fields.type })
    }
  })

  it('moves ERC-20 tokens and finds the transfers by eth_getLogs', async () => {
    const wallet = walletOf(devnet, ACCOUNT.viem)
    const contract = getContract({ ...token, address: tokenAddress, client: wallet })
    expect(await contract.read['totalSupply']?.()).toBe(TOKEN_SUPPLY)
    const amount = parseEther('12.5')
    const hash = (await contract.write['transfer']?.([stranger, amount])) as Hex
    const receipt = await wallet.waitForTransactionReceipt({ hash })
    const [transfer] = parseEventLogs({ abi: token.abi, eventName: 'Transfer', logs: receipt.logs })
    expect(transfer).toMatchObject({ address: tokenAddress.toLowerCase(), args: { value: amount } })
    expect(await contract.read['balanceOf']?.([stranger])).toBe(amount)
    const found = await wallet.getContractEvents({
      ...token,
      address: tokenAddress,
      eventName: 'Transfer',
      args: { from: wallet.account.address, to: stranger },
      fromBlock: 0n,
    })
    expect(found.map((log) => log.transactionHash)).toEqual([hash])
    // The topic of another receiver must not match.
    const none = await wallet.getContractEvents({
      ...token,
      address: tokenAddress,
      eventName: 'Transfer',
      args: { to: tokenAddress },
      fromBlock: 0n,
    })
    expect(none).toEqual([])
    const inBlock = await wallet.getLogs({ blockHash: receipt.blockHash, address: tokenAddress })
    expect(inBlock).toHaveLength(1)
  })

  it('hears of new blocks and of logs over WebSocket', async () => {
    const wallet = walletOf(devnet, ACCOUNT.viem)
    const socket = createPublicClient({
      chain: wallet.chain,
      transport: webSocket(devnet.rpcUrl.replace('http', 'ws'), { reconnect: false }),
    })
    const heads: bigint[] = []
    const logs: Log[] = []
    const stops = [
      socket.watchBlocks({ onBlock: (block) => heads.push(block.number) }),
      socket.watchEvent({ address: tokenAddress, onLogs: (fresh) => logs.push(...fresh) }),
    ]
    await eventually('a first block over WebSocket', () => heads.length > 0)
    const data = encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [stranger, 3n] })
    const hash = await wallet.sendTransaction({ to: tokenAddress, data })
    await eventually('the transfer over WebSocket', () => logs.some((log) => log.transactionHash === hash))
    await eventually('three blocks over WebSocket', () => heads.length >= 3)
    // None is left out; a fork would repeat a number.
    for (const [i, number] of heads.entries())
      if (i > 0) expect(number - (heads[i - 1] as bigint)).toBeLessThanOrEqual(1n)
    for (const stop of stops) stop()
    ;(await socket.transport.getRpcClient()).close()
  })

  it('shows why a call reverts: reason, custom error, panic', async () => {
    const reader = readerOf(devnet.rpcUrl)
    const failureOf = async (functionName: string, args: readonly unknown[] = []) => {
      try {
        await reader.readContract({ ...token, address: tokenAddress, functionName, args, account: stranger })
      } catch (error) {
        const revert = (error as BaseError).walk((inner) => inner instanceof ContractFunctionRevertedError)
        if (revert instanceof ContractFunctionRevertedError) return revert
        throw error
      }
      throw new Error(`${functionName} did not revert`)
    }
    expect((await failureOf('failWithReason')).reason).toBe('not today')
    const custom = (await failureOf('failWithError')).data
    expect(custom?.errorName).toBe('TooCurious')
    expect(custom?.args).toEqual([expect.stringMatching(new RegExp(stranger, 'i')), 42n])
    // Panic 0x12: division by zero.
    expect((await failureOf('divideBy', [0n])).data).toMatchObject({ errorName: 'Panic', args: [0x12n] })
    expect(await reader.readContract({ ...token, address: tokenAddress, functionName: 'divideBy', args: [8n] })).toBe(
      12n,
    )
    const tooMuch = await failureOf('transfer', [tokenAddress, 10n ** 30n])
    expect(tooMuch.data?.errorName).toBe('ERC20InsufficientBalance')
  })

  it('estimates gas that suffices, and one unit less does not', async () => {
    const wallet = walletOf(devnet, ACCOUNT.viem)
    expect(await wallet.estimateGas({ to: stranger, value: 1n })).toBe(21_000n)
    const to = '0x00000000000000000000000000000000000b0b00'
    const call = {
      to: tokenAddress,
      data: encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [to, 1n] }),
    }
    const gas = await wallet.estimateGas(call)
    const short = await wallet.waitForTransactionReceipt({
      hash: await wallet.sendTransaction({ ...call, gas: gas - 1n }),
    })
    expect(short).toMatchObject({ status: 'reverted', gasUsed: gas - 1n })
    const enough = await wallet.waitForTransactionReceipt({ hash: await wallet.sendTransaction({ ...call, gas }) })
    expect(enough.status).toBe('success')
    await expect(
      wallet.estimateContractGas({ ...token, address: tokenAddress, functionName: 'failWithReason' }),
    ).rejects.toThrow('not today')
  })

  it('answers every block tag', async () => {
    const reader = readerOf(devnet.rpcUrl)
    const wallet = walletOf(devnet, ACCOUNT.viem)
    const [latest, safe, finalized] = await Promise.all(
      (['latest', 'safe', 'finalized'] as const).map((blockTag) => reader.getBlock({ blockTag })),
    )
    expect(latest?.number).toBeGreaterThanOrEqual(finalized?.number as bigint)
    expect(finalized?.number).toBeGreaterThan(0n)
    expect((safe?.number as bigint) - (finalized?.number as bigint)).toBeLessThanOrEqual(1n)
    const earliest = await reader.getBlock({ blockTag: 'earliest' })
    expect(earliest).toMatchObject({ number: 0n, parentHash: `0x${'00'.repeat(32)}` })
    expect(await reader.getBalance({ address: addressOf(ACCOUNT.cast), blockTag: 'pending' })).toBe(parseEther('10'))
    const nonce = await wallet.getTransactionCount({ address: wallet.account.address, blockTag: 'latest' })
    const hash = await wallet.sendTransaction({ to: stranger, value: 1n })
    expect(await wallet.getTransaction({ hash })).toMatchObject({ hash, to: stranger })
    const pending = await wallet.getTransactionCount({ address: wallet.account.address, blockTag: 'pending' })
    expect(pending).toBe(nonce + 1)
    const { blockNumber, blockHash } = await wallet.waitForTransactionReceipt({ hash })
    await eventually('the block to be final', async () => {
      const final = await reader.getBlock({ blockTag: 'finalized' })
      return final.number >= blockNumber
    })
    expect((await reader.getBlock({ blockNumber })).hash).toBe(blockHash)
  })

  it('takes batches over HTTP', async () => {
    const transport = http(devnet.rpcUrl, { batch: true })
    const reader = createPublicClient({ chain: readerOf(devnet.rpcUrl).chain, transport })
    const balances = await Promise.all(devnet.accounts.slice(6).map(({ address }) => reader.getBalance({ address })))
    expect(balances).toEqual([10n, 10n, 10n, 10n].map((btc) => btc * 10n ** 18n))
    const body = [
      { jsonrpc: '2.0', id: 1, method: 'eth_chainId' },
      { jsonrpc: '2.0', id: 'two', method: 'eth_noSuchMethod' },
      { jsonrpc: '2.0', method: 'eth_chainId' },
    ]
    const response = await fetch(devnet.rpcUrl, { method: 'POST', body: JSON.stringify(body) })
    expect(await response.json()).toEqual([
      { jsonrpc: '2.0', id: 1, result: '0x480b' },
      {
        jsonrpc: '2.0',
        id: 'two',
        error: { code: -32601, message: expect.stringContaining('eth_noSuchMethod') as string },
      },
    ])
  })

  it('finds the code that was deployed, and none where there is none', async () => {
    const reader = readerOf(devnet.rpcUrl)
    const code = (await reader.getCode({ address: tokenAddress })) as Hex
    // Without constructor arguments and immutables, init code ends with what it deploys.
    expect(code.length).toBeGreaterThan(2_000)
    expect(token.bytecode.endsWith(code.slice(2))).toBe(true)
    expect(await reader.getCode({ address: addressOf(ACCOUNT.viem) })).toBeUndefined()
    expect(await reader.getCode({ address: tokenAddress, blockNumber: 0n })).toBeUndefined()
  })

  it('proves a balance of the token against the state root of a final block', async () => {
    const reader = readerOf(devnet.rpcUrl)
    const holder = addressOf(ACCOUNT.viem)
    // Balances are OpenZeppelin's first slot.
    const slot = keccak256(`0x${holder.slice(2).toLowerCase().padStart(64, '0')}${'00'.repeat(32)}`)
    const { number, stateRoot } = await reader.getBlock()
    const proof = await reader.getProof({ address: tokenAddress, storageKeys: [slot], blockNumber: number })
    const verify = (key: Hex, nodes: readonly Hex[], root: Hex) =>
      verifyMerkleProof(
        fromHex(key),
        nodes.map((node) => fromHex(node)),
        { root: fromHex(root), useKeyHashing: true },
      )
    const account = RLP.decode((await verify(tokenAddress, proof.accountProof, stateRoot)) ?? undefined) as Uint8Array[]
    expect(toHex(account[2] as Uint8Array)).toBe(proof.storageHash)
    expect(toHex(account[3] as Uint8Array)).toBe(keccak256((await reader.getCode({ address: tokenAddress })) as Hex))
    const [entry] = proof.storageProof
    const word = RLP.decode((await verify(slot, entry?.proof ?? [], proof.storageHash)) ?? undefined) as Uint8Array
    const balance = await reader.readContract({
      ...token,
      address: tokenAddress,
      functionName: 'balanceOf',
      args: [holder],
      blockNumber: number,
    })
    expect(readUintBE(word)).toBe(balance)
    expect(entry?.value).toBe(balance)
    await expect(verify(tokenAddress, proof.accountProof, proof.storageHash)).rejects.toThrow()
  })

  it('traces a transaction with the callTracer', async () => {
    const wallet = walletOf(devnet, ACCOUNT.viem)
    const data = encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [stranger, 5n] })
    const hash = await wallet.sendTransaction({ to: tokenAddress, data })
    const receipt = await wallet.waitForTransactionReceipt({ hash })
    const trace = await wallet.request<{
      Method: 'debug_traceTransaction'
      Parameters: unknown[]
      ReturnType: unknown
    }>({
      method: 'debug_traceTransaction',
      params: [hash, { tracer: 'callTracer', tracerConfig: { withLog: true } }],
    })
    expect(trace).toMatchObject({
      type: 'CALL',
      from: wallet.account.address.toLowerCase(),
      to: tokenAddress,
      input: data,
      output: `0x${'1'.padStart(64, '0')}`,
      gasUsed: `0x${receipt.gasUsed.toString(16)}`,
      logs: [{ address: tokenAddress, topics: receipt.logs[0]?.topics, data: receipt.logs[0]?.data }],
    })
  })

  it('simulates calls one after the other, with what they log and move', async () => {
    const reader = readerOf(devnet.rpcUrl)
    const account = addressOf(ACCOUNT.viem)
    const to = '0x0000000000000000000000000000000000051411'
    const call = (functionName: string, args: readonly unknown[]) => ({
      to: tokenAddress,
      abi: token.abi,
      functionName,
      args,
    })
    const { results: outcomes, assetChanges } = await reader.simulateCalls({
      account,
      calls: [
        call('transfer', [to, 9n]),
        call('balanceOf', [to]),
        { to, value: 7n },
        call('failWithReason', []),
      ] as never,
      traceAssetChanges: true,
    })
    // The calls are made from a plain ABI, which viem can tell no types of.
    const results = outcomes as readonly { status: string; logs?: readonly Log[]; error?: Error }[]
    expect(results.map(({ status }) => status)).toEqual(['success', 'success', 'success', 'failure'])
    expect(results[1]).toMatchObject({ result: 9n })
    expect(results[0]?.logs).toHaveLength(1)
    expect(results[3]?.error?.message).toContain('not today')
    const moved = assetChanges.map(({ token: { symbol }, value }) => [symbol, value.diff])
    expect(moved).toContainEqual(['TEST', -9n])
    expect(moved.some(([symbol, diff]) => symbol === 'ETH' && (diff as bigint) <= -7n)).toBe(true)
    expect(await reader.getBalance({ address: to })).toBe(0n)
  })

  it('makes an access list with which a transfer goes through', async () => {
    const wallet = walletOf(devnet, ACCOUNT.viem)
    const data = encodeFunctionData({ abi: token.abi, functionName: 'transfer', args: [stranger, 6n] })
    const { accessList, gasUsed } = await wallet.createAccessList({ to: tokenAddress, data })
    // The balances of sender and receiver.
    expect(accessList).toMatchObject([{ address: tokenAddress, storageKeys: [expect.any(String), expect.any(String)] }])
    const hash = await wallet.sendTransaction({ to: tokenAddress, data, accessList })
    expect(await wallet.waitForTransactionReceipt({ hash })).toMatchObject({ status: 'success', gasUsed })
  })

  it('finds every validator on the same chain', async () => {
    const reader = readerOf(devnet.rpcUrl)
    const { number, hash } = await reader.getBlock({ blockTag: 'finalized' })
    for (const url of devnet.rpcUrls)
      await eventually(`block ${number} to be final on ${url}`, async () => {
        const final = await readerOf(url).getBlock({ blockTag: 'finalized' })
        return final.number >= number && (await readerOf(url).getBlock({ blockNumber: number })).hash === hash
      })
  })
})

describe('ethers', () => {
  it('deploys, waits for confirmations, sends and reads events', async () => {
    const provider = new JsonRpcProvider(devnet.rpcUrl, undefined, {
      polling: true,
      pollingInterval: 100,
      cacheTimeout: -1,
    })
    try {
      expect((await provider.getNetwork()).chainId).toBe(18443n)
      const signer = new NonceManager(new Wallet(keyOf(ACCOUNT.ethers), provider))
      const contract = (await (
        await new ContractFactory([...token.abi] as never[], token.bytecode, signer).deploy()
      ).waitForDeployment()) as Contract
      const to = '0x00000000000000000000000000000000000e7e75'
      const heard: unknown[] = []
      await contract.on('Transfer', (_from, receiver: string, amount: bigint) => void heard.push([receiver, amount]))
      const sent = await contract.getFunction('transfer').send(to, 77n)
      const receipt = await sent.wait(2)
      expect(receipt?.status).toBe(1)
      expect(await contract.getFunction('balanceOf').staticCall(to)).toBe(77n)
      const [event] = (await contract.queryFilter('Transfer', receipt?.blockNumber)) as EventLog[]
      expect(event?.args.toArray()).toEqual([addressOf(ACCOUNT.ethers), getAddress(to), 77n])
      await eventually('the event to be heard', () => heard.length > 0)
      expect(heard).toContainEqual([getAddress(to), 77n])
      const request = await contract.getFunction('transfer').populateTransaction(to, 1n)
      const { accessList } = (await provider.send('eth_createAccessList', [
        { ...request, from: addressOf(ACCOUNT.ethers) },
      ])) as { accessList: { address: string; storageKeys: string[] }[] }
      expect(accessList).toHaveLength(1)
      const listed = await (await signer.sendTransaction({ ...request, accessList })).wait()
      expect(listed?.status).toBe(1)
      const trace = (await provider.send('debug_traceTransaction', [listed?.hash, { tracer: 'callTracer' }])) as object
      expect(trace).toMatchObject({ type: 'CALL', input: request.data })
      await expect(contract.getFunction('failWithError').staticCall()).rejects.toMatchObject({
        code: 'CALL_EXCEPTION',
        revert: { name: 'TooCurious' },
      })
      await expect(contract.getFunction('transfer').send(to, 10n ** 30n)).rejects.toMatchObject({
        code: 'CALL_EXCEPTION',
        action: 'estimateGas',
      })
    } finally {
      await provider.removeAllListeners()
      provider.destroy()
    }
  })
})
