import { HEADER_BYTES, HeaderChain, parseHeader } from '@hawser/bitcoin'
import { EmbeddedChain } from '@hawser/bitcoin/embedded'
import type { ChainSpec, InherentCall } from '@hawser/chain'
import { bitcoinLightClientAbi } from '@hawser/contracts'
import { fromHex, toHex, type BtcHash } from '@hawser/primitives'
import { decodeFunctionData } from 'viem'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ContractReader } from './contract-reader.ts'
import { relayHeaders } from './header-relayer.ts'

const GAS_CAP = 15_000_000n
const spec = { parent: { maxHeadersPerBlock: 10, maxReorgSteps: 20 } } as unknown as ChainSpec
const script = Uint8Array.of(0x51)

describe('the header relayer', () => {
  let bitcoin: EmbeddedChain
  let chain: HeaderChain
  let light: HeaderChain

  const fresh = () => {
    const genesis = bitcoin.atHeight(0)?.header
    if (!genesis) throw new Error('every chain has a genesis block')
    const base = { network: 'regtest', height: 0, header: toHex(genesis.raw), chainWork: 2n } as const
    return new HeaderChain({ ...base, periodStartTimeS: genesis.timeS, periodBits: genesis.bits })
  }
  const follow = (to: HeaderChain) => {
    for (let height = 1; height <= bitcoin.height; height++)
      to.add(bitcoin.atHeight(height)?.header.raw as Uint8Array, Math.floor(Date.now() / 1000))
  }
  /** The light client in a state, as the reader shows it. */
  const reader = (reorganising = false) =>
    ({
      bestBitcoinBlock: async () => light.best,
      isReorganising: async () => reorganising,
      knowsBitcoinHeader: async (hash: BtcHash) => light.get(hash) !== undefined,
    }) as unknown as ContractReader
  const headersOf = (call: InherentCall | undefined) => {
    if (!call) return []
    const { args } = decodeFunctionData({ abi: bitcoinLightClientAbi, data: toHex(call.data) })
    const raw = fromHex(args?.[0] as `0x${string}`)
    return Array.from({ length: raw.length / HEADER_BYTES }, (_, i) =>
      raw.slice(i * HEADER_BYTES, (i + 1) * HEADER_BYTES),
    )
  }
  /** Executes the call on the light client; answers how many headers it brought. */
  const apply = (call: InherentCall | undefined) => {
    const headers = headersOf(call)
    for (const raw of headers) expect(light.add(raw, Math.floor(Date.now() / 1000)).status).toBe('added')
    return headers.length
  }

  beforeEach(() => {
    bitcoin = new EmbeddedChain()
    chain = fresh()
    light = fresh()
  })

  it('starts at regtest’s genesis and brings so many headers in a block as the spec allows', async () => {
    bitcoin.mine(25, script)
    follow(chain)
    const brought: number[] = []
    for (let i = 0; i < 4; i++) brought.push(apply(await relayHeaders(spec, chain, reader(), GAS_CAP)))
    expect(brought).toEqual([10, 10, 5, 0])
    expect(light.best.hash).toBe(bitcoin.tip.header.hash)
  })

  it('has nothing to say when the light client has as much work, on another branch too', async () => {
    bitcoin.mine(3, script)
    follow(light)
    follow(chain)
    expect(await relayHeaders(spec, chain, reader(), GAS_CAP)).toBeUndefined()
    bitcoin.reorganise(1, script)
    follow(light)
    expect(await relayHeaders(spec, chain, reader(), GAS_CAP)).toBeUndefined()
  })

  it('brings a branch in several calls, none of its headers twice, when it is longer than one', async () => {
    bitcoin.mine(30, script)
    follow(chain)
    follow(light)
    bitcoin.reorganise(24, script)
    follow(chain)
    const first = await relayHeaders(spec, chain, reader(), GAS_CAP)
    expect(parseHeader(headersOf(first)[0] as Uint8Array).previousHash).toBe(bitcoin.atHeight(6)?.header.hash)
    const brought = [apply(first)]
    while (light.best.hash !== bitcoin.tip.header.hash)
      brought.push(apply(await relayHeaders(spec, chain, reader(), GAS_CAP)))
    expect(brought).toEqual([10, 10, 5])
  })

  it('finds the fork when the light client is on a branch that we have never seen', async () => {
    bitcoin.mine(12, script)
    follow(light)
    bitcoin.reorganise(5, script, { blocks: 7 })
    follow(chain)
    const call = await relayHeaders(spec, chain, reader(), GAS_CAP)
    expect(apply(call)).toBe(7)
    expect(light.best.hash).toBe(bitcoin.tip.header.hash)
  })

  it('carries a reorganisation under way on, with a known header when there is no new one', async () => {
    bitcoin.mine(3, script)
    follow(light)
    follow(chain)
    const call = await relayHeaders(spec, chain, reader(true), GAS_CAP)
    expect(headersOf(call).map((raw) => parseHeader(raw).hash)).toEqual([bitcoin.tip.header.hash])
  })

  it('asks for no more gas than inherents may have', async () => {
    bitcoin.mine(10, script)
    follow(chain)
    const call = await relayHeaders(spec, chain, reader(), 1_000_000n)
    expect(call?.gasLimit).toBeLessThanOrEqual(1_000_000n)
    expect(apply(call)).toBe(6)
  })
})
