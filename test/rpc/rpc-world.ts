import { createFeeMarket1559Tx, createLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import { decodeTransaction, nextBaseFee, TransactionPool, type BlockRef, type HeadChange } from '@hawser/chain'
import { EthereumJsInspector } from '@hawser/execution'
import { hawserProfile } from '@hawser/node'
import { silentLogger, toHex, type Address, type Hex } from '@hawser/primitives'
import { RpcServer, type RpcBackend, type RpcServerOptions } from '@hawser/rpc'
import { TestChain, testAddress, testKey } from '../kit/index.ts'

export const RICH = 10n ** 18n
export const alice = testAddress('alice')
export const bob = testAddress('bob')

/** Runtime code, assembled by hand. */
export const CODE = {
  /** Loops for ever. */
  loop: '0x5b600056',
  /** Calls itself with all gas and no JUMPDEST, twice in a row. */
  recursion: '0x6000600060006000600030' + '5af1' + '6000600060006000600030' + '5af1' + '00',
  /** Returns the gas that is left. */
  gas: '0x5a60005260206000f3',
  /** Adds one to slot 0, returns nothing, and logs the topic 1. */
  counter: '0x600054600101600055600160006000a100',
  /** Returns slot 0. */
  reader: '0x60005460005260206000f3',
  /** Returns number, timestamp, coinbase, base fee, prevrandao, gas limit: a word each. */
  block: '0x4360005242602052416040524860605244608052456' + '0a05260c06000f3',
  /** Reverts with Error("no"). */
  reverter: `0x7f08c379a0${'00'.repeat(28)}600052602060045260026024527f6e6f${'00'.repeat(30)}6044526064` + '6000fd',
  /** Clears slot 0 if the call data is empty, else sets it: what a refund is given for. */
  toggle: '0x366000' + '55',
  /** Destroys itself in favour of the caller. */
  destroyer: '0x33ff',
  /** Returns what BLOCKHASH of the word in the call data is. */
  blockhash: '0x6000354060005260206000f3',
} as const

/** Runtime code that calls another contract with a value of 0 and all gas, and goes on whatever comes of it. */
export const callerOf = (target: Address): Hex => `0x6000600060006000600073${target.slice(2)}5af15000`

/** Init code that deploys runtime code of at most 255 bytes. */
export function deploying(runtime: string): Hex {
  const code = runtime.slice(2)
  return `0x60${(code.length / 2).toString(16).padStart(2, '0')}80600b6000396000f3${code}`
}

export interface Answer {
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** The real engine, pool and server over HTTP, on a chain that is mined by hand. */
export class RpcWorld {
  readonly chain: TestChain
  readonly pool: TransactionPool
  readonly backend: RpcBackend
  readonly server: RpcServer
  #nonce = 0n

  private constructor(chain: TestChain, pool: TransactionPool, backend: RpcBackend, server: RpcServer) {
    this.chain = chain
    this.pool = pool
    this.backend = backend
    this.server = server
  }

  static async start(options: Partial<RpcServerOptions> = {}): Promise<RpcWorld> {
    const chain = await TestChain.create([{ address: alice, balance: RICH }])
    const { spec, common, store, engine, importer } = chain
    const pool = new TransactionPool({ sessionKeys: [], minFeePerGas: BigInt(spec.minBaseFeeWei) })
    const pending = new Set<(tx: TypedTransaction) => void>()
    const headerOf = (hash: BlockRef['hash']) => store.block(hash)?.block.header
    const backend: RpcBackend = {
      chain: hawserProfile(spec, common, chain.genesisHash),
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
      pool,
      logger: silentLogger,
      submit: async (raw) => {
        const tx = decodeTransaction(raw, common)
        const { header } = chain.head().block
        const account = await engine.stateAt(header).account(tx.getSenderAddress().toString() as Address)
        const hash = pool.add(tx, { nonce: account?.nonce ?? 0n, balance: account?.balance ?? 0n }, header.gasLimit)
        for (const listener of pending) listener(tx)
        return hash
      },
      peerCount: () => 0,
      syncTarget: () => undefined,
      onHead: (onHead: (change: HeadChange) => void) => importer.listen({ onHead }),
      onFinalized: () => () => undefined,
      onPendingTransaction: (listener) => {
        pending.add(listener)
        return () => pending.delete(listener)
      },
    }
    const server = await RpcServer.start(backend, { host: '127.0.0.1', port: 0, ...options })
    return new RpcWorld(chain, pool, backend, server)
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`
  }

  get methods(): readonly string[] {
    return this.server.methods
  }

  async stop(): Promise<void> {
    await this.server.stop()
    this.chain.dispose()
  }

  async post(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(this.url, { method: 'POST', body: text, headers })
    return (await response.json()) as Answer
  }

  ask(method: string, params: unknown = []): Promise<Answer> {
    return this.post({ jsonrpc: '2.0', id: 1, method, params })
  }

  /** The result. @throws the error as it came */
  async call(method: string, params: unknown = []): Promise<unknown> {
    const { result, error } = await this.ask(method, params)
    if (error) throw Object.assign(new Error(error.message), { code: error.code })
    return result
  }

  /** A signed transaction of alice's with her next nonce. */
  sign(fields: { to?: Address; data?: Hex; value?: bigint; gasLimit?: bigint }): TypedTransaction {
    return createFeeMarket1559Tx(
      {
        nonce: this.#nonce++,
        gasLimit: 500_000n,
        maxFeePerGas: 10_000_000n,
        maxPriorityFeePerGas: 500_000n,
        chainId: 18443n,
        ...fields,
      },
      { common: this.chain.common },
    ).sign(testKey('alice'))
  }

  legacy(fields: { to?: Address; data?: Hex; value?: bigint }): TypedTransaction {
    return createLegacyTx(
      { nonce: this.#nonce++, gasLimit: 500_000n, gasPrice: 10_000_000n, ...fields },
      { common: this.chain.common },
    ).sign(testKey('alice'))
  }

  /** Mines a block that deploys runtime code; gives its address. */
  async deploy(runtime: string): Promise<Address> {
    const tx = this.sign({ data: deploying(runtime) })
    await this.chain.mine({ transactions: [tx] })
    const receipt = (await this.call('eth_getTransactionReceipt', [toHex(tx.hash())])) as {
      status: Hex
      contractAddress: Address
    }
    if (receipt.status !== '0x1') throw new Error('the deployment failed')
    return receipt.contractAddress
  }
}
