import { depositAddress, type BitcoinNetwork, type CustodyTree, type DepositAddress } from '@hawser/bitcoin'
import { address, type Hex } from '@hawser/primitives'
import { sdkError } from './errors.ts'

export interface DeriveDepositAddressParameters {
  /** Who is credited: 20 bytes of hex. */
  readonly account: string
  readonly chainId: bigint
  readonly network: BitcoinNetwork
  readonly committee: CustodyTree
  /** Refused for now: see refuseRefundKey. */
  readonly refundKey?: Hex
}

/**
 * @internal Nobody gets an address from here whose payments the bridge does not credit.
 * @throws REFUND_KEY_UNSUPPORTED when there is a refund key
 */
export function refuseRefundKey(refundKey: Hex | undefined): void {
  if (refundKey === undefined) return
  throw sdkError(
    'REFUND_KEY_UNSUPPORTED',
    'user',
    'refund keys are not supported yet because the bridge cannot sweep such deposits; use a deposit address without one',
  )
}

/**
 * The deposit address of an account, computed here: no node is asked (protocol.md, section 6).
 * @throws ADDRESS_INVALID, REFUND_KEY_UNSUPPORTED
 */
export function deriveDepositAddress(parameters: DeriveDepositAddressParameters): DepositAddress {
  const { network, committee, chainId, refundKey } = parameters
  refuseRefundKey(refundKey)
  return depositAddress({ committee, network, chainId, account: address(parameters.account) })
}
