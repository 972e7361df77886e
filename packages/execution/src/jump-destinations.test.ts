import { createEVM } from '@ethereumjs/evm'
import { describe, expect, it } from 'vitest'
import { createCommon } from '@hawser/chain'
import { fromHex } from '@hawser/primitives'
import { rememberJumpDestinations } from './jump-destinations.ts'

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
