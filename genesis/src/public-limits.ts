/** Slots of the public presets, in seconds (protocol.md section 2). */
export const PUBLIC_SLOT_SECONDS = 3
/**
 * The most gas that a block of a public preset may hold. A full block of the slowest opcode or precompile must execute within half a
 * slot: this is half a slot of the slowest rate that `npm run bench:worst` has found (docs/benchmarks.md), rounded down.
 */
export const PUBLIC_GAS_LIMIT = 30_000_000
