import { systemContracts } from '@hawser/contracts'
import type { Hex } from 'viem'
import { sign } from 'viem/accounts'
import { readContract } from 'viem/actions'
import { explained, type HawserClient } from './hawser-client.ts'
import { sendToBridge, type SentToBridge } from './send-to-bridge.ts'
import { bridgeCallAbi } from './system-abi.ts'

/**
 * Submits a validator's vote to halt the bridge, signed here with its management key (32 bytes, hex) over the contract's halt digest; the
 * client's account pays the gas. f + 1 such votes pause deposits, requests and batches.
 * @throws CONTRACT_REVERTED when the key is no validator's, or has voted in this pause already
 */
export async function haltBridge(
  client: HawserClient,
  { managementKey }: { readonly managementKey: Hex },
): Promise<SentToBridge & { readonly pauseId: bigint }> {
  const bridge = { abi: bridgeCallAbi, address: systemContracts.bridge } as const
  const { pauseId } = await explained(() => readContract(client, { ...bridge, functionName: 'reserves' }))
  const digest = await explained(() => readContract(client, { ...bridge, functionName: 'haltDigest', args: [pauseId] }))
  const { r, s, yParity } = await sign({ hash: digest, privateKey: managementKey })
  const sent = await sendToBridge(client, { functionName: 'halt', args: [pauseId, 27 + (yParity ?? 0), r, s] })
  return { ...sent, pauseId }
}
