import type { TypedTransaction } from '@ethereumjs/tx'
import { effectiveTip } from '@hawser/chain'
import { keccak256, toHex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import { formatTransaction } from './format.ts'
import type { Methods } from './method.ts'
import { quantity, readAddress, readBytes, required } from './params.ts'

type BySender = ReadonlyMap<string, readonly TypedTransaction[]>

/** The web3 and net namespaces. */
export function nodeMethods(backend: RpcBackend): Methods {
  return {
    web3_clientVersion: () => backend.clientVersion,
    web3_sha3: (params) => toHex(keccak256(readBytes(required(params, 0), 'data'))),
    net_version: () => backend.chain.chainId.toString(),
    net_listening: () => true,
    net_peerCount: () => quantity(backend.peerCount()),
  }
}

/** The txpool namespace. */
export function txpoolMethods({ pool }: RpcBackend): Methods {
  const each = <T>(transactions: BySender, tell: (list: readonly TypedTransaction[]) => T) =>
    Object.fromEntries([...transactions].map(([sender, list]) => [sender, tell(list)]))
  const whole = byNonce((tx) => formatTransaction(tx))
  return {
    txpool_status: () => {
      const { pending, queued } = pool.content()
      const size = (map: BySender) => quantity([...map.values()].reduce((sum, list) => sum + list.length, 0))
      return { pending: size(pending), queued: size(queued) }
    },
    txpool_content: () => {
      const { pending, queued } = pool.content()
      return { pending: each(pending, whole), queued: each(queued, whole) }
    },
    txpool_contentFrom: (params) => {
      const sender = readAddress(required(params, 0))
      const { pending, queued } = pool.content()
      return { pending: whole(pending.get(sender) ?? []), queued: whole(queued.get(sender) ?? []) }
    },
    txpool_inspect: () => {
      const { pending, queued } = pool.content()
      return { pending: each(pending, byNonce(summary)), queued: each(queued, byNonce(summary)) }
    },
  }
}

function byNonce<T>(tell: (tx: TypedTransaction) => T) {
  return (list: readonly TypedTransaction[]) =>
    Object.fromEntries(
      [...list].sort((a, b) => (a.nonce < b.nonce ? -1 : 1)).map((tx) => [tx.nonce.toString(), tell(tx)]),
    )
}

/** A line for people, as Geth writes it. */
function summary(tx: TypedTransaction): string {
  const price = 'maxFeePerGas' in tx ? tx.maxFeePerGas : effectiveTip(tx, 0n)
  return `${tx.to ? toHex(tx.to.bytes) : 'contract creation'}: ${tx.value} wei + ${tx.gasLimit} gas × ${price} wei`
}
