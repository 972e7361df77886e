import { join } from 'node:path'
import type { Devnet } from '@hawser/node'
import { keccak256, toHex, utf8 } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, runHawser, startDevnet } from '../kit/devnet.ts'

interface Reserves {
  readonly paused: boolean
}
const RECEIVER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'

describe('validators halt and resume the bridge', { timeout: 120_000 }, () => {
  let devnet: Devnet
  const hawser = (...args: string[]) => runHawser([...args, '--rpc', devnet.rpcUrl])
  const paused = async () => (await devnet.rpc<Reserves>('bridge_getReserves', ['latest'])).paused
  const withdraw = () => hawser('withdraw', '--to', RECEIVER, '--amount', '0.01', '--dev-account', '1')
  const config = (index: number) => join(devnet.dataDir, 'validators', String(index), 'config.json')

  beforeAll(async () => {
    devnet = await startDevnet()
  })
  afterAll(() => devnet?.stop())

  it('pauses with more than a third of the management keys, not with one, and not with one twice', async () => {
    expect((await hawser('halt', '--dev-validator', '0', '--dev-account', '0')).code).toBe(0)
    expect(await paused()).toBe(false)
    const again = await hawser('halt', '--dev-validator', '0', '--dev-account', '0')
    expect(again.code).toBe(1)
    expect(again.stderr).toMatch(/^hawser: .+voted/)
    expect((await hawser('halt', '--dev-validator', '1', '--dev-account', '0')).code).toBe(0)
    await eventually('the pause', paused)
  })

  it('takes no withdrawal while it is paused, and says so', async () => {
    const refused = await withdraw()
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^hawser: .*paused/)
  })

  it('resumes with more than two thirds of the validators, not with two of four', async () => {
    for (const index of [0, 1]) expect((await hawser('vote-resume', '1', '--config', config(index))).code).toBe(0)
    const votes = () => devnet.rpc<unknown[]>('eth_getLogs', [{ fromBlock: 'earliest', topics: [RESUME_VOTED] }])
    await eventually('two votes', async () => (await votes()).length === 2)
    expect(await paused()).toBe(true)
    expect((await hawser('vote-resume', '1', '--config', config(2))).code).toBe(0)
    await eventually('the end of the pause', async () => !(await paused()))
    expect((await withdraw()).code).toBe(0)
  })
})

/** keccak256("ResumeVoted(uint64,address,uint256)") */
const RESUME_VOTED = toHex(keccak256(utf8('ResumeVoted(uint64,address,uint256)')))
