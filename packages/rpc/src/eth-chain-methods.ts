import type { CallRequest, InspectionLimits } from '@hawser/chain'
import { toHex, ZERO_ADDRESS } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { readCall } from './call-params.ts'
import { invalidParams, reverted, RpcCode, RpcError } from './errors.ts'
import { forkConfig } from './fork-config.ts'
import type { Method, Methods } from './method.ts'
import { quantity, readAddress, readBytes, readObject, required } from './params.ts'

/** The methods about the node and its chain as a whole, and those that take transactions. */
export function ethChainMethods(backend: RpcBackend, reader: BlockReader, limits: InspectionLimits): Methods {
  const { chain, store } = backend
  /** The node has keys, but not for its users: it never signs for anybody. */
  const unknownAccount = (read: (first: unknown) => unknown): Method => {
    return (params) => {
      read(required(params, 0))
      throw new RpcError(RpcCode.server, 'unknown account: this node holds no keys of accounts; sign in your wallet')
    }
  }
  const sender = (value: unknown) => {
    const { from } = readObject(value, 'transaction')
    if (from === undefined || from === null) throw invalidParams('missing "from" in transaction')
    return readAddress(from, 'from')
  }
  return {
    eth_chainId: () => quantity(chain.chainId),
    eth_blockNumber: () => quantity(store.pointers().head.number),
    eth_accounts: () => [],
    eth_coinbase: () => {
      throw new RpcError(RpcCode.server, 'etherbase must be explicitly specified: the node has no account of its own')
    },
    eth_protocolVersion: () => '0x44',
    eth_syncing: () => {
      const target = backend.syncTarget()
      const current = store.pointers().head.number
      return target === undefined
        ? false
        : {
            startingBlock: '0x0',
            currentBlock: quantity(current),
            highestBlock: quantity(target > current ? target : current),
          }
    },
    eth_config: () => forkConfig(chain, reader.header('latest').timestamp),
    eth_capabilities: () => capabilities(backend),
    eth_sendRawTransaction: (params) => backend.submit(readBytes(required(params, 0), 'raw transaction')),
    eth_sign: unknownAccount((account) => readAddress(account)),
    eth_signTransaction: unknownAccount(sender),
    eth_sendTransaction: unknownAccount(sender),
    eth_fillTransaction: (params) => fillTransaction(backend, reader, limits, required(params, 0)),
  }
}

/** What the node can answer about, and since which block. */
function capabilities(backend: RpcBackend) {
  const { head } = backend.store.pointers()
  const oldest = backend.oldestState?.() ?? 0n
  const first = backend.oldestBlock?.() ?? 1n
  const whole = { disabled: false, oldestBlock: quantity(first > 1n ? first : 0n) }
  const state = {
    disabled: false,
    oldestBlock: quantity(oldest),
    ...(oldest > 0n
      ? { deleteStrategy: { type: 'window', retentionBlocks: quantity(head.number - oldest + 1n) } }
      : {}),
  }
  return {
    head: { number: quantity(head.number), hash: head.hash },
    state,
    tx: whole,
    logs: whole,
    receipts: whole,
    blocks: whole,
    stateproofs: state,
  }
}

/** A transaction with what the caller left out: nonce, gas, fees, type and chain id. */
async function fillTransaction(backend: RpcBackend, reader: BlockReader, limits: InspectionLimits, value: unknown) {
  const { chain, engine, inspector, pool } = backend
  const call = readCall(value, chain)
  const head = reader.header('latest')
  const from = call.from ?? ZERO_ADDRESS
  const nonce = call.nonce ?? pool.nextNonce(from, engine.stateAt(head).account(from)?.nonce ?? 0n)
  const gas = call.gas ?? (await estimate())
  const data = call.data ?? new Uint8Array()
  if (call.to === undefined && data.length === 0) throw invalidParams('contract creation without any data provided')
  const common = {
    nonce: quantity(nonce),
    gas: quantity(gas),
    ...(call.to === undefined ? {} : { to: call.to }),
    value: quantity(call.value ?? 0n),
    input: toHex(data),
    chainId: quantity(chain.chainId),
  }
  const accessList = call.accessList ?? []
  const baseFee = chain.nextBaseFee(head)
  if (call.gasPrice !== undefined || baseFee === undefined) {
    const gasPrice = quantity(call.gasPrice ?? chain.suggestedTip(head))
    return {
      tx: call.accessList ? { type: '0x1', ...common, gasPrice, accessList } : { type: '0x0', ...common, gasPrice },
    }
  }
  const tip = call.maxPriorityFeePerGas ?? chain.suggestedTip(head)
  const cap = call.maxFeePerGas ?? 2n * baseFee + tip
  if (cap < tip) throw invalidParams(`maxFeePerGas (${cap}) < maxPriorityFeePerGas (${tip})`)
  const fees = {
    maxFeePerGas: quantity(cap),
    maxPriorityFeePerGas: quantity(tip),
    // What it would pay now.
    gasPrice: quantity(baseFee + tip < cap ? baseFee + tip : cap),
  }
  return { tx: { ...typed(call), ...common, ...fees, accessList } }

  async function estimate(): Promise<bigint> {
    const estimated = await inspector.estimateGas(head, call, limits)
    if (typeof estimated === 'bigint') return estimated
    if (estimated.kind === 'revert') throw reverted(estimated.output, estimated.reason)
    throw new RpcError(RpcCode.server, estimated.kind === 'halt' ? estimated.reason : 'execution failed')
  }
}

function typed(call: CallRequest) {
  if (call.authorizationList)
    return {
      type: '0x4',
      authorizationList: call.authorizationList.map(({ chainId, address, nonce, yParity, r, s }) => ({
        chainId: quantity(chainId),
        address,
        nonce: quantity(nonce),
        yParity: quantity(yParity),
        r: quantity(r),
        s: quantity(s),
      })),
    }
  if (call.blobVersionedHashes)
    return {
      type: '0x3',
      maxFeePerBlobGas: quantity(call.maxFeePerBlobGas ?? 0n),
      blobVersionedHashes: call.blobVersionedHashes,
    }
  return { type: '0x2' }
}
