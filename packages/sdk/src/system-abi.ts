import { bitcoinLightClientAbi, bridgeAbi } from '@hawser/contracts'

/**
 * The bridge's ABI with the light client's errors: a proof that fails reverts in the light client, and the bridge passes
 * its error on.
 */
export const bridgeCallAbi = [
  ...bridgeAbi,
  ...bitcoinLightClientAbi.filter((item) => item.type === 'error'),
] as unknown as typeof bridgeAbi
