/** EthereumJS's words for what ended an execution, in Geth's, which tools look for. */
const REASONS: Readonly<Record<string, string>> = {
  revert: 'execution reverted',
  'invalid JUMP': 'invalid jump destination',
  'static state change': 'write protection',
  'code size to deposit exceeds maximum code size': 'max code size exceeded',
  'initcode exceeds max initcode size': 'max initcode size exceeded',
  'create collision': 'contract address collision',
  'insufficient balance': 'insufficient balance for transfer',
  'value out of range': 'gas uint64 overflow',
  'value overflow': 'gas uint64 overflow',
  'code store out of gas': 'contract creation code storage out of gas',
  'invalid bytecode deployed': 'invalid code: must not begin with 0xef',
}

/** What ended an execution, in Geth's words. */
export function failureReason(exception: string): string {
  return REASONS[exception] ?? exception
}
