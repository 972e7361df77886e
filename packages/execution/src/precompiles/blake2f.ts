import { EVMError, type ExecResult, type PrecompileInput } from '@ethereumjs/evm'
import { blake2fModule, SIGMA_AT, SIGMA_OFFSETS, VECTOR_AT } from './blake2f-module.ts'

const INPUT_BYTES = 213 // EIP-152
const IV = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
]

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  rounds(count: number): void
}

/** The BLAKE2 compression precompile (0x09, EIP-152): one gas a round. */
export function blake2f(): (input: PrecompileInput) => ExecResult {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(blake2fModule() as BufferSource))
  const { memory, rounds } = exports as unknown as Exports
  const bytes = new Uint8Array(memory.buffer)
  const view = new DataView(memory.buffer)
  bytes.set(SIGMA_OFFSETS, SIGMA_AT)
  return ({ data, gasLimit }) => {
    const fail = (message: (typeof EVMError.errorMessages)[keyof typeof EVMError.errorMessages]): ExecResult => ({
      returnValue: new Uint8Array(),
      executionGasUsed: gasLimit,
      exceptionError: new EVMError(message),
    })
    const last = data[INPUT_BYTES - 1]
    if (data.length !== INPUT_BYTES || (last !== 0 && last !== 1)) return fail(EVMError.errorMessages.OUT_OF_RANGE)
    const input = new DataView(data.buffer, data.byteOffset, data.length)
    const count = input.getUint32(0)
    if (gasLimit < BigInt(count)) return fail(EVMError.errorMessages.OUT_OF_GAS)
    const state = Array.from({ length: 8 }, (_, i) => input.getBigUint64(4 + 8 * i, true))
    bytes.set(data.subarray(68, 196))
    const word = (index: number, value: bigint) => view.setBigUint64(VECTOR_AT + 8 * index, value, true)
    for (let i = 0; i < 8; i++) {
      word(i, state[i] as bigint)
      word(8 + i, IV[i] as bigint)
    }
    word(12, (IV[4] as bigint) ^ input.getBigUint64(196, true))
    word(13, (IV[5] as bigint) ^ input.getBigUint64(204, true))
    if (last === 1) word(14, ~(IV[6] as bigint))
    // The count is unsigned, and so does the module count it.
    rounds(count)
    const output = new DataView(new ArrayBuffer(64))
    for (let i = 0; i < 8; i++) {
      const mixed = view.getBigUint64(VECTOR_AT + 8 * i, true) ^ view.getBigUint64(VECTOR_AT + 64 + 8 * i, true)
      output.setBigUint64(8 * i, (state[i] as bigint) ^ mixed, true)
    }
    return { returnValue: new Uint8Array(output.buffer), executionGasUsed: BigInt(count) }
  }
}
