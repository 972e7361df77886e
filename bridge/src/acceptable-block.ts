import type { Block } from '@ethereumjs/block'
import { HEADER_BYTES, parseHeader, type HeaderChain } from '@hawser/bitcoin'
import { blockHash, countInherents, type BlockRef } from '@hawser/chain'
import { bitcoinLightClientAbi, bridgeAbi, systemContracts } from '@hawser/contracts'
import { fromHex, toHex, type BtcHash, type Hex } from '@hawser/primitives'
import { decodeFunctionData } from 'viem'

/**
 * Whether our own view of Bitcoin lets us vote for a block (protocol.md, section 4): not when it credits a deposit or
 * settles a batch from a Bitcoin block off our best chain while our source is at least as heavy as the light client; nor
 * when it stands beside the checkpoint in custody (consensus.md, 2.10).
 * Whatever we cannot judge is acceptable: a missing source must not stop finality.
 */
export function isAcceptable(block: Block, chain: HeaderChain, checkpoint?: BlockRef): boolean {
  if (block.header.number === checkpoint?.number && blockHash(block) !== checkpoint.hash) return false
  const moored = chain.get(toHex(block.header.parentBeaconBlockRoot ?? new Uint8Array()) as BtcHash)
  if (!moored || moored.chainWork > chain.best.chainWork) return true
  for (const tx of block.transactions.slice(0, countInherents(block.transactions))) {
    const to = tx.to ? toHex(tx.to.bytes) : undefined
    const data = toHex(tx.data)
    // New headers that we have not seen may make a chain heavier than ours.
    if (to === systemContracts.bitcoinLightClient && !submitted(data).every((hash) => chain.get(hash))) return true
    if (to !== systemContracts.bridge) continue
    const header = provenHeader(data)
    if (header && chain.get(header) && !chain.isOnMainChain(header)) return false
  }
  return true
}

function submitted(data: Hex): BtcHash[] {
  try {
    const { functionName, args } = decodeFunctionData({ abi: bitcoinLightClientAbi, data })
    if (functionName !== 'submitHeaders') return []
    const raw = fromHex(args[0])
    return Array.from(
      { length: raw.length / HEADER_BYTES },
      (_, i) => parseHeader(raw.subarray(i * HEADER_BYTES, (i + 1) * HEADER_BYTES)).hash,
    )
  } catch {
    // A malformed call reverts: the block is refused elsewhere.
    return []
  }
}

function provenHeader(data: Hex): BtcHash | undefined {
  try {
    const { functionName, args } = decodeFunctionData({ abi: bridgeAbi, data })
    const proof =
      functionName === 'deposit' || functionName === 'depositByOpReturn'
        ? args[0]
        : functionName === 'settleBatch'
          ? args[1]
          : undefined
    return proof && parseHeader(fromHex(proof.header)).hash
  } catch {
    return undefined
  }
}
