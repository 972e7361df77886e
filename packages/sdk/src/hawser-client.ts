import type { Account, Chain, Client, Transport } from 'viem'
import { explainError } from './explain-error.ts'

/** Any viem client; those that send transactions need an account. */
export type HawserClient = Client<Transport, Chain | undefined, Account | undefined>

/** @internal Calls a method of the btc, bridge and finality namespaces, which viem's schema does not know. */
export async function callNode<T>(client: HawserClient, method: string, params: readonly unknown[] = []): Promise<T> {
  const request = client.request as unknown as (call: { method: string; params: readonly unknown[] }) => Promise<T>
  return explained(() => request({ method, params }))
}

/** @internal Runs a call to viem and throws our errors instead of its own. */
export async function explained<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw explainError(error)
  }
}
