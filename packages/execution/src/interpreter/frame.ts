import type { Code } from './code.ts'
import { Memory } from './memory.ts'

/** What went wrong in a frame that loses all its gas. */
export type Failure =
  | 'out of gas'
  | 'stack underflow'
  | 'stack overflow'
  | 'invalid opcode'
  | 'invalid JUMP'
  | 'static state change'
  | 'initcode exceeds max initcode size'
  | 'create collision'
  | 'code size to deposit exceeds maximum code size'
  | 'invalid bytecode deployed'

/** Where everything can be undone to. */
export interface Snapshot {
  readonly state: number
  readonly warm: number
  readonly transient: number
  readonly logs: number
  readonly destroyed: number
  readonly created: number
  readonly emptied: number
  readonly refund: number
}

/** What a frame takes over from the message that it runs. */
export interface MessageFields {
  readonly address: bigint
  readonly addressBytes: Uint8Array
  readonly caller: bigint
  readonly value: bigint
  readonly data: Uint8Array
  readonly isStatic: boolean
  readonly gas: number
  readonly outOffset: number
  readonly outLength: number
}

/** One running code: its machine state and what it was called with. */
export class Frame {
  readonly code: Code
  /** Whose storage and balance it acts on. */
  readonly address: bigint
  readonly addressBytes: Uint8Array
  readonly caller: bigint
  readonly value: bigint
  readonly data: Uint8Array
  readonly isStatic: boolean
  readonly depth: number
  /** The code's result becomes the code of `address`. */
  readonly isCreate: boolean
  readonly snapshot: Snapshot
  /** Where the caller wants the output. */
  readonly outOffset: number
  readonly outLength: number

  readonly stack: bigint[] = []
  readonly memory = new Memory()
  position = 0
  height = 0
  gas: number
  /** What the last call gave back. */
  returned: Uint8Array = NOTHING
  /** What this frame gives back. */
  output: Uint8Array = NOTHING
  failure: Failure | undefined

  constructor(code: Code, message: MessageFields, depth: number, isCreate: boolean, snapshot: Snapshot) {
    this.code = code
    this.address = message.address
    this.addressBytes = message.addressBytes
    this.caller = message.caller
    this.value = message.value
    this.data = message.data
    this.isStatic = message.isStatic
    this.gas = message.gas
    this.outOffset = message.outOffset
    this.outLength = message.outLength
    this.depth = depth
    this.isCreate = isCreate
    this.snapshot = snapshot
  }
}

export const NOTHING = new Uint8Array()
