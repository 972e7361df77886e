import { createRequire } from 'node:module'
import type { Devnet } from '@hawser/node'
import { maxUint256, parseEther, type Abi, type Address } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDevnet } from '../../kit/devnet.ts'
import { walletOf } from '../support/clients.ts'
import type { CompiledContract } from '../support/compile-solidity.ts'
import { ACCOUNT, compileContract, deploy, TOKEN_SUPPLY } from '../support/deploy.ts'

const require = createRequire(import.meta.url)

let devnet: Devnet
let token: CompiledContract

beforeAll(async () => {
  token = compileContract('TestToken')
  devnet = await startDevnet()
})
afterAll(() => devnet?.stop())

/** Who deploys, pays and swaps. */
function trader() {
  const wallet = walletOf(devnet, ACCOUNT.uniswap)
  return {
    wallet,
    me: wallet.account.address,
    async send(address: Address, abi: Abi, functionName: string, args: readonly unknown[], gas?: bigint) {
      const hash = await wallet.writeContract({ address, abi, functionName, args, gas })
      const receipt = await wallet.waitForTransactionReceipt({ hash })
      expect(receipt.status, functionName).toBe('success')
    },
    read: <T>(address: Address, abi: Abi, functionName: string, args: readonly unknown[] = []) =>
      wallet.readContract({ address, abi, functionName, args }) as Promise<T>,
  }
}

/** Two tokens as a pool orders them. */
function sorted(a: Address, b: Address): [Address, Address] {
  return BigInt(a) < BigInt(b) ? [a, b] : [b, a]
}

describe('Uniswap v2', () => {
  it('creates a pair by CREATE2, takes liquidity and swaps at the price of its formula', async () => {
    const load = (name: string) => require(`@uniswap/v2-core/build/${name}.json`) as { abi: Abi; bytecode: string }
    const factoryArtifact = load('UniswapV2Factory')
    const pairAbi = load('UniswapV2Pair').abi
    const { me, send, read, wallet } = trader()
    const factory = await deploy(
      devnet,
      ACCOUNT.uniswap,
      { abi: factoryArtifact.abi, bytecode: `0x${factoryArtifact.bytecode}` },
      [me],
    )
    const [a, b] = [await deploy(devnet, ACCOUNT.uniswap, token), await deploy(devnet, ACCOUNT.uniswap, token)]
    await send(factory.address, factoryArtifact.abi, 'createPair', [a.address, b.address])
    const pair = await read<Address>(factory.address, factoryArtifact.abi, 'getPair', [a.address, b.address])
    const [token0, token1] = sorted(a.address, b.address)

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

describe('Uniswap v3', () => {
  const Q96 = 1n << 96n
  const FEE = 3_000n
  const MILLION = 1_000_000n
  /** The widest range of a pool whose ticks lie 60 apart. */
  const TICK = 887_220

  it('makes a pool, takes liquidity through a callback and swaps to the wei of its formula', async () => {
    const load = (name: string) =>
      require(`@uniswap/v3-core/artifacts/contracts/${name}.sol/${name}.json`) as CompiledContract
    const { me, send, read, wallet } = trader()
    const factoryArtifact = load('UniswapV3Factory')
    const { abi } = load('UniswapV3Pool')
    const user = compileContract('PoolUser')

    const factory = await deploy(devnet, ACCOUNT.uniswap, factoryArtifact)
    const caller = await deploy(devnet, ACCOUNT.uniswap, user)
    const [a, b] = [await deploy(devnet, ACCOUNT.uniswap, token), await deploy(devnet, ACCOUNT.uniswap, token)]
    const [token0, token1] = sorted(a.address, b.address)
    await send(factory.address, factoryArtifact.abi, 'createPool', [b.address, a.address, FEE])
    const pool = await read<Address>(factory.address, factoryArtifact.abi, 'getPool', [a.address, b.address, FEE])
    await send(pool, abi, 'initialize', [Q96])
    await expect(
      wallet.simulateContract({ address: pool, abi, functionName: 'initialize', args: [Q96] }),
    ).rejects.toThrow('AI')

    for (const address of [token0, token1]) await send(address, token.abi, 'approve', [caller.address, maxUint256])
    const liquidity = parseEther('1000')
    await send(caller.address, user.abi, 'mint', [pool, -TICK, TICK, liquidity])
    expect(await read(pool, abi, 'liquidity')).toBe(liquidity)
    const balance = (address: Address, of: Address) => read<bigint>(address, token.abi, 'balanceOf', [of])
    // At price 1 the widest range takes of each token what the liquidity is, less some 54 wei beyond its ends.
    for (const address of [token0, token1]) {
      const taken = await balance(address, pool)
      expect(taken).toBeLessThanOrEqual(liquidity)
      expect(taken).toBeGreaterThan(liquidity - 100n)
      expect(await balance(address, me)).toBe(TOKEN_SUPPLY - taken)
    }

    const [before, paid] = [await balance(token1, me), parseEther('10')]
    // An estimate sees the block of the mint, where the pool's oracle has an entry already; the next block writes one.
    await send(caller.address, user.abi, 'swap', [pool, true, paid, 4_295_128_740n], 300_000n)
    // The white paper's 6.2.3: the root of the price falls with what comes in after the fee, rounded up.
    const after = paid - (paid * FEE) / MILLION
    const [above, below] = [(liquidity << 96n) * Q96, (liquidity << 96n) + after * Q96]
    const root = (above + below - 1n) / below
    const [now] = await read<readonly [bigint]>(pool, abi, 'slot0')
    expect(now).toBe(root)
    expect((await balance(token1, me)) - before).toBe((liquidity * (Q96 - root)) / Q96)
  })
})
