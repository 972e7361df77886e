import { systemContracts, validatorsAbi, validatorsTypedData } from '@hawser/contracts'
import { devValidatorKeys, validatorSpecOf, type Devnet } from '@hawser/node'
import { toHex, type Hex } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { privateKeyToAccount } from 'viem/accounts'
import { eventually, startDevnet } from '../kit/devnet.ts'
import { readerOf, walletOf } from './support/clients.ts'

const EPOCH = 20n
const DEADLINE = 100_000n
const validators = systemContracts.validators as Hex

describe('a devnet whose validators vote one of them out', { timeout: 180_000 }, () => {
  let devnet: Devnet
  beforeAll(async () => {
    devnet = await startDevnet()
  })
  afterAll(() => devnet?.stop())

  it('goes on with the three others, all making the same blocks final, at the pace of before', async () => {
    const { session } = validatorSpecOf(devValidatorKeys(3))
    const chainId = await readerOf(devnet.rpcUrl).getChainId()
    const votes = await Promise.all(
      [0, 1, 2].map(async (i) => {
        const account = privateKeyToAccount(toHex(devValidatorKeys(i).management))
        const message = { management: account.address, session: session as Hex, deadline: DEADLINE }
        const signature = await account.signTypedData({
          ...validatorsTypedData(chainId),
          primaryType: 'VoteRemove',
          message,
        } as never)
        return { management: account.address, signature }
      }),
    )
    const wallet = walletOf(devnet, 0)
    const hash = await wallet.writeContract({
      address: validators,
      abi: validatorsAbi,
      functionName: 'removeValidator',
      args: [session as Hex, DEADLINE, votes],
    })
    const { blockNumber, status } = await wallet.waitForTransactionReceipt({ hash })
    expect(status).toBe('success')
    const epochEnd = ((blockNumber - 1n) / EPOCH + 1n) * EPOCH
    const finalOf = (url: string) => readerOf(url).getBlock({ blockTag: 'finalized' })
    const urls = devnet.rpcUrls
    for (const url of urls)
      await eventually(
        `finality four blocks beyond the epoch's end ${epochEnd} at ${url}`,
        async () => (await finalOf(url)).number >= epochEnd + 4n,
        { limitMs: 90_000 },
      )
    const [head, final] = [
      await readerOf(urls[0] as string).getBlockNumber(),
      (await finalOf(urls[0] as string)).number,
    ]
    expect(head - final).toBeLessThan(6n)
    const hashes = await Promise.all(
      urls.map(async (url) => (await readerOf(url).getBlock({ blockNumber: epochEnd + 2n })).hash),
    )
    expect(new Set(hashes).size).toBe(1)
    const seated = await readerOf(urls[0] as string).readContract({
      address: validators,
      abi: validatorsAbi,
      functionName: 'getValidators',
    })
    expect(seated).toHaveLength(3)
    // The one that left is not needed any more.
    await devnet.validators[3]?.stop()
    const before = (await finalOf(urls[0] as string)).number
    await eventually('finality without it', async () => (await finalOf(urls[0] as string)).number > before + 5n, {
      limitMs: 30_000,
    })
  })
})
