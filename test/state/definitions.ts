/** A state test before it is filled: what it is for, and for which forks. */
export interface Definition {
  readonly comment: string
  readonly forks: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly pre: Readonly<
    Record<
      string,
      { balance: string; nonce: string; code: `0x${string}`; storage: Record<`0x${string}`, `0x${string}`> }
    >
  >
  readonly transaction: {
    readonly data: readonly string[]
    readonly gasLimit: readonly string[]
    readonly value: readonly string[]
    readonly [field: string]: unknown
  }
}

const OLD = [
  'Frontier',
  'Homestead',
  'EIP150',
  'EIP158',
  'Byzantium',
  'Constantinople',
  'ConstantinopleFix',
  'Istanbul',
]
const NEW = ['Berlin', 'London', 'Paris', 'Shanghai', 'Cancun', 'Prague', 'Osaka']

// The key of a sender that everybody's state tests use, with its address.
const SECRET = '0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8'
const SENDER = '0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b'
const CONTRACT = '0x00000000000000000000000000000000000c0de0'
const OTHER = '0x00000000000000000000000000000000000c0de1'

const env = {
  currentCoinbase: '0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba',
  currentGasLimit: '0x01c9c380',
  currentNumber: '0x05',
  currentTimestamp: '0x03e8',
  currentDifficulty: '0x020000',
  currentRandom: `0x${'00'.repeat(29)}020000`,
  currentBaseFee: '0x0a',
  currentExcessBlobGas: '0x00',
}
const rich = { balance: '0x0de0b6b3a7640000', nonce: '0x00', code: '0x', storage: {} } as const
const contract = (code: string, storage: Record<`0x${string}`, `0x${string}`> = {}) => ({
  balance: '0x00',
  nonce: '0x01',
  code: `0x${code}` as const,
  storage,
})
const empty = { balance: '0x00', nonce: '0x00', code: '0x', storage: {} } as const
const word = (n: number) => `0x${n.toString(16).padStart(64, '0')}` as const
const common = { nonce: '0x00', secretKey: SECRET, sender: SENDER, to: CONTRACT }

export const DEFINITIONS: Readonly<Record<string, Definition>> = {
  storeAndLog: {
    comment:
      'adds two words of the call data, stores the sum and the value, clears a slot for a refund, and logs; runs out of gas',
    forks: [...OLD, ...NEW],
    env,
    pre: {
      [SENDER]: rich,
      // slot 0 = data[0] + data[1]; slot 1 = callvalue; slot 2 = 0; LOG2(mem[0..32], 7, sum)
      [CONTRACT]: contract('602035600035018060005534600155600060025580600052600760206000a200', { [word(2)]: word(9) }),
    },
    transaction: {
      ...common,
      gasPrice: '0x0a',
      data: [`${word(20)}${word(22).slice(2)}`, `0x${'ff'.repeat(64)}`],
      gasLimit: ['0x061a80', '0x7530'],
      value: ['0x00', '0x01'],
    },
  },
  blockAndCalls: {
    comment: 'stores hashes of blocks, what the block is, and what came of a call and of a creation',
    forks: [...OLD, ...NEW],
    env,
    pre: {
      [SENDER]: rich,
      // slots: BLOCKHASH(0), (4), (5); NUMBER, TIMESTAMP, COINBASE, DIFFICULTY; CALL of OTHER; CREATE of what stores nothing
      [CONTRACT]: contract(
        '600040600055600440600155600540600255436003554260045541600555446006556000600060006000600073' +
          OTHER.slice(2) +
          '620186a0f160075560006000600060006000f0600855600060006000f060095500',
      ),
      // Destroys itself in favour of an account that does not exist.
      [OTHER]: { ...contract('61dead61beef01ff'), balance: '0x03' },
    },
    transaction: { ...common, gasPrice: '0x0a', data: ['0x'], gasLimit: ['0x061a80'], value: ['0x00'] },
  },
  refused: {
    comment: 'transactions that cannot stand: the nonce is not the sender’s, or there is too little gas for the data',
    forks: [...OLD, ...NEW],
    env,
    // An empty account, too, as states before EIP-161 have them: nothing touches it, so it stays.
    pre: { [SENDER]: { ...rich, nonce: '0x03' }, [CONTRACT]: contract('00'), [OTHER]: empty },
    transaction: {
      ...common,
      gasPrice: '0x0a',
      data: ['0x', '0x0011'],
      gasLimit: ['0x061a80', '0x5207'],
      value: ['0x00'],
    },
  },
  accessListAndFees: {
    comment: 'EIP-1559 with an access list: refused before London',
    forks: ['Istanbul', ...NEW],
    env,
    pre: { [SENDER]: rich, [CONTRACT]: contract('3a600055486001554760025500') },
    transaction: {
      ...common,
      maxFeePerGas: '0x07d0',
      maxPriorityFeePerGas: '0x05',
      accessLists: [[{ address: CONTRACT, storageKeys: [word(0), '0x07'] }], []],
      data: ['0x', '0x01'],
      gasLimit: ['0x061a80'],
      value: ['0x00', '0x03'],
    },
  },
  newestOpcodes: {
    comment: 'PUSH0, TSTORE and TLOAD, MCOPY, CLZ, BLOBBASEFEE: invalid before their forks',
    forks: NEW,
    env,
    pre: {
      [SENDER]: rich,
      [OTHER]: contract('602a5f5d5f5c5f5560206000600060205e6000516001554a600255600f1e60035500'),
    },
    transaction: { ...common, to: OTHER, gasPrice: '0x0a', data: ['0x'], gasLimit: ['0x061a80'], value: ['0x00'] },
  },
  delegation: {
    comment: 'EIP-7702: an account without code takes that of a contract; refused before Prague',
    forks: ['Cancun', 'Prague', 'Osaka'],
    env,
    pre: { [SENDER]: rich, [CONTRACT]: contract('33600055306001553a60025500') },
    transaction: {
      ...common,
      to: OTHER,
      maxFeePerGas: '0x07d0',
      maxPriorityFeePerGas: '0x05',
      // Signed by nobody: r and s are such that some key comes out, whose account then delegates.
      authorizationList: [
        { chainId: '0x01', address: CONTRACT, nonce: '0x00', yParity: '0x00', r: word(1), s: word(2), v: '0x00' },
      ],
      data: ['0x'],
      gasLimit: ['0x061a80'],
      value: ['0x00'],
    },
  },
  blobs: {
    comment: 'EIP-4844: BLOBHASH of one blob and of none; refused before Cancun, and when too little is paid for it',
    forks: ['Shanghai', 'Cancun', 'Prague', 'Osaka'],
    env,
    pre: { [SENDER]: rich, [CONTRACT]: contract('600049600055600149600155' + '4a60025500') },
    transaction: {
      ...common,
      maxFeePerGas: '0x07d0',
      maxPriorityFeePerGas: '0x05',
      maxFeePerBlobGas: '0x0a',
      blobVersionedHashes: [`0x01${'ab'.repeat(31)}`],
      data: ['0x'],
      gasLimit: ['0x061a80'],
      value: ['0x00'],
    },
  },
}
