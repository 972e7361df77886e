import type { Common } from '@ethereumjs/common'
import type { EVMInterface } from '@ethereumjs/evm'

const KNOWN = new WeakMap<Common, readonly string[]>()

/** The addresses of a fork's precompiles, hex without prefix; also while an override has moved some: they stay warm, as in Geth. */
export function precompileAddresses({ common, precompiles }: EVMInterface): readonly string[] {
  let addresses = KNOWN.get(common)
  if (!addresses) {
    addresses = [...precompiles.keys()]
    KNOWN.set(common, addresses)
  }
  return addresses
}
