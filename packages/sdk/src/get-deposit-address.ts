import { address, toHex, type Hex } from '@hawser/primitives'
import { getChainFacts } from './chain-facts.ts'
import { deriveDepositAddress, refuseRefundKey } from './derive-deposit-address.ts'
import { sdkError } from './errors.ts'
import { callNode, type HawserClient } from './hawser-client.ts'
import type { TrustedChain } from './trusted-chain.ts'

export interface GetDepositAddressParameters {
  /** Who is credited. */
  readonly account: string
  /** Refused for now: the bridge does not credit what the depositor could take back. */
  readonly refundKey?: Hex
  /** Whose committee is paid. Without it the node's word on the committee is taken: give it before real money moves. */
  readonly trust?: TrustedChain
}

export interface CheckedDepositAddress {
  /** bech32m. */
  readonly address: string
  readonly scriptPubKey: Hex
}

/**
 * Asks the node for the deposit address of an account, which registers it, and derives it here as well from the trusted
 * committee (or the bridge contract's): a node that answers another address is refused, and what is given is what was derived.
 * @throws DEPOSIT_ADDRESS_MISMATCH, NODE_UNREACHABLE, ADDRESS_INVALID, REFUND_KEY_UNSUPPORTED
 */
export async function getDepositAddress(
  client: HawserClient,
  parameters: GetDepositAddressParameters,
): Promise<CheckedDepositAddress> {
  refuseRefundKey(parameters.refundKey)
  const account = address(parameters.account)
  const facts = parameters.trust ?? (await getChainFacts(client))
  const derived = deriveDepositAddress({ ...facts, account })
  const answer = await callNode<{ address: string; scriptPubKey: Hex }>(client, 'bridge_getDepositAddress', [account])
  if (answer.address !== derived.address)
    throw sdkError(
      'DEPOSIT_ADDRESS_MISMATCH',
      'peer',
      `the node answers ${answer.address}, but the committee's key gives ${derived.address}; do not pay it, and ask another node`,
    )
  return { address: derived.address, scriptPubKey: toHex(derived.scriptPubKey) }
}
