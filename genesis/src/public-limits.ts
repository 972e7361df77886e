/** Slots of the public presets, in seconds (protocol.md section 2). */
export const PUBLIC_SLOT_SECONDS = 3
/**
 * The most gas that a block of a public preset may hold. A full block of the slowest opcode or precompile must execute within half a
 * slot: this is half a slot of the slowest rate that `npm run bench:worst` has found (docs/slowest-gas.md: pairings on bn254, 10.3 Mgas/s),
 * rounded down. The goal is 30M, which a bn254 library twice as fast would allow.
 */
export const PUBLIC_GAS_LIMIT = 15_000_000
