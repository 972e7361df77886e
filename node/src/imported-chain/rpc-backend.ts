import { EthereumJsInspector } from '@hawser/execution'
import type { Hash32, Logger } from '@hawser/primitives'
import type { RpcBackend } from '@hawser/rpc'
import { CLIENT_VERSION } from '../create-node.ts'
import { ethereumProfile } from './ethereum-profile.ts'
import type { ImportedChain } from './imported-chain.ts'
import { PayloadBuilder } from './payload-builder.ts'

/** The imported chain as JSON-RPC sees it: it has no peers, no finality votes, no bridge, and nobody adds to it. */
export function importedChainBackend(chain: ImportedChain, logger: Logger): RpcBackend {
  const never = () => () => undefined
  const headerOf = (hash: Hash32) => chain.store.header(hash)
  const profile = ethereumProfile(chain.genesis, chain.forks, chain.store.canonicalHash(0n) as Hash32)
  return {
    chain: profile,
    clientVersion: `${CLIENT_VERSION}/${process.platform}-${process.arch}/node-${process.version}`,
    store: chain.store,
    engine: chain.engine,
    inspector: new EthereumJsInspector({
      engine: chain.engine,
      rules: chain.forks.commonAt,
      headerOf,
      nextBaseFee: (header) => profile.nextBaseFee(header) ?? 0n,
    }),
    pool: chain.pool,
    builder: new PayloadBuilder(chain),
    logger,
    submit: (raw) => chain.submit(chain.decodeTransaction(raw)),
    peerCount: () => 0,
    syncTarget: () => undefined,
    onHead: never,
    onFinalized: never,
    onPendingTransaction: never,
  }
}
