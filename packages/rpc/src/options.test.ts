import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from './limits.ts'
import { NAMESPACES, parseApi, resolveLimits } from './options.ts'

describe('options', () => {
  it('read a list of namespaces, and name what there is for any other', () => {
    expect(parseApi('eth, net,debug')).toEqual(['eth', 'net', 'debug'])
    expect(parseApi(NAMESPACES.join(','))).toEqual(NAMESPACES)
    for (const list of ['', 'eth,', 'eth,admin', 'ETH'])
      expect(() => parseApi(list)).toThrow(/is no JSON-RPC namespace; there are eth, net/)
  })

  it('fill in the limits that are not given', () => {
    expect(resolveLimits()).toEqual(DEFAULT_LIMITS)
    expect(resolveLimits({ maxBatch: 5, gasCap: undefined as never })).toEqual({ ...DEFAULT_LIMITS, maxBatch: 5 })
  })
})
