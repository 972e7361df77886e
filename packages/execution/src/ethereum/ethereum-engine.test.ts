import { createBlock } from '@ethereumjs/block'
import { ZERO_ADDRESS } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { expect, it } from 'vitest'
import { buildEthereumGenesis } from './ethereum-genesis.ts'
import { EthereumEngine } from './ethereum-engine.ts'
import { EthereumForks } from './fork-schedule.ts'
import { parseGethGenesis } from './geth-genesis.ts'

const BLOCK_FORKS = 'homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin london'.split(
  ' ',
)

it('refuses a block whose header names other requests than its execution made (EIP-7685)', async () => {
  const config = {
    chainId: 1337,
    ...Object.fromEntries(BLOCK_FORKS.map((fork) => [`${fork}Block`, 0])),
    terminalTotalDifficulty: 0,
    shanghaiTime: 0,
    cancunTime: 0,
    pragueTime: 0,
  }
  const genesis = parseGethGenesis(JSON.stringify({ config, alloc: {}, gasLimit: 30_000_000 }))
  const { commonAt } = new EthereumForks(genesis.config)
  const { block: parent, state } = await buildEthereumGenesis(genesis, commonAt)
  const store = new MemoryStore()
  await store.write(state)
  const engine = new EthereumEngine({ store, commonAt, headerOf: () => undefined })
  const attributes = { timestamp: 12n, prevRandao: new Uint8Array(32), feeRecipient: ZERO_ADDRESS, withdrawals: [] }
  const { block } = await engine.buildPayload(parent.header, attributes, [])
  await expect(engine.execute(parent.header, block)).resolves.toMatchObject({ gasUsed: 0n })

  const forged = createBlock(
    { header: { ...block.header, requestsHash: new Uint8Array(32) }, withdrawals: [] },
    { common: block.common, setHardfork: false },
  )
  await expect(engine.execute(parent.header, forged)).rejects.toMatchObject({
    code: 'BLOCK_BAD_EXECUTION',
    message: expect.stringContaining('requestsHash') as string,
  })
})
