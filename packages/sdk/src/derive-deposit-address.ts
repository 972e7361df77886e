import { depositAddress, type BitcoinNetwork, type CustodyTree, type DepositAddress } from '@hawser/bitcoin'
import { address, fromHex, type Hex } from '@hawser/primitives'
import { sdkError } from './errors.ts'

export interface DeriveDepositAddressParameters {
  /** Who is credited: 20 bytes of hex. */
  readonly account: string
  readonly chainId: bigint
  readonly network: BitcoinNetwork
  readonly committee: CustodyTree
  /** x-only public key (32 bytes of hex) that can take the payment back if the bridge never answers. */
  readonly refundKey?: Hex
  /** Blocks until it may; protocol.md's value for the network unless told otherwise. */
  readonly reclaimCsvBlocks?: number
}

/** Blocks until a refund key may spend (protocol.md, section 6): 1,008, and 144 on regtest. */
export function defaultReclaimCsvBlocks(network: BitcoinNetwork): number {
  return network === 'regtest' ? 144 : 1_008
}

/** The bytes of a refund key. @throws REFUND_KEY_INVALID */
function refundKeyBytes(refundKey: Hex): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(refundKey))
    throw sdkError('REFUND_KEY_INVALID', 'user', 'a refund key is an x-only public key: 0x and 64 hex digits')
  return fromHex(refundKey)
}

/** The deposit address of an account, computed here: no node is asked (protocol.md, section 6). @throws ADDRESS_INVALID, REFUND_KEY_INVALID */
export function deriveDepositAddress(parameters: DeriveDepositAddressParameters): DepositAddress {
  const { refundKey, network, committee, chainId } = parameters
  return depositAddress({
    committee,
    network,
    chainId,
    account: address(parameters.account),
    ...(refundKey === undefined
      ? {}
      : {
          refundKey: refundKeyBytes(refundKey),
          csv: parameters.reclaimCsvBlocks ?? defaultReclaimCsvBlocks(network),
        }),
  })
}
