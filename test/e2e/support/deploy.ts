import { join } from 'node:path'
import type { Devnet } from '@hawser/node'
import { parseEther, type Address, type TransactionReceipt } from 'viem'
import { expect } from 'vitest'
import { ROOT } from '../../kit/devnet.ts'
import { walletOf } from './clients.ts'
import { compileSolidity, type CompiledContract } from './compile-solidity.ts'

/** Each tool signs with an account of its own: they cannot disturb one another's nonces. */
export const ACCOUNT = { viem: 0, ethers: 1, cast: 2, forge: 3, hardhat: 4, uniswap: 5 } as const
/** What the account that deploys a test token has of it. */
export const TOKEN_SUPPLY = parseEther('1000000')

/** A contract of `test/e2e/contracts`. */
export function compileContract(name: string): CompiledContract {
  return compileSolidity(join(ROOT, 'test', 'e2e', 'contracts', `${name}.sol`), name)
}

/** Deploys from one of the devnet's accounts and waits for the receipt. */
export async function deploy(
  devnet: Devnet,
  account: number,
  { abi, bytecode }: CompiledContract,
  args: readonly unknown[] = [],
): Promise<{ readonly address: Address; readonly receipt: TransactionReceipt }> {
  const wallet = walletOf(devnet, account)
  const hash = await wallet.deployContract({ abi, bytecode, args })
  const receipt = await wallet.waitForTransactionReceipt({ hash })
  expect(receipt.status).toBe('success')
  return { address: receipt.contractAddress as Address, receipt }
}
