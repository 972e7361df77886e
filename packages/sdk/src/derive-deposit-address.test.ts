import { depositAddress, deriveCommittee } from '@hawser/bitcoin'
import { bitcoinLightClientAbi, bridgeAbi, systemContracts } from '@hawser/contracts'
import { address, toHex, type Hex } from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'
import {
  createClient,
  custom,
  encodeErrorResult,
  encodeFunctionResult,
  RpcRequestError,
  toFunctionSelector,
} from 'viem'
import { describe, expect, it } from 'vitest'
import { deriveDepositAddress } from './derive-deposit-address.ts'
import { hawserActions } from './hawser-actions.ts'

const key = (n: number) => secp256k1.publicKey(new Uint8Array(32).fill(n))
const committee = deriveCommittee({ bitcoinKeys: [1, 2, 3, 4].map(key), managementKeys: [5, 6, 7, 8].map(key) })
const account = '0x00112233445566778899AABBCCDDEEFF00112233'
const refundKey = toHex(key(9).subarray(1))
const expected = (withRefund: boolean) =>
  depositAddress({
    committee,
    network: 'regtest',
    chainId: 18443n,
    account: address(account),
    ...(withRefund ? { refundKey: key(9).subarray(1), csv: 144 } : {}),
  })

/** A node of four contract reads and one Hawser method. */
function fakeNode(answer: { address: string; scriptPubKey: Hex }) {
  const reads: Record<string, Hex> = {
    [selector(bitcoinLightClientAbi, 'network')]: encodeFunctionResult({
      abi: bitcoinLightClientAbi,
      functionName: 'network',
      result: 4,
    }),
    [selector(bridgeAbi, 'currentCommitteeId')]: encodeFunctionResult({
      abi: bridgeAbi,
      functionName: 'currentCommitteeId',
      result: 0,
    }),
    [selector(bridgeAbi, 'committee')]: encodeFunctionResult({
      abi: bridgeAbi,
      functionName: 'committee',
      result: {
        id: 0,
        status: 2,
        internalKey: toHex(committee.internalKey),
        treeRoot: toHex(committee.root),
        outputKey: `0x${'00'.repeat(32)}`,
        n: 4,
        t: 3,
        inputWeight: committee.inputWeight,
        expiresAtHeight: 0,
      },
    }),
  }
  return createClient({
    transport: custom(
      {
        async request({ method, params }: { method: string; params?: unknown[] }) {
          if (method === 'eth_chainId') return '0x480b'
          if (method === 'bridge_getDepositAddress') return answer
          if (method === 'eth_call') {
            const call = (params as { data: Hex; to: string }[])[0]
            const data = reads[call?.data.slice(0, 10) ?? '']
            if (data) return data
            const reverted = encodeErrorResult({ abi: bridgeAbi, errorName: 'BridgePaused' })
            throw new RpcRequestError({
              body: {},
              url: systemContracts.bridge,
              error: { code: 3, message: 'execution reverted', data: reverted },
            })
          }
          throw new Error(`not faked: ${method}`)
        },
      },
      { retryCount: 0 },
    ),
  }).extend(hawserActions())
}

function selector(abi: readonly unknown[], name: string): Hex {
  const item = (abi as { name?: string; type: string }[]).find((i) => i.type === 'function' && i.name === name)
  return toFunctionSelector(item as never)
}

describe('deriveDepositAddress', () => {
  it('gives what packages/bitcoin gives', () => {
    const base = { account, chainId: 18443n, network: 'regtest', committee } as const
    expect(deriveDepositAddress(base).address).toBe(expected(false).address)
  })

  it('refuses a refund key, and what is no account', () => {
    const base = { account, chainId: 18443n, network: 'regtest', committee } as const
    expect(() => deriveDepositAddress({ ...base, refundKey })).toThrow(/cannot sweep such deposits/)
    expect(() => deriveDepositAddress({ ...base, account: '0x12' })).toThrow(/not an EVM address/)
  })
})

describe('getDepositAddress', () => {
  it('answers what node and committee agree on', async () => {
    const { address: good, scriptPubKey } = expected(false)
    const node = fakeNode({ address: good, scriptPubKey: toHex(scriptPubKey) })
    expect(await node.getDepositAddress({ account })).toEqual({ address: good, scriptPubKey: toHex(scriptPubKey) })
  })

  it('refuses a node that answers another address', async () => {
    const other = expected(true)
    const node = fakeNode({ address: other.address, scriptPubKey: toHex(other.scriptPubKey) })
    await expect(node.getDepositAddress({ account })).rejects.toMatchObject({ code: 'DEPOSIT_ADDRESS_MISMATCH' })
  })
})

it('refuses a refund key before it asks the node', async () => {
  const silent = createClient({
    transport: custom({ request: () => Promise.reject(new Error('asked')) }, { retryCount: 0 }),
  }).extend(hawserActions())
  const refused = {
    code: 'REFUND_KEY_UNSUPPORTED',
    message:
      'refund keys are not supported yet because the bridge cannot sweep such deposits; use a deposit address without one',
  }
  await expect(silent.getDepositAddress({ account, refundKey })).rejects.toMatchObject(refused)
  await expect(silent.claimDeposit({ txid: '11'.repeat(32), account, refundKey })).rejects.toMatchObject(refused)
})

it('says a revert of the bridge in words', async () => {
  const node = fakeNode({ address: '', scriptPubKey: '0x' })
  await expect(node.quoteWithdrawal()).rejects.toMatchObject({
    code: 'BRIDGE_PAUSED',
    message: expect.stringMatching(/paused/),
  })
})
