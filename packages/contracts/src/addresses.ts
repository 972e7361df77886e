import { address, type Address } from '@hawser/primitives'

/** Fixed addresses of the predeployed system contracts (protocol.md, section 5). */
export const systemContracts = {
  bitcoinLightClient: address('0xb7c0000000000000000000000000000000000001'),
  bridge: address('0xb7c0000000000000000000000000000000000002'),
  validators: address('0xb7c0000000000000000000000000000000000003'),
  feePool: address('0xb7c0000000000000000000000000000000000004'),
} as const satisfies Record<string, Address>

/** Caller of the node's own calls at the start and the end of a block (EIP-2935, EIP-4788, protocol.md section 2). */
export const SYSTEM_ADDRESS: Address = address('0xfffffffffffffffffffffffffffffffffffffffe')

/** Slot of BitcoinLightClient that holds the best block's hash, internal byte order. */
export const BEST_BLOCK_SLOT = 0n

/** Slot of Validators that holds keccak256(abi.encode(uint64 setId, address[], uint64[] weights)) of the next set. */
export const NEXT_SET_HASH_SLOT = 0n
