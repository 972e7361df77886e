/** This room is data: it throws nothing. What the contracts revert with is in their ABIs. */
export type ContractsError = never
