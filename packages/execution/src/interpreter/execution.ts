import { RLP } from '@ethereumjs/rlp'
import { concatBytes, keccak256 } from '@hawser/primitives'
import { codeOf } from './code.ts'
import { Frame, NOTHING, type Failure, type Snapshot } from './frame.ts'
import { CODE_DEPOSIT_BYTE, MAX_CALL_DEPTH, MAX_CODE_BYTES } from './gas-costs.ts'
import { GAS_BETWEEN_PAUSES, interpret } from './interpret.ts'
import { bytesOfWord, wordOf } from './words.ts'
import type { World } from './world.ts'

const MAX_NONCE = (1n << 64n) - 1n // EIP-2681
/** What a message counts for beside its gas until the next pause. */
const MESSAGE_SHARE = GAS_BETWEEN_PAUSES / 64

/** What codes see of the block and the transaction that they run in. */
export interface BlockEnvironment {
  readonly origin: bigint
  /** wei */
  readonly gasPrice: bigint
  readonly coinbase: bigint
  /** Unix seconds */
  readonly timestamp: bigint
  readonly number: bigint
  readonly prevRandao: bigint
  readonly gasLimit: bigint
  readonly chainId: bigint
  readonly baseFee: bigint
  readonly blobHashes: readonly bigint[]
  blobBaseFee(): bigint
  /** The hash of one of the 256 blocks before. */
  hashOf(number: bigint): bigint
}

/** A message call. */
export interface Call {
  readonly address: bigint
  readonly addressBytes: Uint8Array
  /** Whose code it runs; behind it, by EIP-7702, perhaps another's. */
  readonly codeAddress: bigint
  readonly delegate: bigint | undefined
  readonly caller: bigint
  /** What CALLVALUE says; what moves from the caller; what the caller must have. */
  readonly value: bigint
  readonly moves: bigint
  readonly needs: bigint
  readonly data: Uint8Array
  readonly gas: number
  readonly isStatic: boolean
  readonly outOffset: number
  readonly outLength: number
}

/** The creation of a contract. */
export interface Creation {
  readonly value: bigint
  readonly initCode: Uint8Array
  /** CREATE2's; without it the address follows from the nonce. */
  readonly salt: bigint | undefined
  readonly gas: number
}

/** How a message ended. */
export interface MessageEnd {
  readonly success: boolean
  /** Given back by what ended well or reverted. */
  readonly output: Uint8Array
  readonly gasLeft: number
  /** Without it and without success: a revert. */
  readonly failure?: Failure | 'insufficient balance' | 'precompile failed'
  readonly created?: bigint
}

export interface PrecompileResult {
  readonly output: Uint8Array
  /** undefined: it failed, and takes all gas. */
  readonly gasUsed: number | undefined
}
export type Precompile = (data: Uint8Array, gas: number) => PrecompileResult | Promise<PrecompileResult>

export interface ExecutionParts {
  readonly world: World
  readonly block: BlockEnvironment
  readonly precompile: (address: Uint8Array) => Precompile | undefined
  /** Lets others run, or throws when time is up; without it nothing pauses. */
  readonly pause?: () => Promise<void>
}

/** Runs one message with all those that follow from it. Frames are kept in a list, never on the native stack. */
export class Execution {
  readonly #parts: ExecutionParts
  readonly #frames: Frame[] = []

  constructor(parts: ExecutionParts) {
    this.#parts = parts
  }

  async call(call: Call): Promise<MessageEnd> {
    const begun = this.#beginCall(call, 0)
    return this.#run(begun instanceof Promise ? await begun : begun)
  }

  /** Creates a contract for a sender whose nonce has grown already. */
  async create(creation: Creation, sender: Uint8Array): Promise<MessageEnd> {
    return this.#run(this.#beginCreate(creation, sender, wordOf(sender), 0))
  }

  async #run(begun: Frame | MessageEnd): Promise<MessageEnd> {
    if (!(begun instanceof Frame)) return begun
    const { world, block, pause } = this.#parts
    const frames = this.#frames
    frames.push(begun)
    let sincePause = 0
    for (;;) {
      if (pause && sincePause >= GAS_BETWEEN_PAUSES) {
        sincePause = 0
        await pause()
      }
      const frame = frames[frames.length - 1] as Frame
      const before = frame.gas
      const outcome = interpret(frame, world, block, pause !== undefined)
      sincePause += MESSAGE_SHARE + before - frame.gas
      let ended: MessageEnd
      if (outcome.kind === 'pause') continue
      else if (outcome.kind === 'call') {
        const next = this.#enterCall(frame, outcome.call)
        const child = next instanceof Promise ? await next : next
        sincePause -= child instanceof Frame ? outcome.call.gas : child.gasLeft
        if (child instanceof Frame) frames.push(child)
        else giveBack(frame, child, outcome.call.outOffset, outcome.call.outLength)
        continue
      } else if (outcome.kind === 'create') {
        sincePause -= outcome.creation.gas
        const child = this.#enterCreate(frame, outcome.creation)
        if (child instanceof Frame) frames.push(child)
        else giveBack(frame, child, 0, 0)
        continue
      } else if (outcome.kind === 'end')
        ended = frame.isCreate ? this.#deposit(frame) : { success: true, output: frame.output, gasLeft: frame.gas }
      else if (outcome.kind === 'revert') ended = this.#undone(frame.snapshot, frame.gas, frame.output)
      else ended = this.#undone(frame.snapshot, 0, NOTHING, frame.failure)
      frames.pop()
      const caller = frames[frames.length - 1]
      if (!caller) return ended
      giveBack(caller, ended, frame.outOffset, frame.outLength)
    }
  }

  #enterCall(frame: Frame, call: Call): Frame | MessageEnd | Promise<MessageEnd> {
    if (
      frame.depth >= MAX_CALL_DEPTH ||
      (call.needs > 0n && this.#parts.world.balance(frame.addressBytes) < call.needs)
    )
      return { success: false, output: NOTHING, gasLeft: call.gas }
    return this.#beginCall(call, frame.depth + 1)
  }

  #beginCall(call: Call, depth: number): Frame | MessageEnd | Promise<MessageEnd> {
    const { world, precompile } = this.#parts
    const snapshot = world.snapshot()
    if (call.moves > 0n) {
      const from = world.addressBytes(call.caller)
      if (world.balance(from) < call.moves) return this.#undone(snapshot, 0, NOTHING, 'insufficient balance')
      world.transfer(from, call.addressBytes, call.moves)
    } else world.touch(call.addressBytes)
    const codeBytes = world.addressBytes(call.codeAddress)
    const native = precompile(codeBytes)
    if (native) {
      const result = native(call.data, call.gas)
      return result instanceof Promise
        ? result.then((later) => this.#precompiled(call, snapshot, later))
        : this.#precompiled(call, snapshot, result)
    }
    const code = world.code(call.delegate === undefined ? codeBytes : world.addressBytes(call.delegate))
    if (code.length === 0) return { success: true, output: NOTHING, gasLeft: call.gas }
    return new Frame(codeOf(code), call, depth, false, snapshot)
  }

  #precompiled(call: Call, snapshot: Snapshot, { output, gasUsed }: PrecompileResult): MessageEnd {
    if (gasUsed === undefined || gasUsed > call.gas) return this.#undone(snapshot, 0, NOTHING, 'precompile failed')
    // What a precompile hands back may be its input, which the caller's memory holds.
    const own = output.buffer === call.data.buffer ? output.slice() : output
    return { success: true, output: own, gasLeft: call.gas - gasUsed }
  }

  #enterCreate(frame: Frame, creation: Creation): Frame | MessageEnd {
    const { world } = this.#parts
    const nothing = { success: false, output: NOTHING, gasLeft: creation.gas }
    const nonce = world.account(frame.addressBytes)?.nonce ?? 0n
    if (frame.depth >= MAX_CALL_DEPTH || world.balance(frame.addressBytes) < creation.value || nonce >= MAX_NONCE)
      return nothing
    world.setNonce(frame.addressBytes, nonce + 1n)
    return this.#beginCreate(creation, frame.addressBytes, frame.address, frame.depth + 1)
  }

  #beginCreate(creation: Creation, sender: Uint8Array, caller: bigint, depth: number): Frame | MessageEnd {
    const { world } = this.#parts
    const { value, initCode, salt, gas } = creation
    const nonce = (world.account(sender)?.nonce ?? 1n) - 1n
    const address =
      salt === undefined
        ? contractAddress(sender, nonce)
        : wordOf(
            keccak256(concatBytes(Uint8Array.of(0xff), sender, bytesOfWord(salt), keccak256(initCode))).subarray(12),
          )
    // Warm even when the creation fails (EIP-2929).
    world.warmAccount(address)
    const snapshot = world.snapshot()
    const bytes = world.addressBytes(address)
    if (world.balance(sender) < value) return this.#undone(snapshot, 0, NOTHING, 'insufficient balance')
    if (world.isTaken(bytes)) return this.#undone(snapshot, 0, NOTHING, 'create collision')
    world.created.push(address)
    world.setNonce(bytes, 1n)
    world.state.clearStorage(bytes)
    world.transfer(sender, bytes, value)
    const message = {
      address,
      addressBytes: bytes,
      caller,
      value,
      data: NOTHING,
      isStatic: false,
      gas,
      outOffset: 0,
      outLength: 0,
    }
    const frame = new Frame(codeOf(initCode), message, depth, true, snapshot)
    return initCode.length === 0 ? { success: true, output: NOTHING, gasLeft: gas, created: address } : frame
  }

  /** Pays for the code that a creation gives back, and puts it. */
  #deposit(frame: Frame): MessageEnd {
    const { world } = this.#parts
    const code = frame.output
    const fail = (failure: Failure) => this.#undone(frame.snapshot, 0, NOTHING, failure)
    if (code.length > MAX_CODE_BYTES) return fail('code size to deposit exceeds maximum code size')
    const gasLeft = frame.gas - CODE_DEPOSIT_BYTE * code.length
    if (gasLeft < 0) return fail('out of gas')
    if (code[0] === 0xef) return fail('invalid bytecode deployed') // EIP-3541
    if (code.length > 0) world.state.putCode(frame.addressBytes, code)
    return { success: true, output: code, gasLeft, created: frame.address }
  }

  #undone(snapshot: Snapshot, gasLeft: number, output: Uint8Array, failure?: MessageEnd['failure']): MessageEnd {
    this.#parts.world.revert(snapshot)
    return { success: false, output, gasLeft, failure }
  }
}

/** Hands the end of a message to the frame that sent it. */
function giveBack(frame: Frame, end: MessageEnd, outOffset: number, outLength: number): void {
  frame.gas += end.gasLeft
  // A contract that was created gives back nothing but its address.
  frame.returned = end.created === undefined ? end.output : NOTHING
  frame.stack[frame.height++] = end.success ? (end.created ?? 1n) : 0n
  const length = Math.min(outLength, frame.returned.length)
  if (length > 0) frame.memory.bytes.set(frame.returned.subarray(0, length), outOffset)
}

/** The address of a contract by its creator and nonce. */
export function contractAddress(creator: Uint8Array, nonce: bigint): bigint {
  return wordOf(keccak256(RLP.encode([creator, nonce])).subarray(12))
}
