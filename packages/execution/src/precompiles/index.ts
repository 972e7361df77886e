import type { Common } from '@ethereumjs/common'
import { MCLBLS, RustBN254, type EVMOpts } from '@ethereumjs/evm'
import { createAddressFromString } from '@ethereumjs/util'
import { initRustBN } from 'rustbn-wasm'
import { loadBls } from './bls12-381.ts'
import { pointEvaluation } from './point-evaluation.ts'

const POINT_EVALUATION = createAddressFromString('0x000000000000000000000000000000000000000a')

let libraries: Promise<{ readonly bls: Awaited<ReturnType<typeof loadBls>>; readonly bn254: RustBN254 }> | undefined

/** EVM options that put the fastest kept libraries behind the precompiles of a fork, whatever the outcome is, the same as EthereumJS's own. */
export async function fastPrecompiles(common: Common): Promise<Pick<EVMOpts, 'bls' | 'bn254' | 'customPrecompiles'>> {
  libraries ??= (async () => ({ bls: await loadBls(), bn254: new RustBN254(await initRustBN()) }))()
  const { bls, bn254 } = await libraries
  return {
    bls: new MCLBLS(bls),
    bn254,
    customPrecompiles: common.isActivatedEIP(4844)
      ? [{ address: POINT_EVALUATION, function: pointEvaluation(bls) }]
      : [],
  }
}
