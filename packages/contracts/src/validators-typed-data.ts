import { systemContracts } from './addresses.ts'

/**
 * EIP-712 typed data of management keys (IValidators.sol says what each act does). Made for viem's `signTypedData` and
 * wallets: `{ ...validatorsTypedData(chainId), primaryType: 'Leave', message: { management, nonce } }`.
 */
export const validatorsTypes = {
  RotateKeys: [
    { name: 'management', type: 'address' },
    { name: 'nonce', type: 'uint64' },
    { name: 'session', type: 'address' },
    { name: 'managementKey', type: 'bytes' },
    { name: 'bitcoinKey', type: 'bytes' },
  ],
  SetBeneficiary: [
    { name: 'management', type: 'address' },
    { name: 'nonce', type: 'uint64' },
    { name: 'beneficiary', type: 'address' },
  ],
  Leave: [
    { name: 'management', type: 'address' },
    { name: 'nonce', type: 'uint64' },
  ],
  VoteAdd: [
    { name: 'management', type: 'address' },
    { name: 'session', type: 'address' },
    { name: 'beneficiary', type: 'address' },
    { name: 'managementKey', type: 'bytes' },
    { name: 'bitcoinKey', type: 'bytes' },
    { name: 'deadline', type: 'uint64' },
  ],
  VoteRemove: [
    { name: 'management', type: 'address' },
    { name: 'session', type: 'address' },
    { name: 'deadline', type: 'uint64' },
  ],
  Join: [
    { name: 'session', type: 'address' },
    { name: 'beneficiary', type: 'address' },
    { name: 'managementKey', type: 'bytes' },
    { name: 'bitcoinKey', type: 'bytes' },
  ],
} as const

/** Domain and types for one chain. */
export function validatorsTypedData(chainId: number) {
  return {
    domain: {
      name: 'Hawser Validators',
      version: '1',
      chainId,
      verifyingContract: systemContracts.validators,
    },
    types: validatorsTypes,
  } as const
}
