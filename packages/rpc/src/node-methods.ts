import { keccak256, toHex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import { formatTransaction } from './format.ts'
import type { Method } from './method.ts'
import { quantity, readBytes, required } from './params.ts'

/** The web3, net and txpool namespaces. */
export function nodeMethods(backend: RpcBackend): Record<string, Method> {
  const byNonce = (transactions: ReadonlyMap<string, readonly Parameters<typeof formatTransaction>[0][]>) =>
    Object.fromEntries(
      [...transactions].map(([sender, list]) => [
        sender,
        Object.fromEntries(list.map((tx) => [tx.nonce.toString(), formatTransaction(tx)])),
      ]),
    )
  return {
    web3_clientVersion: () => backend.clientVersion,
    web3_sha3: (params) => toHex(keccak256(readBytes(required(params, 0), 'data'))),
    net_version: () => backend.spec.chainId.toString(),
    net_listening: () => true,
    net_peerCount: () => quantity(backend.peerCount()),
    txpool_status: () => {
      const { pending, queued } = backend.pool.content()
      const size = (map: ReadonlyMap<string, readonly unknown[]>) =>
        [...map.values()].reduce((sum, list) => sum + list.length, 0)
      return { pending: quantity(size(pending)), queued: quantity(size(queued)) }
    },
    txpool_content: () => {
      const { pending, queued } = backend.pool.content()
      return { pending: byNonce(pending), queued: byNonce(queued) }
    },
  }
}
