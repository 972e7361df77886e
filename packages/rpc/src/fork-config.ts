import type { Common } from '@ethereumjs/common'
import { Hardfork } from '@ethereumjs/common'
import { address, type Address } from '@hawser/primitives'
import type { ChainProfile, ForkProfile } from './backend.ts'
import { quantity } from './params.ts'

/** Precompiles by EIP-7910's names: the last bytes of the address, and since when they are there. */
const PRECOMPILES: readonly (readonly [string, number, (common: Common) => boolean])[] = [
  ['ECREC', 0x01, () => true],
  ['SHA256', 0x02, () => true],
  ['RIPEMD160', 0x03, () => true],
  ['ID', 0x04, () => true],
  ['MODEXP', 0x05, (common) => common.gteHardfork(Hardfork.Byzantium)],
  ['BN254_ADD', 0x06, (common) => common.gteHardfork(Hardfork.Byzantium)],
  ['BN254_MUL', 0x07, (common) => common.gteHardfork(Hardfork.Byzantium)],
  ['BN254_PAIRING', 0x08, (common) => common.gteHardfork(Hardfork.Byzantium)],
  ['BLAKE2F', 0x09, (common) => common.gteHardfork(Hardfork.Istanbul)],
  ['KZG_POINT_EVALUATION', 0x0a, (common) => common.isActivatedEIP(4844)],
  ['BLS12_G1ADD', 0x0b, (common) => common.isActivatedEIP(2537)],
  ['BLS12_G1MSM', 0x0c, (common) => common.isActivatedEIP(2537)],
  ['BLS12_G2ADD', 0x0d, (common) => common.isActivatedEIP(2537)],
  ['BLS12_G2MSM', 0x0e, (common) => common.isActivatedEIP(2537)],
  ['BLS12_PAIRING_CHECK', 0x0f, (common) => common.isActivatedEIP(2537)],
  ['BLS12_MAP_FP_TO_G1', 0x10, (common) => common.isActivatedEIP(2537)],
  ['BLS12_MAP_FP2_TO_G2', 0x11, (common) => common.isActivatedEIP(2537)],
  ['P256VERIFY', 0x100, (common) => common.isActivatedEIP(7951)],
]

/** eth_config: the fork that holds at a time (Unix seconds), the next one and the last one. @see EIP-7910 */
export function forkConfig(chain: ChainProfile, time: bigint) {
  const { forks } = chain
  const current = forks.findLast((fork) => fork.activationTime <= time)
  const next = forks.find((fork) => fork.activationTime > time)
  const last = forks.at(-1)
  const tell = (fork: ForkProfile | undefined) => (fork ? formatFork(chain, fork) : null)
  return { current: tell(current), next: tell(next), last: next ? tell(last) : null }
}

function formatFork(chain: ChainProfile, { activationTime, common, forkId, blobSchedule }: ForkProfile) {
  return {
    activationTime: Number(activationTime),
    blobSchedule,
    chainId: quantity(chain.chainId),
    forkId,
    precompiles: Object.fromEntries(
      PRECOMPILES.filter(([, , active]) => active(common)).map(([name, place]) => [name, precompileAddress(place)]),
    ),
    systemContracts: chain.systemContracts(common),
  }
}

function precompileAddress(place: number): Address {
  return address(`0x${place.toString(16).padStart(40, '0')}`)
}
