// Written by scripts/compile-demo.mjs; do not edit.
export const counterAbi = [
  {
    anonymous: false,
    inputs: [
      {
        indexed: true,
        internalType: 'address',
        name: 'by',
        type: 'address',
      },
      {
        indexed: false,
        internalType: 'uint256',
        name: 'count',
        type: 'uint256',
      },
    ],
    name: 'Counted',
    type: 'event',
  },
  {
    inputs: [],
    name: 'count',
    outputs: [
      {
        internalType: 'uint256',
        name: '',
        type: 'uint256',
      },
    ],
    stateMutability: 'view',
    type: 'function',
  },
  {
    inputs: [],
    name: 'increment',
    outputs: [
      {
        internalType: 'uint256',
        name: '',
        type: 'uint256',
      },
    ],
    stateMutability: 'nonpayable',
    type: 'function',
  },
  {
    inputs: [],
    name: 'last',
    outputs: [
      {
        internalType: 'address',
        name: '',
        type: 'address',
      },
    ],
    stateMutability: 'view',
    type: 'function',
  },
] as const
export const counterBytecode =
  '0x6080604052348015600e575f5ffd5b506101168061001c5f395ff3fe608060405234801561000f575f5ffd5b506004361061003f575f3560e01c806306661abd1461004357806347799da81461005e578063d09de08a14610089575b5f5ffd5b61004b5f5481565b6040519081526020015b60405180910390f35b600154610071906001600160a01b031681565b6040516001600160a01b039091168152602001610055565b61004b600180546001600160a01b031916339081179091555f80549091907f661fab7f24b9fdb6d088a46b82c477922b83ae7f1de8173a4670c3802fc6f92190839081906100d6906100f2565b918290555060405190815260200160405180910390a2505f5490565b5f6001820161010f57634e487b7160e01b5f52601160045260245ffd5b506001019056' as const
