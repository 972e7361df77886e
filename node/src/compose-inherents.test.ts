import type { InherentCall, Inherents } from '@hawser/chain'
import { systemContracts } from '@hawser/contracts'
import { keccak256, utf8, ZERO_HASH, type Address } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { composeInherents } from './compose-inherents.ts'

const VOTE = '(uint64,bytes32,bytes)'
const call = (to: string, signature: string, label: string): InherentCall => ({
  to: to as Address,
  data: keccak256(utf8(signature)).subarray(0, 4),
  gasLimit: 1n,
  label,
})
const source = (...calls: InherentCall[]): Inherents => ({ inherents: async () => calls })

describe('inherents of several rooms', () => {
  it('stand in the protocol’s order, those of one function in their own', async () => {
    const { bridge, validators } = systemContracts
    const report = (label: string) => call(validators, `reportEquivocation(uint64,uint64,uint8,${VOTE},${VOTE})`, label)
    const composed = composeInherents([
      source(call(bridge, 'formBatch()', 'batch'), call(bridge, 'voteResume(uint64)', 'resume')),
      source(report('first'), report('second')),
    ])
    const calls = await composed.inherents({ number: 0n, hash: ZERO_HASH })
    expect(calls.map(({ label }) => label)).toEqual(['batch', 'first', 'second', 'resume'])
  })
})
