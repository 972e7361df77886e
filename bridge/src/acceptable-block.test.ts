import type { Block } from '@ethereumjs/block'
import { HeaderChain } from '@hawser/bitcoin'
import { EmbeddedChain, type EmbeddedBlock } from '@hawser/bitcoin/embedded'
import { bitcoinLightClientAbi, bridgeAbi, systemContracts } from '@hawser/contracts'
import { fromHex, toHex, ZERO_HASH, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { encodeFunctionData } from 'viem'
import { beforeEach, describe, expect, it } from 'vitest'
import { isAcceptable } from './acceptable-block.ts'
import { proofArgument } from './bridge-inherents.ts'
import { proofFromBlock } from './scan-block.ts'

const script = Uint8Array.of(0x51)
const ownHash = `0x${'ab'.repeat(32)}` as Hash32

describe('a block whose deposits come from Bitcoin', () => {
  let bitcoin: EmbeddedChain
  let chain: HeaderChain
  let left: EmbeddedBlock

  const learn = () => {
    for (let height = 1; height <= bitcoin.height; height++)
      chain.add(bitcoin.atHeight(height)?.header.raw as Uint8Array, Math.floor(Date.now() / 1000))
  }
  const inherent = (to: Address, data: Hex) =>
    ({ type: 0, gasPrice: 0n, value: 0n, to: { bytes: fromHex(to) }, data: fromHex(data) }) as never
  const deposit = (from: EmbeddedBlock) => {
    const proof = proofFromBlock(
      { header: from.header, transactions: from.transactions },
      0,
      from.txids.map((id) => fromHex(id)),
    )
    const args = [proofArgument(proof), 0] as never
    return inherent(
      systemContracts.bridge,
      encodeFunctionData({ abi: bridgeAbi, functionName: 'depositByOpReturn', args }),
    )
  }
  const block = (moored: Hex, transactions: never[]) =>
    ({
      header: { number: 5n, parentBeaconBlockRoot: fromHex(moored) },
      transactions,
      hash: () => fromHex(ownHash),
    }) as unknown as Block

  beforeEach(() => {
    bitcoin = new EmbeddedChain()
    const genesis = bitcoin.tip.header
    const base = { network: 'regtest', height: 0, header: toHex(genesis.raw), chainWork: 2n } as const
    chain = new HeaderChain({ ...base, periodStartTimeS: genesis.timeS, periodBits: genesis.bits })
    bitcoin.mine(3, script)
    left = bitcoin.tip
    learn()
    bitcoin.reorganise(1, script)
    learn()
  })

  it('is voted for when the Bitcoin block is on our best chain', () => {
    expect(isAcceptable(block(bitcoin.tip.header.hash, [deposit(bitcoin.tip)]), chain)).toBe(true)
  })

  it('is not voted for when the Bitcoin block is off our chain, which is at least as heavy', () => {
    expect(isAcceptable(block(bitcoin.tip.header.hash, [deposit(left)]), chain)).toBe(false)
    expect(isAcceptable(block(left.header.hash, [deposit(left)]), chain)).toBe(false)
  })

  it('is not voted for beside the checkpoint in custody; another number says nothing of it', () => {
    const fine = block(bitcoin.tip.header.hash, [])
    expect(isAcceptable(fine, chain, { number: 5n, hash: ownHash })).toBe(true)
    expect(isAcceptable(fine, chain, { number: 5n, hash: ZERO_HASH as Hash32 })).toBe(false)
    expect(isAcceptable(fine, chain, { number: 4n, hash: ZERO_HASH as Hash32 })).toBe(true)
    expect(isAcceptable(block(ZERO_HASH, []), chain, { number: 5n, hash: ZERO_HASH as Hash32 })).toBe(false)
  })

  it('is voted for when we cannot judge: an unknown mooring, an unknown Bitcoin block, headers we have not seen', () => {
    expect(isAcceptable(block(ZERO_HASH, [deposit(left)]), chain)).toBe(true)
    const [unseen] = bitcoin.mine(1, script)
    if (!unseen) throw new Error('a block was mined')
    expect(isAcceptable(block(left.header.hash, [deposit(unseen)]), chain)).toBe(true)
    const headers = encodeFunctionData({
      abi: bitcoinLightClientAbi,
      functionName: 'submitHeaders',
      args: [toHex(unseen.header.raw)],
    })
    const submit = inherent(systemContracts.bitcoinLightClient, headers)
    expect(isAcceptable(block(left.header.hash, [submit, deposit(left)]), chain)).toBe(true)
  })
})
