/** What one transaction may ask for at most (EIP-7825). */
export const MAX_INHERENT_GAS = 1n << 24n
/** What a call needs beyond its simulation: state may have moved since the parent. */
const SLACK_GAS = 150_000n

/** The gas limit for a call that took `gasUsed` in a trial; refunds are off it, at most a fifth (EIP-3529). */
export function gasLimitFor(gasUsed: bigint): bigint {
  const limit = (gasUsed * 3n) / 2n + SLACK_GAS
  return limit < MAX_INHERENT_GAS ? limit : MAX_INHERENT_GAS
}
