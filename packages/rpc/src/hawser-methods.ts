import type { BitcoinView, BridgeView, StateProof } from '@hawser/chain'
import {
  btcHashFromDisplay,
  displayBtcHash,
  isAppError,
  readUintBE,
  toHex,
  type Address,
  type BtcHash,
} from '@hawser/primitives'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import type { Methods } from './method.ts'
import { quantity, readAddress, readBytes, readObject, readQuantity, readUint64, required } from './params.ts'

/** Withdrawals of one answer, and coins of one answer. */
const MAX_PAGE = 100
/** The farthest target that Bitcoin nodes estimate a fee for, in blocks. */
const MAX_FEE_TARGET = 1_008
const MAX_UINT32 = 0xffff_ffff

/** The btc and bridge namespaces, of a node with a bridge. */
export function bridgeMethods(bridge: BridgeView, reader: BlockReader): Methods {
  const { custody } = bridge
  const at = (parameter: unknown) => reader.header(parameter ?? 'finalized')
  return {
    ...bitcoinMethods(bridge.bitcoin),
    bridge_getDepositAddress: async (params) => {
      const { address, scriptPubKey } = await bridge.registerDepositAddress(
        readAddress(required(params, 0)),
        readRefundKey(params[1]),
      )
      return { address, scriptPubKey: toHex(scriptPubKey) }
    },
    bridge_getDeposits: (params) => bridge.deposits(readAddress(required(params, 0))),
    bridge_getDeposit: async (params) => {
      const { txid, vout } = readOutpoint(required(params, 0))
      return (await bridge.deposit(txid, vout)) ?? null
    },
    bridge_claim: (params) =>
      bridge.claim(
        displayBtcHash(readBtcHash(required(params, 0), 'txid')),
        readAddress(required(params, 1)),
        readRefundKey(params[2]),
      ),
    bridge_getWithdrawals: (params) => bridge.withdrawals(readAddress(required(params, 0)), readPage(params[1])),
    bridge_getWithdrawal: async (params) =>
      (await bridge.withdrawal(readUint64(required(params, 0), 'withdrawal id'))) ?? null,
    bridge_getBatch: (params) => bridge.batch(readUint64(required(params, 0), 'batch id')),
    bridge_getReserves: (params) => bridge.reserves(at(params[0])),
    bridge_getReservesProof: async (params) => {
      const header = at(params[0])
      const final = reader.number('finalized')
      if (header.number > final)
        throw invalidParams(`block ${header.number} is not final, a proof of it proves nothing; final is ${final}`)
      const { block, header: rlp, address, slots, proof } = custody.reservesProof(header)
      return {
        block: { number: quantity(block.number), hash: block.hash },
        header: toHex(rlp),
        ...formatProof(address, slots, proof),
        reserves: await bridge.reserves(header),
      }
    },
    bridge_getCustodyCoins: (params) =>
      custody.coins(
        at(params[0]),
        params[1] === undefined || params[1] === null ? 1n : readUint64(params[1], 'first coin id'),
        MAX_PAGE,
      ),
    bridge_getCommittee: (params) => custody.committee(at(params[0])),
  }
}

function bitcoinMethods(bitcoin: BitcoinView): Methods {
  const confirmations = async (hash: BtcHash) => {
    const [lightClient, node] = await Promise.all([bitcoin.header('light-client', hash), bitcoin.header('node', hash)])
    const told = (header: typeof node) =>
      header ? { height: header.height, onBestChain: header.onBestChain, confirmations: header.confirmations } : null
    return { blockHash: displayBtcHash(hash), lightClient: told(lightClient), node: told(node) }
  }
  return {
    btc_getStatus: async () => {
      const { source, lightClient, sourceError } = await bitcoin.status()
      return {
        source: source ? { hash: displayBtcHash(source.hash), height: source.height } : null,
        sourceError: sourceError ?? null,
        lightClient: { hash: displayBtcHash(lightClient.hash), height: lightClient.height },
      }
    },
    btc_getBestHeader: async (params) => (await bitcoin.header(readView(params[0]))) ?? null,
    btc_getHeader: async (params) => {
      const id = required(params, 0)
      const view = readView(params[1])
      return (await bitcoin.header(view, isBtcHash(id) ? btcHashFromDisplay(id) : readHeight(id))) ?? null
    },
    btc_getConfirmations: (params) => confirmations(readBtcHash(required(params, 0), 'block hash')),
    btc_getTransactionConfirmations: async (params) => {
      const txid = readBtcHash(required(params, 0), 'txid')
      const hash = readBtcHash(required(params, 1), 'block hash')
      try {
        await bitcoin.proveTransaction(txid, hash)
      } catch (error) {
        if (isAppError(error, 'BITCOIN_TX_NOT_FOUND')) throw new RpcError(RpcCode.resourceNotFound, error.message)
        throw error
      }
      return { txid: displayBtcHash(txid), ...(await confirmations(hash)) }
    },
    btc_estimateFeeRate: async (params) => {
      const blocks = params[0] === undefined || params[0] === null ? 2n : readQuantity(params[0], 'blocks')
      if (blocks < 1n || blocks > BigInt(MAX_FEE_TARGET))
        throw invalidParams(`blocks must be 1 to ${MAX_FEE_TARGET}, not ${blocks}`)
      // Bitcoin's own nodes count in whole sat/kvB.
      const satPerVb = Math.round((await bitcoin.feeRate(Number(blocks))) * 1_000) / 1_000
      return { satPerVb, blocks: Number(blocks) }
    },
  }
}

/** The shape of eth_getProof, with a name for every slot. */
function formatProof(
  address: Address,
  slots: readonly { readonly name: string; readonly key: Uint8Array }[],
  { account, accountProof, storage }: StateProof,
) {
  return {
    address,
    balance: quantity(account?.balance ?? 0n),
    nonce: quantity(account?.nonce ?? 0n),
    codeHash: account?.codeHash,
    storageHash: account?.storageRoot,
    accountProof: accountProof.map((node) => toHex(node)),
    storageProof: storage.map(({ word, proof }, index) => ({
      name: slots[index]?.name,
      key: toHex(slots[index]?.key ?? new Uint8Array()),
      value: quantity(readUintBE(word)),
      proof: proof.map((node) => toHex(node)),
    })),
  }
}

function isBtcHash(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-fA-F]{64}$/.test(value)
}

/** A hash of Bitcoin as explorers show it: 64 digits, no prefix. */
function readBtcHash(value: unknown, what: string): BtcHash {
  if (!isBtcHash(value)) throw invalidParams(`${what} must be 64 hex digits without 0x, as Bitcoin explorers show it`)
  return btcHashFromDisplay(value)
}

function readHeight(value: unknown): number {
  if (typeof value === 'string' && !value.startsWith('0x'))
    throw invalidParams('a Bitcoin block is named by its hash (64 hex digits without 0x) or by its height')
  const height = readQuantity(value, 'height')
  if (height > BigInt(MAX_UINT32)) throw invalidParams(`height must be at most ${MAX_UINT32}`)
  return Number(height)
}

function readOutpoint(value: unknown): { readonly txid: string; readonly vout: number } {
  const [, txid, digits] = (typeof value === 'string' && /^([0-9a-fA-F]{64}):(\d{1,10})$/.exec(value)) || []
  const vout = Number(digits)
  if (txid === undefined || vout > MAX_UINT32)
    throw invalidParams('a deposit is named by its outpoint: txid:vout, the txid of 64 hex digits and a decimal vout')
  return { txid: txid.toLowerCase(), vout }
}

function readView(value: unknown): 'light-client' | 'node' {
  if (value === undefined || value === null || value === 'light-client') return 'light-client'
  if (value === 'node') return 'node'
  throw invalidParams("view must be 'light-client' (the chain's) or 'node' (this node's own)")
}

function readRefundKey(value: unknown): Uint8Array | undefined {
  if (value === undefined || value === null) return undefined
  const key = readBytes(value, 'refund key')
  if (key.length !== 32) throw invalidParams('refund key must be an x-only public key of 32 bytes')
  return key
}

function readPage(value: unknown): { readonly offset: number; readonly limit: number } {
  if (value === undefined || value === null) return { offset: 0, limit: MAX_PAGE }
  const { offset = 0, limit = MAX_PAGE } = readObject(value, 'page')
  const [first, count] = [readQuantity(offset, 'offset'), readQuantity(limit, 'limit')]
  if (first > BigInt(MAX_UINT32)) throw invalidParams(`offset must be at most ${MAX_UINT32}`)
  if (count < 1n || count > BigInt(MAX_PAGE)) throw invalidParams(`limit must be 1 to ${MAX_PAGE}, not ${count}`)
  return { offset: Number(first), limit: Number(count) }
}
