import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemContracts, validatorsAbi, validatorsTypedData } from '@hawser/contracts'
import { devValidatorKeys, validatorSpecOf, type Devnet } from '@hawser/node'
import { toHex, type Hex } from '@hawser/primitives'
import { hawserActions, trustedChain } from '@hawser/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { privateKeyToAccount } from 'viem/accounts'
import { eventually, runHawser, startDevnet, startHawser } from '../kit/devnet.ts'
import { readerOf, walletOf } from './support/clients.ts'
import { startNewcomer } from './support/newcomer.ts'

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

  it('proves its blocks to a stranger who knows the first set alone', async () => {
    const url = devnet.rpcUrls[0] as string
    const spec = readFileSync(join(devnet.dataDir, 'chain-spec.json'), 'utf8')
    const client = readerOf(url).extend(hawserActions())
    const trust = trustedChain(spec)
    const now = await client.verifyFinality({ trust })
    expect(now).toMatchObject({ setId: 1n, hash: (await client.getBlock({ blockNumber: now.number })).hash })
    expect(now.sets.states.map(({ voters }) => voters.size)).toEqual([4, 3])
    // Of the first set's time, with what is proven already.
    expect(await client.verifyFinality({ trust, sets: now.sets, blockNumber: 3n })).toMatchObject({ setId: 0n })
    expect(await client.verifyReserves({ trust })).toMatchObject({ covered: true })

    const file = join(devnet.dataDir, 'chain-spec.json')
    const told = await runHawser(['verify', '--rpc', url, '--chain-spec', file, '--json'])
    expect(told.code).toBe(0)
    expect(JSON.parse(told.stdout)).toMatchObject({ setId: '1', latestSet: '1' })
    const other = join(devnet.dataDir, 'other-spec.json')
    const json = JSON.parse(spec) as { genesisTime: number }
    writeFileSync(other, JSON.stringify({ ...json, genesisTime: json.genesisTime + 1 }))
    const lied = await runHawser(['verify', '--rpc', url, '--chain-spec', other])
    expect(lied.code).toBe(7)
    expect(lied.stderr).toContain('validator sets is not good')
    const early = await runHawser(['verify', '100000', '--rpc', url, '--chain-spec', file])
    expect(early.code).toBe(6)
  })

  it('can be joined by a node that fetches the state of a final block, and follows the sets by their proofs', async () => {
    const url = devnet.rpcUrls[0] as string
    const joinedAt = (await readerOf(url).getBlock({ blockTag: 'finalized' })).number
    const node = await startNewcomer(devnet, { name: 'newcomer', args: ['--sync', 'state'] })
    try {
      const own = readerOf(node.rpcUrl)
      await eventually('finality at the newcomer', async () => {
        return (await own.getBlock({ blockTag: 'finalized' })).number > joinedAt + 3n
      })
      // It executed none of the blocks before, and has the state of none of them.
      const first = Number(/"number":(\d+)[^\n]*the chain begins at a fetched state/.exec(node.output())?.[1])
      expect(first).toBeGreaterThanOrEqual(Number(joinedAt) - 1)
      const before = { address: devnet.accounts[0]?.address as Hex, blockNumber: joinedAt - 5n }
      await expect(own.getBalance(before)).rejects.toThrow('is pruned')
      const { number, hash } = await own.getBlock({ blockTag: 'finalized' })
      expect((await readerOf(url).getBlock({ blockNumber: number })).hash).toBe(hash)
      for (const { address } of devnet.accounts)
        expect(await own.getBalance({ address: address as Hex, blockNumber: number })).toBe(
          await readerOf(url).getBalance({ address: address as Hex, blockNumber: number }),
        )
      await expect(own.request({ method: 'eth_getLogs', params: [{ fromBlock: '0x1' }] } as never)).rejects.toThrow(
        'pruned history unavailable',
      )
    } finally {
      await node.stop()
    }
    // In a folder that has a chain the flag changes nothing: it goes on from there.
    const again = await startHawser(['node', '--config', node.configFile, '--sync', 'state'])
    try {
      await eventually('the newcomer to be up again', () => /"rpc":(\d+)/.test(again.output()))
      expect(again.output()).not.toContain('fetching the state')
    } finally {
      await again.stop()
    }
  })
})
