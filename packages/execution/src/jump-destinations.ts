import type { Common } from '@ethereumjs/common'
import type { EVM, EVMInterface } from '@ethereumjs/evm'
import { invariant } from '@hawser/primitives'
import { GenerationCache } from './state/generation-cache.ts'

/** Codes whose analysis is kept, for each rule set; with some 10 bytes for each byte of code, at most 60 MB. */
const MAX_ANALYSES = 256

const JUMPDEST = 0x5b

interface OpcodeEntry {
  readonly opcodeInfo: object
  readonly opHandler: (...args: unknown[]) => unknown
}

/** What an EVM does at each JUMPDEST: it may throw, and is awaited. */
type Look = () => Promise<void> | undefined

interface RunningInterpreter {
  readonly interpreter: { readonly _evm: object }
}

/** The part of EthereumJS's interpreter that looks through a whole code for JUMPDESTs before its first jump. */
interface JumpAnalyser {
  readonly common: Common
  readonly _evm: EVMInterface
  _getValidJumpDestinations(code: Uint8Array): unknown
}

const patched = new WeakSet<object>()
/** Apart for EVMs that are watched: an analysis holds the opcodes as they were. */
const analyses = { plain: new WeakMap<Common, Analyses>(), watched: new WeakMap<Common, Analyses>() }
type Analyses = GenerationCache<Uint8Array, unknown>

const looks = new WeakMap<object, Look>()
/** JUMPDEST as it is watched, for each plain one. It finds the EVM's look when it runs, because analyses outlive looks. */
const watchedEntries = new WeakMap<OpcodeEntry, OpcodeEntry>()
const isWatched = new WeakSet<OpcodeEntry>()

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
    const kind = isWatched.has(jumpDest(this._evm)) ? analyses.watched : analyses.plain
    let known = kind.get(this.common)
    if (!known) kind.set(this.common, (known = new GenerationCache(MAX_ANALYSES)))
    let analysis = known.get(code)
    if (analysis === undefined) known.set(code, (analysis = analyse.call(this, code)))
    return analysis
  }
  patched.add(prototype)
}

/**
 * Has EthereumJS's interpreter look at something at every JUMPDEST until the answer is called. Loops pass one, and it has no other
 * place to be stopped than its step event, which copies stack and memory each time.
 */
export function watchJumps(evm: EVMInterface, look: Look): () => void {
  const opcodes = opcodesOf(evm)
  const plain = jumpDest(evm)
  const before = looks.get(evm)
  looks.set(evm, look)
  opcodes[JUMPDEST] = watched(plain)
  return () => {
    opcodes[JUMPDEST] = plain
    if (before) looks.set(evm, before)
    else looks.delete(evm)
  }
}

function watched(plain: OpcodeEntry): OpcodeEntry {
  if (isWatched.has(plain)) return plain
  let entry = watchedEntries.get(plain)
  if (!entry) {
    entry = {
      ...plain,
      opcodeInfo: Object.create(plain.opcodeInfo, { isAsync: { value: true } }) as object,
      opHandler: (run) => looks.get((run as RunningInterpreter).interpreter._evm)?.(),
    }
    watchedEntries.set(plain, entry)
    isWatched.add(entry)
  }
  return entry
}

function opcodesOf(evm: EVMInterface): OpcodeEntry[] {
  return (evm as unknown as { _opcodeMap: OpcodeEntry[] })._opcodeMap
}

function jumpDest(evm: EVMInterface): OpcodeEntry {
  return opcodesOf(evm)[JUMPDEST] as OpcodeEntry
}
