import { createBlock, genTransactionsTrieRoot } from '@ethereumjs/block'
import { createFeeMarket1559Tx, createLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chainSpecHash, type SealedBlock } from '@hawser/chain'
import { bitcoinLightClientAbi, bridgeAbi, systemContracts } from '@hawser/contracts'
import { sealDigest } from '@hawser/consensus'
import { SUPPLY_WEI } from '@hawser/genesis'
import { devValidatorKeys } from '@hawser/node'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { EmbeddedChain } from '@hawser/bitcoin/embedded'
import { concatBytes, fromHex, hash256, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { encodeFunctionData } from 'viem'
import { TestChain, testAddress, testKey, TEST_SPEC } from '../kit/index.ts'

const RICH = 10n ** 18n
const alice = testAddress('alice')
const bob = testAddress('bob')

function transfer(nonce: bigint, value = 12_345n): TypedTransaction {
  return createFeeMarket1559Tx(
    {
      nonce,
      gasLimit: 21_000n,
      to: bob,
      value,
      maxFeePerGas: 10_000_000n,
      maxPriorityFeePerGas: 500_000n,
      chainId: 18443n,
    },
    { common: chain.common },
  ).sign(testKey('alice'))
}

async function balances(at: SealedBlock, addresses: readonly Address[]): Promise<bigint> {
  const state = chain.engine.stateAt(at.block.header)
  let sum = 0n
  for (const address of addresses) sum += (await state.account(address))?.balance ?? 0n
  return sum
}

let chain: TestChain
beforeEach(async () => {
  chain = await TestChain.create([{ address: alice, balance: RICH }])
})
afterEach(() => chain.dispose())

function regtestHeaders(count: number): Uint8Array {
  const bitcoin = new EmbeddedChain({ clock: chain.clock })
  bitcoin.mine(count, Uint8Array.of(0x51))
  return concatBytes(
    ...Array.from({ length: count }, (_, i) => bitcoin.atHeight(i + 1)?.header.raw ?? new Uint8Array()),
  )
}

const submitHeaders = (headers: Uint8Array) => ({
  to: systemContracts.bitcoinLightClient,
  data: fromHex(
    encodeFunctionData({ abi: bitcoinLightClientAbi, functionName: 'submitHeaders', args: [toHex(headers)] }),
  ),
  gasLimit: 5_000_000n,
  label: 'headers',
})

describe('the genesis block', () => {
  it('binds the chain spec, moors to the checkpoint and gives everything to the bridge', async () => {
    const { header } = chain.head().block
    expect(toHex(header.extraData)).toBe(chainSpecHash(TEST_SPEC))
    expect(await balances(chain.head(), [systemContracts.bridge])).toBe(SUPPLY_WEI)
    expect(SUPPLY_WEI).toBe(21_000_000n * 10n ** 18n)
  })
})

describe('a block', () => {
  it('keeps the supply to the wei: base fees go to the fee pool, tips to the beneficiary', async () => {
    const everybody = [
      alice,
      bob,
      systemContracts.bridge,
      systemContracts.feePool,
      ...TEST_SPEC.validators.map((validator) => validator.beneficiary as Address),
    ]
    const before = await balances(chain.head(), everybody)
    await chain.mine({ transactions: [transfer(0n), transfer(1n)], inherents: [submitHeaders(regtestHeaders(3))] })
    await chain.mine({ transactions: [transfer(2n)] })
    expect(await balances(chain.head(), everybody)).toBe(before)
    expect(await balances(chain.head(), [systemContracts.feePool])).toBe(
      2n * 21_000n * (chain.store.block(chain.store.canonicalHash(1n) as Hash32)?.block.header.baseFeePerGas ?? 0n) +
        21_000n * (chain.head().block.header.baseFeePerGas ?? 0n),
    )
  })

  it('names the best Bitcoin block of its parent’s state', async () => {
    const headers = regtestHeaders(2)
    await chain.mine({ inherents: [submitHeaders(headers)] })
    const { block } = await chain.mine()
    expect(toHex(block.header.parentBeaconBlockRoot ?? new Uint8Array())).toBe(toHex(hash256(headers.subarray(80))))
  })

  it('leaves an inherent that reverts out instead of becoming invalid', async () => {
    const headers = regtestHeaders(1)
    await chain.mine({ inherents: [submitHeaders(headers)] })
    const { block } = await chain.mine({ inherents: [submitHeaders(headers)], transactions: [transfer(0n)] })
    expect(block.transactions).toHaveLength(1)
  })

  it('is refused when any field of its header is another than execution gives', async () => {
    const { sealed, sign } = await chain.build({ transactions: [transfer(0n)] })
    const wrong = {
      stateRoot: new Uint8Array(32).fill(1),
      receiptTrie: new Uint8Array(32).fill(1),
      gasUsed: 21_001n,
      logsBloom: new Uint8Array(256).fill(1),
      coinbase: fromHex(bob),
      parentBeaconBlockRoot: new Uint8Array(32).fill(1),
      gasLimit: 29_999_999n,
      baseFeePerGas: 999_999n,
      mixHash: new Uint8Array(32),
      extraData: Uint8Array.of(1),
    }
    // What follows from the parent alone is refused before anything is executed.
    const fromParent = ['gasLimit', 'baseFeePerGas', 'mixHash', 'extraData']
    for (const [field, value] of Object.entries(wrong)) {
      const forged = reseal(sealed, sign, { [field]: value })
      const code = fromParent.includes(field) ? 'BLOCK_BAD_HEADER' : 'BLOCK_BAD_EXECUTION'
      await expect(chain.importer.import(forged, 'gossip'), field).rejects.toMatchObject({ code })
    }
    expect(chain.store.pointers().head.number).toBe(0n)
    await chain.importer.import(sealed, 'gossip')
    expect(chain.store.pointers().head.number).toBe(1n)
  })

  it('is refused with another’s seal, from the future, and from the past', async () => {
    const { sealed } = await chain.build()
    const stranger = { ...sealed, seal: new Uint8Array(65).fill(1) }
    await expect(chain.importer.import(stranger, 'gossip')).rejects.toMatchObject({ code: 'BLOCK_BAD_SEAL' })
    const ahead = await chain.build({ skipSlots: 5 })
    chain.clock.moveTo(chain.clock.nowMs() - 5_000)
    await expect(chain.importer.import(ahead.sealed, 'gossip')).rejects.toMatchObject({ code: 'BLOCK_TOO_EARLY' })
  })

  it('is refused when it holds an inherent behind a paid transaction, of a stranger, or to what inherents may not call', async () => {
    const { sealed, sign } = await chain.build({
      inherents: [submitHeaders(regtestHeaders(1))],
      transactions: [transfer(0n)],
    })
    const [inherent, paid] = sealed.block.transactions as [TypedTransaction, TypedTransaction]
    const swapped = await withBody(sealed, sign, [paid, inherent])
    await expect(chain.importer.import(swapped, 'gossip')).rejects.toThrow('an inherent behind a paid one')
    const foreign = createLegacyTx(
      { nonce: 1n, gasPrice: 0n, gasLimit: 5_000_000n, to: systemContracts.bitcoinLightClient, data: inherent.data },
      { common: chain.common },
    ).sign(testKey('alice'))
    await expect(chain.importer.import(await withBody(sealed, sign, [foreign]), 'gossip')).rejects.toThrow(
      'not by the author',
    )
    const forbidden = createLegacyTx(
      {
        nonce: 0n,
        gasPrice: 0n,
        gasLimit: 100_000n,
        to: systemContracts.bridge,
        data: fromHex(encodeFunctionData({ abi: bridgeAbi, functionName: 'reserves' })),
      },
      { common: chain.common },
    )
    const signature = await sign.sign({
      kind: 'inherent',
      to: systemContracts.bridge,
      signingHash: toHex(forbidden.getHashedMessageToSign()) as Hash32,
    })
    const signed = forbidden.addSignature(
      18443n * 2n + 35n + BigInt(signature[64] ?? 0),
      signature.subarray(0, 32),
      signature.subarray(32, 64),
    )
    await expect(chain.importer.import(await withBody(sealed, sign, [signed]), 'gossip')).rejects.toThrow(
      'inherents may not call',
    )
  })
})

describe('a paid transaction of a session key', () => {
  it('stays out of blocks that are built, and makes a block that holds it invalid', async () => {
    const key = devValidatorKeys(0).session
    const session = publicKeyToAddress(secp256k1.publicKey(key, false))
    chain.dispose()
    chain = await TestChain.create([{ address: session, balance: RICH }])
    const tx = createFeeMarket1559Tx(
      { nonce: 0n, gasLimit: 21_000n, to: bob, value: 1n, maxFeePerGas: 10_000_000n, chainId: 18443n },
      { common: chain.common },
    ).sign(key)
    const { sealed, sign, dropped } = await chain.build({ transactions: [tx] })
    expect(sealed.block.transactions).toHaveLength(0)
    expect(dropped).toHaveLength(1)
    await expect(chain.importer.import(await withBody(sealed, sign, [tx]), 'gossip')).rejects.toThrow('session key')
  })
})

async function withBody(
  sealed: SealedBlock,
  sign: Awaited<ReturnType<TestChain['build']>>['sign'],
  transactions: readonly TypedTransaction[],
) {
  return reseal(sealed, sign, { transactionsTrie: await genTransactionsTrieRoot([...transactions]) }, transactions)
}

/** The same block with other fields, sealed anew by its author's key (behind the guard's back: a traitor has none). */
function reseal(
  { block }: SealedBlock,
  sign: Awaited<ReturnType<TestChain['build']>>['sign'],
  fields: object,
  transactions: readonly TypedTransaction[] = block.transactions,
): SealedBlock {
  const forged = createBlock(
    { header: { ...header(block), ...fields }, transactions: [...transactions], withdrawals: [] },
    { common: chain.common, setHardfork: false, freeze: false },
  )
  const keys = [0, 1, 2, 3].map((i) => devValidatorKeys(i).session)
  const key = keys.find(
    (candidate) => publicKeyToAddress(secp256k1.publicKey(candidate, false)) === sign.address,
  ) as Uint8Array
  return { block: forged, seal: secp256k1.sign(sealDigest(18443n, toHex(forged.hash()) as Hash32), key) }
}

const HEADER_FIELDS = [
  'parentHash',
  'uncleHash',
  'coinbase',
  'stateRoot',
  'transactionsTrie',
  'receiptTrie',
  'logsBloom',
  'difficulty',
  'number',
  'gasLimit',
  'gasUsed',
  'timestamp',
  'extraData',
  'mixHash',
  'nonce',
  'baseFeePerGas',
  'withdrawalsRoot',
  'blobGasUsed',
  'excessBlobGas',
  'parentBeaconBlockRoot',
  'requestsHash',
] as const

/** A header's fields as createBlock takes them. */
function header({ header }: SealedBlock['block']) {
  return Object.fromEntries(HEADER_FIELDS.map((field) => [field, header[field]]))
}
