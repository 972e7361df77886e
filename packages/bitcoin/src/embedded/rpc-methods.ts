import { btcHashFromDisplay, displayBtcHash, fromHex, isAppError, type BtcHash } from '@hawser/primitives'
import { addressToScript } from '../bitcoin-address.ts'
import { buildPartialMerkleTree } from '../partial-merkle-tree.ts'
import { decodeTransaction, type Transaction } from '../transaction.ts'
import type { EmbeddedBlock, EmbeddedChain } from './embedded-chain.ts'
import type { MempoolEntry } from './mempool.ts'
import { RPC, RpcError } from './rpc-error.ts'
import { bareHex, blockView, btc, confirmations, headerView, scriptView, transactionView } from './rpc-views.ts'

/** Transactions that one gettxoutproof or testmempoolaccept may name. */
const MAX_LISTED = 1_000
/** Longest wait of waitfornewblock when none is given, milliseconds. */
const MAX_WAIT_MS = 60_000
const DEFAULT_MAX_FEE_RATE_BTC_PER_KVB = 0.1

export interface RpcContext {
  readonly signal: AbortSignal
}
export type RpcMethod = (params: readonly unknown[], context: RpcContext) => unknown

/** The part of bitcoind's JSON-RPC that the embedded chain speaks, by method name. */
export function rpcMethods(chain: EmbeddedChain): ReadonlyMap<string, RpcMethod> {
  const methods: Record<string, RpcMethod> = {
    getblockchaininfo: () => ({
      chain: 'regtest',
      blocks: chain.height,
      headers: chain.height,
      bestblockhash: tipHash(chain),
      difficulty: 4.656542373906925e-10,
      time: chain.tip.header.timeS,
      mediantime: chain.medianTimeS(chain.tip),
      verificationprogress: 1,
      initialblockdownload: false,
      chainwork: chain.tip.chainWork.toString(16).padStart(64, '0'),
      size_on_disk: 0,
      pruned: false,
      warnings: [],
    }),
    getnetworkinfo: () => ({
      version: 290000,
      subversion: '/hawser-embedded:0.1.0/',
      protocolversion: 70016,
      connections: 0,
      networkactive: false,
      relayfee: btc(BigInt(Math.ceil(chain.minRelayFeeRateSatPerVb * 1000))),
      incrementalfee: btc(BigInt(Math.ceil(chain.minRelayFeeRateSatPerVb * 1000))),
      warnings: [],
    }),
    getdeploymentinfo: () => ({
      hash: tipHash(chain),
      height: chain.height,
      deployments: Object.fromEntries(
        ['bip34', 'bip66', 'bip65', 'csv', 'segwit', 'taproot'].map((n) => [
          n,
          { type: 'buried', active: true, height: 1 },
        ]),
      ),
    }),
    getblockcount: () => chain.height,
    getbestblockhash: () => tipHash(chain),
    getblockhash: ([height]) => {
      const block = chain.atHeight(integer(height, 'height'))
      if (!block) throw new RpcError(RPC.INVALID_PARAMETER, 'Block height out of range')
      return displayBtcHash(block.header.hash)
    },
    getblockheader: ([hash, verbose = true]) => {
      const block = blockOf(chain, hash)
      return verbose === false ? bareHex(block.header.raw) : headerView(chain, block)
    },
    getblock: ([hash, verbosity = 1]) => {
      const block = blockOf(chain, hash)
      const level = verbosity === true ? 1 : verbosity === false ? 0 : integer(verbosity, 'verbosity')
      return level === 0 ? bareHex(block.raw) : blockView(chain, block, level)
    },
    getrawtransaction: ([id, verbose = false, blockHash]) => rawTransaction(chain, id, verbose, blockHash),
    gettxout: ([id, vout, includeMempool = true]) => txOut(chain, id, vout, includeMempool !== false),
    gettxoutproof: ([ids, blockHash]) => txOutProof(chain, ids, blockHash),
    sendrawtransaction: ([hex, maxFeeRate = DEFAULT_MAX_FEE_RATE_BTC_PER_KVB]) => send(chain, hex, maxFeeRate),
    testmempoolaccept: ([list]) => {
      if (!Array.isArray(list) || list.length === 0 || list.length > 25)
        throw new RpcError(RPC.INVALID_PARAMETER, 'Array must contain between 1 and 25 transactions.')
      return list.map((hex) => acceptView(chain, hex))
    },
    getrawmempool: ([verbose = false]) => {
      const entries = chain.mempool.entries()
      if (verbose !== true) return entries.map((entry) => displayBtcHash(entry.txid))
      return Object.fromEntries(entries.map((entry) => [displayBtcHash(entry.txid), mempoolView(chain, entry)]))
    },
    getmempoolentry: ([id]) => {
      const entry = chain.mempool.get(hashOf(id, 'txid'))
      if (!entry) throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Transaction not in mempool')
      return mempoolView(chain, entry)
    },
    getmempoolinfo: () => ({
      loaded: true,
      size: chain.mempool.size,
      bytes: chain.mempool.entries().reduce((sum, entry) => sum + entry.vsize, 0),
      mempoolminfee: btc(BigInt(Math.ceil(chain.minRelayFeeRateSatPerVb * 1000))),
      minrelaytxfee: btc(BigInt(Math.ceil(chain.minRelayFeeRateSatPerVb * 1000))),
    }),
    estimatesmartfee: ([target]) => ({
      feerate: btc(BigInt(Math.ceil(chain.feeRateSatPerVb * 1000))),
      blocks: integer(target, 'conf_target'),
    }),
    waitfornewblock: ([timeoutMs = 0], { signal }) => {
      const start = tipHash(chain)
      return waitFor(chain, () => tipHash(chain) !== start, integer(timeoutMs, 'timeout'), signal)
    },
    waitforblockheight: ([height, timeoutMs = 0], { signal }) => {
      const wanted = integer(height, 'height')
      return waitFor(chain, () => chain.height >= wanted, integer(timeoutMs, 'timeout'), signal)
    },
    generatetoaddress: ([count, address]) => {
      const script = scriptOf(address)
      return chain.mine(integer(count, 'nblocks'), script).map((block) => displayBtcHash(block.header.hash))
    },
    invalidateblock: ([hash]) => {
      if (!chain.invalidate(blockOf(chain, hash).header.hash)) throw new RpcError(RPC.MISC_ERROR, 'Block not found')
      return null
    },
    reconsiderblock: ([hash]) => {
      chain.reconsider(blockOf(chain, hash).header.hash)
      return null
    },
    scantxoutset: ([action, objects]) => scan(chain, action, objects),
    validateaddress: ([address]) => {
      try {
        const script = addressToScript(text(address, 'address'), 'regtest')
        return { isvalid: true, address, scriptPubKey: bareHex(script) }
      } catch (error) {
        if (!isAppError(error)) throw error
        return { isvalid: false, error: error.message }
      }
    },
    uptime: () => Math.floor(process.uptime()),
  }
  return new Map(Object.entries(methods))
}

function tipHash(chain: EmbeddedChain): string {
  return displayBtcHash(chain.tip.header.hash)
}

function integer(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new RpcError(RPC.TYPE_ERROR, `JSON value of type ${typeof value} is not of expected type number (${name})`)
  if (value < 0) throw new RpcError(RPC.INVALID_PARAMETER, `${name} must not be negative`)
  return value
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string')
    throw new RpcError(RPC.TYPE_ERROR, `JSON value of type ${typeof value} is not of expected type string (${name})`)
  return value
}

function hashOf(value: unknown, name: string): BtcHash {
  const hex = text(value, name)
  if (!/^[0-9a-fA-F]{64}$/.test(hex))
    throw new RpcError(RPC.INVALID_PARAMETER, `${name} must be of length 64 and hexadecimal (not ${hex.slice(0, 80)})`)
  return btcHashFromDisplay(hex)
}

function scriptOf(address: unknown): Uint8Array {
  try {
    return addressToScript(text(address, 'address'), 'regtest')
  } catch (error) {
    if (error instanceof RpcError) throw error
    throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Error: Invalid address')
  }
}

function blockOf(chain: EmbeddedChain, hash: unknown): EmbeddedBlock {
  const block = chain.block(hashOf(hash, 'blockhash'))
  if (!block) throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Block not found')
  return block
}

function transactionOf(hex: unknown): Transaction {
  try {
    return decodeTransaction(fromHex(text(hex, 'hexstring')))
  } catch (error) {
    if (error instanceof RpcError) throw error
    throw new RpcError(RPC.DESERIALIZATION_ERROR, 'TX decode failed. Make sure the tx has at least one input.')
  }
}

function rawTransaction(chain: EmbeddedChain, id: unknown, verbose: unknown, blockHash: unknown): unknown {
  const wanted = hashOf(id, 'txid')
  const isVerbose = verbose === true || (typeof verbose === 'number' && verbose > 0)
  if (blockHash === undefined || blockHash === null) {
    const tx = chain.mempool.get(wanted)?.tx
    if (!tx)
      throw new RpcError(
        RPC.INVALID_ADDRESS_OR_KEY,
        'No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions.',
      )
    const view = transactionView(tx) as { hex: string }
    return isVerbose ? view : view.hex
  }
  const block = blockOf(chain, blockHash)
  const tx = block.transactions[block.txids.indexOf(wanted)]
  if (!tx)
    throw new RpcError(
      RPC.INVALID_ADDRESS_OR_KEY,
      'No such transaction found in the provided block. Use gettransaction for wallet transactions.',
    )
  const view = transactionView(tx) as { hex: string }
  if (!isVerbose) return view.hex
  return {
    in_active_chain: chain.isOnMainChain(block),
    ...view,
    blockhash: displayBtcHash(block.header.hash),
    confirmations: Math.max(confirmations(chain, block), 0),
    time: block.header.timeS,
    blocktime: block.header.timeS,
  }
}

function txOut(chain: EmbeddedChain, id: unknown, vout: unknown, includeMempool: boolean): unknown {
  const txid = hashOf(id, 'txid')
  const n = integer(vout, 'n')
  if (includeMempool && chain.mempool.spender({ txid, vout: n })) return null
  const confirmed = chain.coin(txid, n)
  const pending = includeMempool ? chain.mempool.get(txid)?.tx.outputs[n] : undefined
  const output = confirmed ?? pending
  if (!output) return null
  return {
    bestblock: tipHash(chain),
    confirmations: confirmed ? chain.height - confirmed.height + 1 : 0,
    value: btc(output.sats),
    scriptPubKey: scriptView(output.script),
    coinbase: confirmed?.isCoinbase ?? false,
  }
}

function txOutProof(chain: EmbeddedChain, ids: unknown, blockHash: unknown): string {
  if (!Array.isArray(ids) || ids.length === 0)
    throw new RpcError(RPC.INVALID_PARAMETER, "Parameter 'txids' cannot be empty")
  if (ids.length > MAX_LISTED) throw new RpcError(RPC.INVALID_PARAMETER, 'too many txids')
  const wanted = ids.map((id) => hashOf(id, 'txid'))
  if (new Set(wanted).size !== wanted.length)
    throw new RpcError(RPC.INVALID_PARAMETER, 'Invalid parameter, duplicated txid')
  const block =
    blockHash === undefined || blockHash === null ? blockWithCoins(chain, wanted) : blockOf(chain, blockHash)
  const positions = wanted.map((id) => block.txids.indexOf(id))
  if (positions.includes(-1))
    throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Not all transactions found in specified or retrieved block')
  return bareHex(buildPartialMerkleTree(block.header.raw, block.txids.map(fromHex), new Set(positions)))
}

function blockWithCoins(chain: EmbeddedChain, ids: readonly BtcHash[]): EmbeddedBlock {
  for (const [key, coin] of chain.coins) {
    const block = chain.atHeight(coin.height)
    if (block && ids.includes(key.split(':')[0] as BtcHash)) return block
  }
  throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'Transaction not yet in block')
}

function send(chain: EmbeddedChain, hex: unknown, maxFeeRate: unknown): string {
  const tx = transactionOf(hex)
  const verdict = chain.test(tx)
  if (!verdict.accepted) {
    if (verdict.reason === 'txn-already-in-mempool') return displayBtcHash(verdict.txid)
    if (verdict.reason === 'missing-inputs') throw new RpcError(RPC.VERIFY_ERROR, 'bad-txns-inputs-missingorspent')
    if (verdict.reason === 'txn-already-known')
      throw new RpcError(RPC.VERIFY_ALREADY_IN_CHAIN, 'Transaction outputs already in utxo set')
    throw new RpcError(RPC.VERIFY_REJECTED, verdict.details ? `${verdict.reason}, ${verdict.details}` : verdict.reason)
  }
  const limit = Number(maxFeeRate)
  const { feeSats, vsize } = verdict.entry
  if (limit > 0 && Number(feeSats) > (limit * 1e8 * vsize) / 1000)
    throw new RpcError(RPC.VERIFY_ERROR, 'Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)')
  chain.submit(tx)
  return displayBtcHash(verdict.entry.txid)
}

function acceptView(chain: EmbeddedChain, hex: unknown): object {
  const verdict = chain.test(transactionOf(hex))
  if (!verdict.accepted)
    return {
      txid: displayBtcHash(verdict.txid),
      wtxid: displayBtcHash(verdict.wtxid),
      allowed: false,
      'reject-reason': verdict.reason,
    }
  const { entry } = verdict
  return {
    txid: displayBtcHash(entry.txid),
    wtxid: displayBtcHash(entry.wtxid),
    allowed: true,
    vsize: entry.vsize,
    fees: { base: btc(entry.feeSats) },
  }
}

function mempoolView(chain: EmbeddedChain, entry: MempoolEntry): object {
  const { mempool } = chain
  return {
    vsize: entry.vsize,
    weight: entry.weight,
    time: entry.timeS,
    height: entry.height,
    descendantcount: mempool.withDescendants([entry.txid]).size,
    ancestorcount: mempool.ancestors(entry.tx).size + 1,
    wtxid: displayBtcHash(entry.wtxid),
    fees: { base: btc(entry.feeSats), modified: btc(entry.feeSats) },
    depends: mempool.parents(entry.tx).map(displayBtcHash),
    spentby: mempool.children(entry.txid).map(displayBtcHash),
    'bip125-replaceable': true,
  }
}

function waitFor(chain: EmbeddedChain, done: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<object> {
  return new Promise((resolve) => {
    const finish = (): void => {
      stopTimer()
      stopListening()
      signal.removeEventListener('abort', finish)
      resolve({ hash: tipHash(chain), height: chain.height })
    }
    const stopTimer = chain.clock.after(timeoutMs === 0 ? MAX_WAIT_MS : Math.min(timeoutMs, MAX_WAIT_MS), finish)
    const stopListening = chain.onTip(() => {
      if (done()) finish()
    })
    signal.addEventListener('abort', finish, { once: true })
    if (done() || signal.aborted) finish()
  })
}

function scan(chain: EmbeddedChain, action: unknown, objects: unknown): unknown {
  if (action === 'status') return null
  if (action !== 'start') throw new RpcError(RPC.INVALID_PARAMETER, `Invalid action '${String(action).slice(0, 40)}'`)
  if (!Array.isArray(objects) || objects.length > MAX_LISTED)
    throw new RpcError(RPC.MISC_ERROR, 'scanobjects argument is required for the start action')
  const wanted = new Map(
    objects.map((object: unknown) => {
      const descriptor = typeof object === 'object' && object !== null && 'desc' in object ? object.desc : object
      const match = /^(addr|raw)\(([^()]+)\)(#\w{8})?$/.exec(text(descriptor, 'descriptor'))
      if (!match) throw new RpcError(RPC.INVALID_ADDRESS_OR_KEY, 'only addr() and raw() descriptors are known')
      const script = match[1] === 'addr' ? scriptOf(match[2]) : fromHex(match[2] ?? '')
      return [bareHex(script), `${match[1]}(${match[2]})`]
    }),
  )
  const unspents = [...chain.coins]
    .filter(([, coin]) => wanted.has(bareHex(coin.script)))
    .map(([key, coin]) => ({
      txid: displayBtcHash(key.split(':')[0] as BtcHash),
      vout: Number(key.split(':')[1]),
      scriptPubKey: bareHex(coin.script),
      desc: wanted.get(bareHex(coin.script)),
      amount: btc(coin.sats),
      sats: coin.sats,
      coinbase: coin.isCoinbase,
      height: coin.height,
      blockhash: displayBtcHash((chain.atHeight(coin.height) as EmbeddedBlock).header.hash),
    }))
  return {
    success: true,
    txouts: chain.coins.size,
    height: chain.height,
    bestblock: tipHash(chain),
    unspents: unspents.map(({ sats: _, ...rest }) => rest),
    total_amount: btc(unspents.reduce((sum, { sats }) => sum + sats, 0n)),
  }
}
