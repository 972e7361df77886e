import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Devnet } from '@hawser/node'
import { ContractFactory, JsonRpcProvider, NonceManager, Wallet, type Contract, type EventLog } from 'ethers'
import {
  ContractFunctionRevertedError,
  createPublicClient,
  encodeFunctionData,
  getAddress,
  getContract,
  http,
  parseEther,
  parseEventLogs,
  parseGwei,
  webSocket,
  type Abi,
  type Address,
  type BaseError,
  type Hex,
  type Log,
} from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bin, eventually, ROOT, runCommand, startDevnet } from '../kit/devnet.ts'
import { readerOf, walletOf } from './support/clients.ts'
import { compileSolidity, type CompiledContract } from './support/compile-solidity.ts'
import { hardhatProject } from './support/hardhat-project.ts'

/** Each tool signs with an account of its own: they cannot disturb one another's nonces. */
const ACCOUNT = { viem: 0, ethers: 1, cast: 2, forge: 3, hardhat: 4, uniswap: 5 } as const
const TOKEN_SUPPLY = parseEther('1000000')

let devnet: Devnet
let token: CompiledContract

const keyOf = (index: number) => devnet.accounts[index]?.privateKey as Hex
const addressOf = (index: number) => devnet.accounts[index]?.address as Address

beforeAll(async () => {
  token = compileSolidity(join(ROOT, 'test', 'e2e', 'contracts', 'TestToken.sol'), 'TestToken')
  devnet = await startDevnet()
})
afterAll(() => devnet?.stop())

async function deploy(account: number, { abi, bytecode }: CompiledContract, args: readonly unknown[] = []) {
  const wallet = walletOf(devnet, account)
  const hash = await wallet.deployContract({ abi, bytecode, args })
  const receipt = await wallet.waitForTransactionReceipt({ hash })
  expect(receipt.status).toBe('success')
  return { address: receipt.contractAddress as Address, receipt }
}

describe('viem', () => {
  const stranger = '0x00000000000000000000000000000000000a11ce'
  let tokenAddress: Address

  beforeAll(async () => {
    tokenAddress = (await deploy(ACCOUNT.viem, token)).address
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

describe('Foundry', () => {
  const to = '0x00000000000000000000000000000000000ca570'
  let folder: string

  const run = async (tool: 'cast' | 'forge', args: readonly string[]) => {
    const result = await runCommand(bin(tool), args, {
      cwd: folder,
      env: { ETH_RPC_URL: devnet.rpcUrl, NO_COLOR: '1' },
    })
    if (result.code !== 0) throw new Error(`${tool} ${args.join(' ')}: ${result.stderr}`)
    return result.stdout.trim()
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-forge-'))
    cpSync(join(ROOT, 'test', 'e2e', 'forge'), folder, { recursive: true })
    writeFileSync(
      join(folder, 'foundry.toml'),
      `[profile.default]\nsrc = "."\nscript = "."\nlibs = []\noffline = true\nevm_version = "osaka"\nsolc = ${JSON.stringify(join(ROOT, 'packages', 'contracts', 'bin', 'solcw'))}\n`,
    )
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('cast reads the chain and sends', async () => {
    expect(await run('cast', ['chain-id'])).toBe('18443')
    expect(await run('cast', ['balance', addressOf(ACCOUNT.cast)])).toBe(parseEther('10').toString())
    const send = ['send', to, '--value', '0.5ether', '--private-key', keyOf(ACCOUNT.cast), '--json']
    const sent = JSON.parse(await run('cast', send)) as { transactionHash: Hex; status: Hex }
    expect(sent.status).toBe('0x1')
    expect(await run('cast', ['balance', to, '--ether'])).toBe('0.500000000000000000')
    const receipt = JSON.parse(await run('cast', ['receipt', sent.transactionHash, '--json'])) as { gasUsed: Hex }
    expect(receipt.gasUsed).toBe('0x5208')
    const final = JSON.parse(await run('cast', ['block', 'finalized', '--json'])) as { number: Hex; hash: Hex }
    expect(BigInt(final.number)).toBeGreaterThan(0n)
    const { hash } = await readerOf(devnet.rpcUrl).getBlock({ blockNumber: BigInt(final.number) })
    expect(final.hash).toBe(hash)
    const multicall = '0xcA11bde05977b3631167028862bE2a173976CA11'
    expect(await run('cast', ['call', multicall, 'getChainId()(uint256)'])).toContain('18443')
    expect((await run('cast', ['code', multicall])).length).toBeGreaterThan(1_000)
    expect(await run('cast', ['code', to])).toBe('0x')
  })

  it('forge create deploys a contract', async () => {
    const options = ['--private-key', keyOf(ACCOUNT.forge), '--broadcast', '--json', '--constructor-args', '3']
    const { deployedTo } = JSON.parse(await run('forge', ['create', 'Counter.sol:Counter', ...options])) as {
      deployedTo: Address
    }
    expect(await run('cast', ['call', deployedTo, 'count()(uint256)'])).toBe('3')
  })

  it('forge script --broadcast sends what the script did', async () => {
    const output = await run('forge', [
      'script',
      'Deploy.s.sol:Deploy',
      '--rpc-url',
      devnet.rpcUrl,
      '--private-key',
      keyOf(ACCOUNT.forge),
      '--broadcast',
    ])
    expect(output).toContain('ONCHAIN EXECUTION COMPLETE & SUCCESSFUL')
    expect(readdirSync(join(folder, 'broadcast', 'Deploy.s.sol'))).toContain('18443')
    const record = createRequire(import.meta.url)(
      join(folder, 'broadcast', 'Deploy.s.sol', '18443', 'run-latest.json'),
    ) as {
      receipts: readonly { status: Hex; contractAddress: Address | null }[]
    }
    expect(record.receipts.map(({ status }) => status)).toEqual(['0x1', '0x1'])
    const counter = record.receipts.find(({ contractAddress }) => contractAddress)?.contractAddress as Address
    expect(await run('cast', ['call', counter, 'count()(uint256)'])).toBe('8')
  })
})

describe('Hardhat', () => {
  it('deploys through an HTTP network', { timeout: 240_000 }, async (context) => {
    const project = await hardhatProject()
    if (typeof project === 'string') {
      if (process.env['CI'] === 'true') throw new Error(project)
      return context.skip(project)
    }
    const { code, stdout, stderr } = await project.run(['run', 'scripts/deploy.mjs'], {
      HAWSER_RPC_URL: devnet.rpcUrl,
      HAWSER_PRIVATE_KEY: keyOf(ACCOUNT.hardhat),
    })
    expect(code, stderr).toBe(0)
    const { receipt } = JSON.parse(stdout.trim().split('\n').at(-1) as string) as {
      receipt: { status: Hex; contractAddress: Address }
    }
    expect(receipt.status).toBe('0x1')
    const greeting = await readerOf(devnet.rpcUrl).readContract({
      address: receipt.contractAddress,
      abi: [
        { type: 'function', name: 'greeting', stateMutability: 'view', inputs: [], outputs: [{ type: 'string' }] },
      ] as const,
      functionName: 'greeting',
    })
    expect(greeting).toBe('Moored')
  })
})

describe('Uniswap v2', () => {
  it('creates a pair by CREATE2, takes liquidity and swaps at the price of its formula', async () => {
    const load = (name: string) =>
      createRequire(import.meta.url)(`@uniswap/v2-core/build/${name}.json`) as { abi: Abi; bytecode: string }
    const factoryArtifact = load('UniswapV2Factory')
    const pairAbi = load('UniswapV2Pair').abi
    const wallet = walletOf(devnet, ACCOUNT.uniswap)
    const me = wallet.account.address
    const send = async (address: Address, abi: Abi, functionName: string, args: readonly unknown[]) => {
      const hash = await wallet.writeContract({ address, abi, functionName, args })
      const receipt = await wallet.waitForTransactionReceipt({ hash })
      expect(receipt.status, functionName).toBe('success')
    }
    const read = <T>(address: Address, abi: Abi, functionName: string, args: readonly unknown[] = []) =>
      wallet.readContract({ address, abi, functionName, args }) as Promise<T>

    const factory = await deploy(
      ACCOUNT.uniswap,
      { abi: factoryArtifact.abi, bytecode: `0x${factoryArtifact.bytecode}` },
      [me],
    )
    const [a, b] = [await deploy(ACCOUNT.uniswap, token), await deploy(ACCOUNT.uniswap, token)]
    await send(factory.address, factoryArtifact.abi, 'createPair', [a.address, b.address])
    const pair = await read<Address>(factory.address, factoryArtifact.abi, 'getPair', [a.address, b.address])
    const [token0, token1] = [a.address, b.address].sort((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1)) as [
      Address,
      Address,
    ]

    const liquidity = parseEther('1000')
    await send(token0, token.abi, 'transfer', [pair, liquidity])
    await send(token1, token.abi, 'transfer', [pair, liquidity])
    await send(pair, pairAbi, 'mint', [me])
    // sqrt(x * y), less the 1000 that nobody owns.
    expect(await read<bigint>(pair, pairAbi, 'balanceOf', [me])).toBe(liquidity - 1_000n)

    const paid = parseEther('10')
    const bought = (paid * 997n * liquidity) / (liquidity * 1_000n + paid * 997n)
    await send(token0, token.abi, 'transfer', [pair, paid])
    await expect(
      wallet.simulateContract({ address: pair, abi: pairAbi, functionName: 'swap', args: [0n, bought + 1n, me, '0x'] }),
    ).rejects.toThrow('UniswapV2: K')
    await send(pair, pairAbi, 'swap', [0n, bought, me, '0x'])
    expect(await read<bigint>(token1, token.abi, 'balanceOf', [me])).toBe(TOKEN_SUPPLY - liquidity + bought)
    const [reserve0, reserve1] = await read<readonly [bigint, bigint, number]>(pair, pairAbi, 'getReserves')
    expect([reserve0, reserve1]).toEqual([liquidity + paid, liquidity - bought])
  })
})
