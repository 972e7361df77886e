import type { ChainSpec } from '@hawser/chain'
import type { CustodyPayment } from './scan-block.ts'

/** Why nothing is done for an address that the depositor could take payments back from. */
export const REFUND_KEY_REFUSAL =
  'deposits with a refund key cannot be swept yet and are not credited; use an address without one'

/** Why the Bridge contract would never credit a payment, whatever its proof; undefined when it may. */
export function refusalOfPayment(
  payment: Pick<CustodyPayment, 'sats' | 'refundKey'>,
  { minDepositSats }: ChainSpec['bridge'],
): string | undefined {
  if (payment.refundKey) return REFUND_KEY_REFUSAL
  return payment.sats < BigInt(minDepositSats) ? `below the minimum of ${minDepositSats} sat` : undefined
}
