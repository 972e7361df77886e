import { RLP } from '@ethereumjs/rlp'
import { DEVNET_CHAIN_ID } from '@hawser/genesis'
import { devValidatorKeys, type Devnet } from '@hawser/node'
import { toHex } from '@hawser/primitives'
import { DEFAULT_LIMITS } from '@hawser/rpc'
import {
  concat,
  keccak256,
  parseEther,
  parseGwei,
  serializeTransaction,
  trim,
  type Hex,
  type TransactionSerializableEIP1559,
} from 'viem'
import { privateKeyToAccount, sign } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { startDevnet } from '../kit/devnet.ts'
import { walletOf } from './support/clients.ts'

/** secp256k1's order. */
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const STRANGER = '0x00000000000000000000000000000000000bad00'
const UNKNOWN_HASH = `0x${'ab'.repeat(32)}`

let devnet: Devnet
let before: unknown

interface Answer {
  readonly status: number
  readonly code?: number
  readonly message?: string
  readonly data?: unknown
  readonly result?: unknown
}

async function post(body: string): Promise<Answer> {
  const response = await fetch(devnet.rpcUrl, { method: 'POST', body })
  const { error, result } = (await response.json()) as { error?: { code: number; message: string }; result?: unknown }
  return { status: response.status, ...(error ?? { result }) }
}

const ask = (method: string, params: unknown) => post(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
const sendRaw = (raw: Hex) => ask('eth_sendRawTransaction', [raw])

const account = () => privateKeyToAccount(devnet.accounts[1]?.privateKey as Hex)

/** A good transfer, but for what the test changes. */
function transfer(changes: Partial<TransactionSerializableEIP1559> = {}): TransactionSerializableEIP1559 {
  return {
    type: 'eip1559',
    chainId: DEVNET_CHAIN_ID,
    nonce: 1,
    to: STRANGER,
    value: 1n,
    gas: 21_000n,
    maxFeePerGas: parseGwei('0.01'),
    maxPriorityFeePerGas: 1n,
    ...changes,
  }
}

/** What a refused request must leave alone. */
async function observed() {
  const { address } = account()
  return {
    nonce: await devnet.rpc('eth_getTransactionCount', [address, 'pending']),
    balance: await devnet.rpc('eth_getBalance', [address, 'latest']),
    stranger: await devnet.rpc('eth_getBalance', [STRANGER, 'latest']),
    pool: await devnet.rpc('txpool_status'),
  }
}

beforeAll(async () => {
  devnet = await startDevnet()
  const wallet = walletOf(devnet, 1)
  // Nonce 0 is used up, so that "too low" can be told from "unknown".
  await wallet.waitForTransactionReceipt({ hash: await wallet.sendTransaction({ to: wallet.account.address }) })
})
afterAll(() => devnet?.stop())
beforeEach(async () => {
  before = await observed()
})
afterEach(async () => {
  expect(await observed()).toEqual(before)
})

describe('a raw transaction is refused', () => {
  const signed = (changes: Partial<TransactionSerializableEIP1559> = {}) => account().signTransaction(transfer(changes))

  const cases: readonly (readonly [string, () => Promise<Hex> | Hex, RegExp])[] = [
    ['that is empty', () => '0x', /it is empty/],
    ['that is no transaction', () => '0xdeadbeef', /malformed/],
    ['that is cut off', async () => (await signed()).slice(0, -8) as Hex, /malformed/],
    ['that has bytes after its end', async () => `${await signed()}00`, /malformed/],
    ['that is not signed', () => serializeTransaction(transfer()), /not signed/],
    [
      'whose signature has r = 0',
      () => serializeTransaction(transfer(), { r: '0x0', s: '0x1', yParity: 0 }),
      /signature|invalid sender|signed/i,
    ],
    [
      'whose signature has a high s (EIP-2)',
      () => serializeTransaction(transfer(), { r: toHex32(1n), s: toHex32(CURVE_ORDER - 1n), yParity: 0 }),
      /invalid sender|signature|s-values/i,
    ],
    [
      'whose signature belongs to no public key',
      // 5 is the x coordinate of no point of the curve.
      () => serializeTransaction(transfer(), { r: toHex32(5n), s: toHex32(1n), yParity: 0 }),
      /invalid sender|signature/i,
    ],
    ['of another chain', () => signed({ chainId: 1 }), /invalid chain id for signer: have 1 want 18443/],
    [
      'of another chain in the legacy form',
      () =>
        account().signTransaction({
          type: 'legacy',
          chainId: 5,
          nonce: 1,
          to: STRANGER,
          gas: 21_000n,
          gasPrice: 10n ** 7n,
        }),
      /invalid chain id for signer: have 5 want 18443/,
    ],
    ['whose nonce is used up', () => signed({ nonce: 0 }), /nonce too low: next nonce 1, tx nonce 0/],
    ['whose nonce is far ahead', () => signed({ nonce: 1_000_000 }), /nonce too high/],
    [
      'that costs more than the account has',
      () => signed({ value: parseEther('11') }),
      /insufficient funds for gas \* price \+ value/,
    ],
    ['with too little gas', () => signed({ gas: 20_999n }), /intrinsic gas too low: gas 20999, minimum needed 21000/],
    [
      'with more gas than a transaction may have (EIP-7825)',
      () => signed({ gas: 16_777_217n }),
      /gas limit too high: at most 16777216/,
    ],
    ['below the least base fee', () => signed({ maxFeePerGas: 999_999n }), /transaction underpriced.*1000000/],
    ['whose tip is above its fee cap', tipAboveCap, /max priority fee per gas higher than max fee per gas|malformed/],
    [
      'with gas price 0, which is for inherents',
      () =>
        account().signTransaction({
          type: 'legacy',
          chainId: DEVNET_CHAIN_ID,
          nonce: 1,
          to: STRANGER,
          gas: 21_000n,
          gasPrice: 0n,
        }),
      /underpriced: gas price 0 is for inherents/,
    ],
    ['that carries blobs', async () => `0x03${(await signed()).slice(4)}`, /blob transactions \(type 3\) are refused/],
    ['of an unknown type', async () => `0x05${(await signed()).slice(4)}`, /malformed/],
    ['that is longer than 128 kB', () => signed({ data: `0x${'00'.repeat(131_072)}` }), /oversized data.*131072/],
    [
      'from a session key',
      () => privateKeyToAccount(toHex(devValidatorKeys(0).session)).signTransaction(transfer({ nonce: 0 })),
      /session key, which sends no paid transactions/,
    ],
  ]
  it.each(cases)('%s', async (_name, raw, message) => {
    expect(await sendRaw(await raw())).toEqual({
      status: 200,
      code: -32000,
      message: expect.stringMatching(message) as string,
    })
  })

  it('that is in the pool already, or replaces one for too little', async () => {
    // A nonce gap keeps it in the pool: no block takes it.
    const waiting = transfer({ nonce: 3 })
    const raw = await account().signTransaction(waiting)
    expect((await sendRaw(raw)).result).toMatch(/^0x/)
    before = await observed()
    expect(await sendRaw(raw)).toMatchObject({ code: -32000, message: 'already known' })
    const cheap = await account().signTransaction({ ...waiting, value: 2n, maxFeePerGas: parseGwei('0.0109') })
    expect(await sendRaw(cheap)).toMatchObject({ code: -32000, message: 'replacement transaction underpriced' })
  })
})

describe('a request is refused', () => {
  const cases: readonly (readonly [string, string, number, number, RegExp])[] = [
    ['that is not JSON', '{"jsonrpc":', 200, -32700, /not JSON/],
    ['that is empty', '', 200, -32700, /not JSON/],
    ['that is no object', '"eth_chainId"', 200, -32600, /not an object/],
    ['without a method', '{"jsonrpc":"2.0","id":1}', 200, -32600, /method must be a string/],
    ['whose method is no string', '{"jsonrpc":"2.0","id":1,"method":7}', 200, -32600, /method must be a string/],
    ['whose id is an object', '{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', 200, -32600, /id a string or number/],
    ['that is an empty batch', '[]', 200, -32600, /empty batch/],
    [
      'that is a batch of too many',
      JSON.stringify(
        Array.from({ length: DEFAULT_LIMITS.maxBatch + 1 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'eth_chainId' })),
      ),
      200,
      -32600,
      /batch too large: at most 1000/,
    ],
    [
      'that is longer than the limit',
      ' '.repeat(DEFAULT_LIMITS.maxBodyBytes + 1),
      413,
      -32600,
      /request body too large/,
    ],
  ]
  it.each(cases)('%s', async (_name, body, status, code, message) => {
    expect(await post(body)).toEqual({ status, code, message: expect.stringMatching(message) as string })
  })

  it('that is no POST', async () => {
    const response = await fetch(devnet.rpcUrl, { method: 'PUT', body: '{}' })
    expect(response.status).toBe(405)
    expect(await response.json()).toMatchObject({
      error: { code: -32600, message: expect.stringContaining('POST') as string },
    })
  })

  it('over WebSocket with the same words', async () => {
    const socket = new WebSocket(devnet.rpcUrl.replace('http', 'ws'))
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const say = (text: string) =>
      new Promise<unknown>((resolve) => {
        socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString())))
        socket.send(text)
      })
    expect(await say('{')).toMatchObject({ id: null, error: { code: -32700 } })
    expect(await say('{"id":1,"method":"eth_subscribe","params":["weather"]}')).toMatchObject({
      id: 1,
      error: { code: -32602, message: expect.stringContaining('no "weather" subscription') as string },
    })
    expect(await say('{"id":2,"method":"eth_subscribe","params":[]}')).toMatchObject({ error: { code: -32602 } })
    expect(await say('{"id":3,"method":"eth_chainId"}')).toMatchObject({ id: 3, result: '0x480b' })
    socket.close()
  })
})

describe('a call is refused', () => {
  const cases: readonly (readonly [string, string, unknown, number, RegExp])[] = [
    ['of an unknown method', 'eth_mine', [], -32601, /the method eth_mine does not exist/],
    ['of a name that every object has', 'constructor', [], -32601, /does not exist/],
    ['of a method that would sign', 'eth_sendTransaction', [{ from: STRANGER }], -32000, /unknown account/],
    ['of a signature', 'eth_sign', [STRANGER, '0x00'], -32000, /unknown account/],
    ['whose params are an object', 'eth_chainId', { a: 1 }, -32602, /non-array args/],
    ['without its address', 'eth_getBalance', [], -32602, /missing value for required argument 0/],
    ['with a short address', 'eth_getBalance', ['0x1234', 'latest'], -32602, /invalid address/],
    ['with an address that is a number', 'eth_getBalance', [7, 'latest'], -32602, /address must be a string/],
    ['with an unknown tag', 'eth_getBalance', [STRANGER, 'newest'], -32602, /hex quantity/],
    ['with a decimal block number', 'eth_getBlockByNumber', ['12', false], -32602, /hex quantity/],
    ['with a short hash', 'eth_getTransactionReceipt', ['0x12'], -32602, /invalid transaction hash/],
    ['with odd hex', 'eth_sendRawTransaction', ['0x123'], -32602, /raw transaction/],
    ['with hex without prefix', 'eth_sendRawTransaction', ['1234'], -32602, /prefix 0x/],
    ['whose object is a list', 'eth_call', [[], 'latest'], -32602, /must be an object/],
    [
      'whose data and input differ',
      'eth_call',
      [{ to: STRANGER, data: '0x01', input: '0x02' }, 'latest'],
      -32602,
      /"data" and "input"/,
    ],
    [
      'with two kinds of fees',
      'eth_call',
      [{ to: STRANGER, gasPrice: '0x1', maxFeePerGas: '0x1' }],
      -32602,
      /both gasPrice/,
    ],
    ['that carries blobs', 'eth_call', [{ to: STRANGER, blobVersionedHashes: [UNKNOWN_HASH] }], -32602, /blob/],
    ['for state of a block to come', 'eth_getBalance', [STRANGER, '0xffffffff'], -32000, /header not found/],
    [
      'for state of an unknown block',
      'eth_call',
      [{ to: STRANGER }, { blockHash: UNKNOWN_HASH }],
      -32000,
      /header not found/,
    ],
    [
      'that spends what the caller has not',
      'eth_call',
      [{ from: STRANGER, to: UNKNOWN_HASH.slice(0, 42), value: '0x1' }, 'latest'],
      -32000,
      /insufficient funds for gas \* price \+ value/,
    ],
    ['for logs with a broken range', 'eth_getLogs', [{ fromBlock: '0x5', toBlock: '0x2' }], -32602, /range|block/i],
    [
      'for logs of blocks to come',
      'eth_getLogs',
      [{ fromBlock: '0x0', toBlock: '0xffffffff' }],
      -32602,
      /beyond current head block/,
    ],
    ['for logs of an unknown block', 'eth_getLogs', [{ blockHash: UNKNOWN_HASH }], -32000, /unknown block|not found/i],
    ['for a tracer that is not there', 'debug_traceCall', [{}, 'latest', { tracer: 'x' }], -32602, /tracer not found/],
    ['for a trace of genesis', 'debug_traceBlockByNumber', ['0x0'], -32000, /genesis is not traceable/],
    ['for a trace of an unknown transaction', 'debug_traceTransaction', [UNKNOWN_HASH], -32000, /not found/],
    ['for an access list of a block', 'eth_getBlockAccessList', ['latest'], -32001, /EIP-7928/],
    [
      'for a precompile that is none',
      'eth_call',
      [{ to: STRANGER }, 'latest', { [STRANGER]: { movePrecompileToAddress: STRANGER } }],
      -32000,
      /is not a precompile/,
    ],
    ['for a filter that is not there', 'eth_getFilterChanges', ['0x1'], -32000, /filter not found/],
    ['for a subscription over HTTP', 'eth_subscribe', ['newHeads'], -32000, /WebSocket/],
    ['for fees beyond the head', 'eth_feeHistory', ['0x1', '0xffffffff', []], -32000, /beyond head block/],
    ['for a deposit address of nobody', 'bridge_getDepositAddress', ['0x12'], -32602, /invalid address/],
    ['with a short refund key', 'bridge_getDepositAddress', [STRANGER, '0x12'], -32602, /32 bytes/],
    ['for a claim of no txid', 'bridge_claim', ['0x12', STRANGER], -32602, /64 hex digits/],
  ]
  it.each(cases)('%s', async (_name, method, params, code, message) => {
    expect(await ask(method, params)).toMatchObject({
      status: 200,
      code,
      message: expect.stringMatching(message) as string,
    })
  })

  it.each([
    ['eth_getBlockByNumber', ['0xffffffff', false]],
    ['eth_getBlockByHash', [UNKNOWN_HASH, false]],
    ['eth_getTransactionByHash', [UNKNOWN_HASH]],
    ['eth_getTransactionReceipt', [UNKNOWN_HASH]],
    ['eth_getBlockReceipts', ['0xffffffff']],
    ['finality_getJustification', ['0xffffffff']],
  ])('not: %s answers null for what is unknown', async (method, params) => {
    expect(await ask(method, params)).toEqual({ status: 200, result: null })
  })
})

const toHex32 = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

/** viem refuses to sign a tip above the fee cap; the node must refuse it on its own. */
async function tipAboveCap(): Promise<Hex> {
  const privateKey = devnet.accounts[1]?.privateKey as Hex
  const fields = [DEVNET_CHAIN_ID, 1, 3_000_000, 2_000_000, 21_000, STRANGER, 1, new Uint8Array(), []]
  const encode = (items: typeof fields) => concat(['0x02', toHex(RLP.encode(items))])
  const { r, s, yParity } = await sign({ hash: keccak256(encode(fields)), privateKey })
  return encode([...fields, yParity ?? 0, trim(r), trim(s)])
}
