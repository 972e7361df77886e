import type { Common } from '@ethereumjs/common'
import type { EVM } from '@ethereumjs/evm'
import { invariant } from '@hawser/primitives'
import { GenerationCache } from './state/generation-cache.ts'

/** Codes whose analysis is kept, for each rule set; with some 10 bytes for each byte of code, at most 60 MB. */
const MAX_ANALYSES = 256

/** The part of EthereumJS's interpreter that looks through a whole code for JUMPDESTs before its first jump. */
interface JumpAnalyser {
  readonly common: Common
  _getValidJumpDestinations(code: Uint8Array): unknown
}

const patched = new WeakSet<object>()
const analyses = new WeakMap<Common, GenerationCache<Uint8Array, unknown>>()

/**
 * Makes EthereumJS's interpreter look through a code once, not at every call: a call of a few hundred gas would otherwise cost as much
 * time as the called code is long. The class is not exported, so it is taken from a run. Codes are known by their array, which the
 * state's cache gives out again and again, and nobody changes.
 */
export async function rememberJumpDestinations(evm: EVM): Promise<void> {
  const { runState } = await evm.runCode({ code: Uint8Array.of(0) })
  const prototype = Object.getPrototypeOf(runState?.interpreter) as JumpAnalyser
  if (patched.has(prototype)) return
  const analyse = prototype._getValidJumpDestinations
  invariant(typeof analyse === 'function', 'the interpreter analyses jumps where it did')
  prototype._getValidJumpDestinations = function (this: JumpAnalyser, code: Uint8Array) {
    let known = analyses.get(this.common)
    if (!known) analyses.set(this.common, (known = new GenerationCache(MAX_ANALYSES)))
    let analysis = known.get(code)
    if (analysis === undefined) known.set(code, (analysis = analyse.call(this, code)))
    return analysis
  }
  patched.add(prototype)
}
