import { createEVM } from '@ethereumjs/evm'
import { describe, expect, it } from 'vitest'
import { createCommon } from '@hawser/chain'
import { fromHex } from '@hawser/primitives'
import { rememberJumpDestinations, watchJumps } from './jump-destinations.ts'

const common = createCommon(18443)

describe('rememberJumpDestinations', () => {
  it('looks through a code once, and through another of the same bytes for itself', async () => {
    const evm = await createEVM({ common })
    await rememberJumpDestinations(evm)
    await rememberJumpDestinations(evm)
    // PUSH1 4 JUMP INVALID JUMPDEST PUSH1 7 PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    const code = fromHex('0x600456fe5b60075f5260205ff3')
    const analyses = new Set<unknown>()
    for (const bytes of [code, code, code.slice()]) {
      const { returnValue, runState } = await evm.runCode({ code: bytes, gasLimit: 1000n })
      expect(returnValue.at(-1)).toBe(7)
      analyses.add(runState?.validJumps)
    }
    expect(analyses.size).toBe(2)
  })
})

describe('watchJumps', () => {
  // PUSH1 3 (n) JUMPDEST PUSH1 1 SWAP1 SUB DUP1 PUSH1 2 JUMPI STOP
  const threeTimes = () => fromHex('0x60035b600190038060025700')
  const run = (evm: Awaited<ReturnType<typeof createEVM>>, code: Uint8Array) => evm.runCode({ code, gasLimit: 1000n })
  const watchedBy = async (evm: Awaited<ReturnType<typeof createEVM>>, code: Uint8Array) => {
    let seen = 0
    const stop = watchJumps(evm, () => void seen++)
    await run(evm, code)
    stop()
    return seen
  }

  it('looks at a code that was analysed before it watched, and no more at one that was analysed while it did', async () => {
    const evm = await createEVM({ common })
    await rememberJumpDestinations(evm)
    const [first, second] = [threeTimes(), threeTimes()]
    await run(evm, first)
    expect(await watchedBy(evm, first)).toBe(3)
    expect(await watchedBy(evm, second)).toBe(3)
    const stop = watchJumps(evm, () => {
      throw new Error('time is up')
    })
    await expect(run(evm, second)).rejects.toThrow('time is up')
    stop()
    expect((await run(evm, second)).exceptionError).toBeUndefined()
    // Another EVM, to which the analysis is known, is watched by its own.
    const other = await createEVM({ common })
    expect(await watchedBy(other, second)).toBe(3)
    expect((await run(other, second)).exceptionError).toBeUndefined()
  })
})
