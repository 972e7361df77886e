import { createKeccak } from 'hash-wasm'

// One hasher for the whole process: creating it is asynchronous, using it is not.
const hasher = await createKeccak(256)

/** keccak256 of the bytes: 32 bytes. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest('binary')
}
