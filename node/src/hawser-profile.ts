import type { Common } from '@ethereumjs/common'
import { nextBaseFee, type ChainSpec } from '@hawser/chain'
import type { Hash32, Address } from '@hawser/primitives'
import type { ChainProfile } from '@hawser/rpc'
import { forkId } from './fork-id.ts'

/** EIP-4788's and EIP-2935's contracts, by EIP-7910's names: there are no others of Ethereum's. */
const SYSTEM_CONTRACTS: Readonly<Record<string, Address>> = {
  BEACON_ROOTS_ADDRESS: '0x000f3df6d732807ef1319fb7b8bb8522d0beac02' as Address,
  HISTORY_STORAGE_ADDRESS: '0x0000f90827f1c53a10cb7a02335b175320002935' as Address,
}

/** EIP-7691's, of a market that has no goods here. */
const BLOB_UPDATE_FRACTION = 5_007_716

/** Hawser's chain as JSON-RPC describes it: one fork from genesis on, no blobs, its own least base fee. */
export function hawserProfile(spec: ChainSpec, common: Common, genesis: Hash32): ChainProfile {
  return {
    chainId: BigInt(spec.chainId),
    nextBaseFee: (header) => nextBaseFee(spec, header),
    // EIP-4844's least, which nobody pays.
    nextBlobBaseFee: () => 1n,
    // The tip that makes a transaction welcome: a tenth of the least base fee.
    suggestedTip: () => BigInt(spec.minBaseFeeWei) / 10n,
    blobs: false,
    forks: [
      {
        activationTime: 0n,
        common,
        forkId: forkId(genesis, []),
        blobSchedule: {
          target: 0,
          max: 0,
          baseFeeUpdateFraction: BLOB_UPDATE_FRACTION,
        },
      },
    ],
    systemContracts: () => SYSTEM_CONTRACTS,
  }
}
