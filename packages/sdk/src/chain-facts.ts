import { bitcoinLightClientAbi, BitcoinNetwork as NetworkCode, bridgeAbi, systemContracts } from '@hawser/contracts'
import type { BitcoinNetwork, CustodyTree } from '@hawser/bitcoin'
import { fromHex } from '@hawser/primitives'
import { getChainId, readContract } from 'viem/actions'
import { sdkError } from './errors.ts'
import { explained, type HawserClient } from './hawser-client.ts'

const NETWORK_NAMES: Readonly<Record<number, BitcoinNetwork>> = {
  [NetworkCode.Mainnet]: 'mainnet',
  [NetworkCode.Testnet3]: 'testnet3',
  [NetworkCode.Testnet4]: 'testnet4',
  [NetworkCode.Signet]: 'signet',
  [NetworkCode.Regtest]: 'regtest',
}

/** What deposit addresses are made of, as the chain's contracts say it. */
export interface ChainFacts {
  readonly chainId: bigint
  readonly network: BitcoinNetwork
  readonly committeeId: number
  readonly committee: CustodyTree
}

/** The Bitcoin network that the chain is moored to, from its light client. @throws NODE_WRONG_CHAIN, NODE_UNREACHABLE */
export async function getBitcoinNetwork(client: HawserClient): Promise<BitcoinNetwork> {
  const code = await onHawser(() =>
    readContract(client, {
      abi: bitcoinLightClientAbi,
      address: systemContracts.bitcoinLightClient,
      functionName: 'network',
    }),
  )
  const network = NETWORK_NAMES[code]
  if (network === undefined)
    throw sdkError(
      'NODE_WRONG_CHAIN',
      'peer',
      `the light client names Bitcoin network ${code}, which this version does not know`,
    )
  return network
}

/** Chain id, Bitcoin network and the committee that takes deposits now. @throws NODE_WRONG_CHAIN, NODE_UNREACHABLE */
export async function getChainFacts(client: HawserClient): Promise<ChainFacts> {
  const bridge = { abi: bridgeAbi, address: systemContracts.bridge } as const
  const network = await getBitcoinNetwork(client)
  const [chainId, committeeId] = await explained(() =>
    Promise.all([getChainId(client), readContract(client, { ...bridge, functionName: 'currentCommitteeId' })]),
  )
  const { internalKey, treeRoot } = await explained(() =>
    readContract(client, { ...bridge, functionName: 'committee', args: [committeeId] }),
  )
  return {
    chainId: BigInt(chainId),
    network,
    committeeId,
    committee: { internalKey: fromHex(internalKey), root: fromHex(treeRoot) },
  }
}

async function onHawser<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (
      (error as { name?: string }).name === 'ContractFunctionExecutionError' &&
      /returned no data/.test(String(error))
    )
      throw sdkError('NODE_WRONG_CHAIN', 'user', 'there is no Hawser light client on this chain; check the --rpc URL', {
        cause: error,
      })
    return explained(() => Promise.reject(error))
  }
}
