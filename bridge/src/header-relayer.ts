import type { HeaderChain } from '@hawser/bitcoin'
import type { ChainSpec, InherentCall } from '@hawser/chain'
import { bitcoinLightClientAbi, systemContracts } from '@hawser/contracts'
import { concatBytes, fromHex, toHex } from '@hawser/primitives'
import { encodeFunctionData } from 'viem'
import type { ContractReader } from './contract-reader.ts'
import { MAX_INHERENT_GAS } from './inherent-gas.ts'

/** 49,000 were measured for a header in a batch of 144; branch headers store one slot more. */
const GAS_PER_HEADER = 90_000n
const GAS_BASE = 400_000n
/** Two slots are rewritten for each height of a reorganisation, and the bridge hears of each block. */
const GAS_PER_REORG_STEP = 60_000n

/**
 * The submitHeaders call that brings the light client of a state nearer to our own checked chain; undefined when it
 * has as much work already. Headers come from a HeaderChain, so each of them passed the rules.
 */
export async function relayHeaders(
  spec: ChainSpec,
  chain: HeaderChain,
  reader: ContractReader,
  gasCap: bigint,
): Promise<InherentCall | undefined> {
  const light = await reader.bestBitcoinBlock()
  const { best } = chain
  const reorganising = await reader.isReorganising()
  if (!reorganising && (best.hash === light.hash || best.chainWork <= light.chainWork)) return undefined
  const extends_ = chain.isOnMainChain(light.hash) && !reorganising
  const known = extends_ ? light.height : await lastKnownHeight(chain, reader, Math.min(light.height, best.height))
  const cap = gasCap < MAX_INHERENT_GAS ? gasCap : MAX_INHERENT_GAS
  const reorgGas = extends_ ? 0n : BigInt(spec.parent.maxReorgSteps) * GAS_PER_REORG_STEP
  const overhead = GAS_BASE + (reorgGas < cap / 2n ? reorgGas : cap / 2n)
  const room = Number((cap - overhead) / GAS_PER_HEADER)
  const count = Math.min(spec.parent.maxHeadersPerBlock, room, best.height - known)
  const raw = Array.from({ length: count }, (_, i) => chain.atHeight(known + 1 + i)?.header.raw).filter(
    (h) => h !== undefined,
  )
  // A reorganisation under way is carried on by any header, a known one too.
  if (raw.length === 0 && reorganising) raw.push(best.header.raw)
  if (raw.length === 0) return undefined
  return {
    to: systemContracts.bitcoinLightClient,
    data: fromHex(
      encodeFunctionData({
        abi: bitcoinLightClientAbi,
        functionName: 'submitHeaders',
        args: [toHex(concatBytes(...raw))],
      }),
    ),
    gasLimit: overhead + BigInt(raw.length) * GAS_PER_HEADER,
    label: `submitHeaders ${known + 1}..${known + raw.length}`,
  }
}

/**
 * The greatest height of our main chain whose header the light client has stored. A stored header's parent is stored,
 * so those that it knows are a prefix: doubling steps down, then halving. The checkpoint is always known.
 */
async function lastKnownHeight(chain: HeaderChain, reader: ContractReader, from: number): Promise<number> {
  const floor = chain.checkpoint.height
  const isKnown = async (height: number) => {
    const record = chain.atHeight(height)
    return height <= floor || (record !== undefined && (await reader.knowsBitcoinHeader(record.hash)))
  }
  let low = from
  let high = chain.best.height + 1
  for (let step = 1; low > floor && !(await isKnown(low)); step *= 2) {
    high = low
    low = Math.max(floor, low - step)
  }
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2)
    if (await isKnown(middle)) low = middle
    else high = middle
  }
  return low
}
