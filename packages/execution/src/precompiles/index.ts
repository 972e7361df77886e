import { Hardfork, type Common } from '@ethereumjs/common'
import { MCLBLS, RustBN254, type EVMOpts } from '@ethereumjs/evm'
import { createAddressFromString } from '@ethereumjs/util'
import { initRustBN } from 'rustbn-wasm'
import { blake2f } from './blake2f.ts'
import { loadBls } from './bls12-381.ts'
import { p256Verify } from './p256.ts'
import { pointEvaluation } from './point-evaluation.ts'

const BLAKE2F = createAddressFromString('0x0000000000000000000000000000000000000009')
const POINT_EVALUATION = createAddressFromString('0x000000000000000000000000000000000000000a')
const P256_VERIFY = createAddressFromString('0x0000000000000000000000000000000000000100')

let libraries: ReturnType<typeof load> | undefined

/** EVM options that put the fastest kept libraries behind the precompiles of a fork, whatever the outcome is, the same as EthereumJS's own. */
export async function fastPrecompiles(common: Common): Promise<Pick<EVMOpts, 'bls' | 'bn254' | 'customPrecompiles'>> {
  libraries ??= load()
  const { bls, bn254, evaluate, compress } = await libraries
  return {
    bls: new MCLBLS(bls),
    bn254,
    customPrecompiles: [
      ...(common.gteHardfork(Hardfork.Istanbul) ? [{ address: BLAKE2F, function: compress }] : []),
      ...(common.isActivatedEIP(4844) ? [{ address: POINT_EVALUATION, function: evaluate }] : []),
      ...(common.isActivatedEIP(7951) ? [{ address: P256_VERIFY, function: p256Verify }] : []),
    ],
  }
}

async function load() {
  const bls = await loadBls()
  return { bls, bn254: new RustBN254(await initRustBN()), evaluate: pointEvaluation(bls), compress: blake2f() }
}
