import { HeaderChain, p2wpkhScript } from '@hawser/bitcoin'
import { EmbeddedChain } from '@hawser/bitcoin/embedded'
import { bitcoinLightClientAbi, systemContracts } from '@hawser/contracts'
import { concatBytes, fromHex, invariant, toHex, type Hex } from '@hawser/primitives'
import { encodeFunctionData } from 'viem'
import { TEST_SPEC, TestChain } from '../kit/index.ts'

const HEADERS = 144 * 14
const PER_BLOCK = 144

export interface HeaderRates {
  readonly headers: number
  /** HeaderChain, in headers a second. */
  readonly typescriptPerSecond: number
  /** The light client contract in our engine, blocks built and imported, in headers a second. */
  readonly solidityPerSecond: number
  readonly gasPerHeader: number
}

/** How fast Bitcoin headers are checked: regtest headers, whose rules are all the rules but a high difficulty. */
export async function measureHeaderRates(): Promise<HeaderRates> {
  const headers = mineHeaders()
  const nowS = Math.floor(Date.now() / 1000)
  const typescriptSeconds = timed(() => {
    const { checkpoint, network } = TEST_SPEC.parent
    const chain = new HeaderChain({
      network,
      height: checkpoint.height,
      header: checkpoint.header as Hex,
      chainWork: BigInt(checkpoint.chainWork),
      periodStartTimeS: checkpoint.periodStartTime,
      periodBits: checkpoint.periodBits,
    })
    for (const header of headers) invariant(chain.add(header, nowS).status === 'added', 'the header is good')
  })
  const { seconds, gas } = await measureContract(headers)
  return {
    headers: headers.length,
    typescriptPerSecond: headers.length / typescriptSeconds,
    solidityPerSecond: headers.length / seconds,
    gasPerHeader: gas / headers.length,
  }
}

function mineHeaders(): Uint8Array[] {
  const chain = new EmbeddedChain()
  try {
    return chain.mine(HEADERS, p2wpkhScript(new Uint8Array(20))).map((block) => block.raw.subarray(0, 80))
  } finally {
    chain.close()
  }
}

/** As validators do it: the author builds the block, and it is imported with all that belongs to it. */
async function measureContract(headers: readonly Uint8Array[]): Promise<{ seconds: number; gas: number }> {
  const chain = await TestChain.create()
  let gas = 0n
  const began = performance.now()
  for (let first = 0; first < headers.length; first += PER_BLOCK) {
    const data = encodeFunctionData({
      abi: bitcoinLightClientAbi,
      functionName: 'submitHeaders',
      args: [toHex(concatBytes(...headers.slice(first, first + PER_BLOCK)))],
    })
    const { block } = await chain.mine({
      inherents: [
        { to: systemContracts.bitcoinLightClient, data: fromHex(data), gasLimit: 14_000_000n, label: 'submitHeaders' },
      ],
    })
    invariant(block.transactions.length === 1, 'the headers are in the block')
    gas += block.header.gasUsed
  }
  chain.dispose()
  // Each block is executed twice: once to build it, once to check it.
  return { seconds: (performance.now() - began) / 1000 / 2, gas: Number(gas) }
}

function timed(task: () => void): number {
  const began = performance.now()
  task()
  return (performance.now() - began) / 1000
}
