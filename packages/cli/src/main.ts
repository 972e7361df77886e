import { createCommon, StoredChain } from '@hawser/chain'
import { Libp2pTransport } from '@hawser/p2p'
import { RpcServer } from '@hawser/rpc'
import { EthereumJsEngine } from '@hawser/execution'
import { buildGenesis } from '@hawser/genesis'
import { LevelStore } from '@hawser/storage'
import { createLogger } from '@hawser/primitives/node'
console.log(typeof createCommon, typeof StoredChain, typeof Libp2pTransport, typeof RpcServer, typeof EthereumJsEngine, typeof buildGenesis, typeof LevelStore, typeof createLogger)
const s = await LevelStore.open('/tmp/zzlevel'); await s.close(); createLogger({level:'info'}).info({}, 'x')
