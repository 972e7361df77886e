import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealDigest, voteDigest } from '@hawser/consensus'
import {
  readValidatorSet,
  systemContracts,
  validatorsAbi,
  validatorSeatSlots,
  validatorSetHash,
  validatorsTypedData,
  VALIDATOR_SET_SLOTS,
  VALIDATORS_SLOTS,
} from '@hawser/contracts'
import { devValidatorKeys } from '@hawser/node'
import { fromHex, readUintBE, toHex, uintBE, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { createBlock } from '@ethereumjs/block'
import { encodeFunctionData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { testAddress, TestChain, testKey } from '../kit/index.ts'

const VALIDATORS = systemContracts.validators
const addressOf = (secret: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(secret, false))

let chain: TestChain
beforeEach(async () => {
  chain = await TestChain.create([{ address: testAddress('alice'), balance: 10n ** 18n }])
})
afterEach(() => chain.dispose())

/** A paid transaction of somebody who is no validator. */
const submit = (nonce: bigint, data: Hex) =>
  createFeeMarket1559Tx(
    { nonce, gasLimit: 1_000_000n, to: VALIDATORS, data: fromHex(data), maxFeePerGas: 10_000_000n, chainId: 18443n },
    { common: chain.common },
  ).sign(testKey('alice'))

/** The set and slot 0 as a node reads them: from raw storage, without executing anything. */
function stored() {
  const state = chain.engine.stateAt(chain.head().block.header)
  const read = (slot: bigint) => readUintBE(state.storage(VALIDATORS, uintBE(slot, 32)))
  const head = VALIDATOR_SET_SLOTS.map(read)
  const set = readValidatorSet(head, validatorSeatSlots(head).map(read))
  return { ...set, hash: toHex(uintBE(read(VALIDATORS_SLOTS.nextSetHash), 32)) }
}

async function mineToEndOfEpoch(): Promise<void> {
  while (chain.head().block.header.number % BigInt(chain.spec.epochBlocks) !== 0n) await chain.mine()
}

async function succeeds(data: Hex, nonce = 0n): Promise<void> {
  const built = await chain.mine({ transactions: [submit(nonce, data)] })
  expect(built.block.transactions).toHaveLength(1)
  expect(built.executed.receipts.map((receipt) => Number(receipt.status))).toEqual([1])
}

const sessions = (): readonly Address[] => chain.spec.validators.map((validator) => validator.session as Address)

describe('the set in the state of a block', () => {
  it('is the genesis list until a rotation that was signed by a wallet takes effect at the end of the epoch', async () => {
    expect(stored()).toEqual({
      setId: 0n,
      sessions: [...sessions()].sort(),
      weights: [1n, 1n, 1n, 1n],
      hash: validatorSetHash(0n, [...sessions()].sort(), [1n, 1n, 1n, 1n]),
    })
    const management = privateKeyToAccount(toHex(devValidatorKeys(2).management))
    const fresh = privateKeyToAccount(toHex(testKey('a new session key')))
    const typed = {
      ...validatorsTypedData(chain.spec.chainId),
      primaryType: 'RotateKeys',
      message: {
        management: management.address,
        nonce: 0n,
        session: fresh.address,
        managementKey: '0x',
        bitcoinKey: '0x',
      },
    } as const
    await succeeds(
      encodeFunctionData({
        abi: validatorsAbi,
        functionName: 'rotateKeys',
        args: [
          management.address,
          { session: fresh.address, managementKey: '0x', bitcoinKey: '0x' },
          await management.signTypedData(typed),
          { session: await fresh.signTypedData(typed), management: '0x', bitcoin: '0x' },
        ],
      }),
    )
    expect(stored().setId).toBe(0n)
    await mineToEndOfEpoch()
    const expected = sessions()
      .map((session) =>
        session === addressOf(devValidatorKeys(2).session) ? (fresh.address.toLowerCase() as Address) : session,
      )
      .sort()
    expect(stored()).toEqual({
      setId: 1n,
      sessions: expected,
      weights: [1n, 1n, 1n, 1n],
      hash: validatorSetHash(1n, expected, [1n, 1n, 1n, 1n]),
    })
  })

  it('loses a validator that sealed two blocks of one slot, shown by real headers', async () => {
    const { block } = await chain.mine()
    const other = createBlock(
      { ...block, header: { ...block.header, gasUsed: 1n } },
      { common: chain.common, freeze: false },
    )
    const { session } = devValidatorKeys(0)
    const seal = (hash: Uint8Array) =>
      toHex(secp256k1.sign(sealDigest(BigInt(chain.spec.chainId), toHex(hash) as Hash32), session))
    await succeeds(
      encodeFunctionData({
        abi: validatorsAbi,
        functionName: 'reportSealEquivocation',
        args: [
          toHex(block.header.serialize()),
          seal(block.hash()),
          toHex(other.header.serialize()),
          seal(other.hash()),
        ],
      }),
    )
    await mineToEndOfEpoch()
    expect(stored().sessions).toEqual([...sessions()].filter((address) => address !== addressOf(session)).sort())
  })

  it('loses a validator that voted twice in one round of the first epoch', async () => {
    const { session } = devValidatorKeys(1)
    const network = { chainId: BigInt(chain.spec.chainId), genesisHash: chain.genesisHash }
    const vote = (targetHash: Hash32) => {
      const digest = voteDigest(network, { setId: 0n, round: 3n, kind: 'precommit', number: 1n, hash: targetHash })
      return { targetNumber: 1n, targetHash, signature: toHex(secp256k1.sign(digest, session)) }
    }
    await succeeds(
      encodeFunctionData({
        abi: validatorsAbi,
        functionName: 'reportEquivocation',
        args: [0n, 3n, 1, vote(`0x${'aa'.repeat(32)}` as Hash32), vote(`0x${'bb'.repeat(32)}` as Hash32)],
      }),
    )
    await mineToEndOfEpoch()
    expect(stored().sessions).not.toContain(addressOf(session))
    expect(stored().sessions).toHaveLength(3)
  })
})
