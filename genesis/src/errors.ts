/** What this room's errors say. */
export type GenesisError =
  /** The committee in the spec is not what the validators' keys give: the spec is wrong or forged. */
  { code: 'GENESIS_COMMITTEE_WRONG'; fault: 'user' }
