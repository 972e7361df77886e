import { describe, expect, it } from 'vitest'
import { runHawser } from '../kit/devnet.ts'

const LIMIT_MS = 180_000

interface DemoResult {
  readonly passed: boolean
  readonly l1: string
  readonly steps: readonly unknown[]
  readonly audit: { readonly passed: boolean; readonly custodySats: string; readonly liabilitySats: string }
}

const bitcoind = process.env['HAWSER_BITCOIND']
const backends = [
  { l1: 'embedded', missing: undefined },
  { l1: 'bitcoind', missing: bitcoind ? undefined : 'HAWSER_BITCOIND names no bitcoind' },
] as const

describe('hawser demo', { timeout: LIMIT_MS + 10_000 }, () => {
  for (const { l1, missing } of backends)
    it(`goes through every step on ${l1} and ends with code 0`, async (context) => {
      if (missing !== undefined) {
        if (process.env['HAWSER_REQUIRE_BITCOIND'] === '1') throw new Error(missing)
        return context.skip(missing)
      }
      const { code, stdout, stderr } = await runHawser(['--json', 'demo', '--l1', l1], { limitMs: LIMIT_MS })
      expect(code, stderr).toBe(0)
      const result = JSON.parse(stdout) as DemoResult
      expect(result).toMatchObject({ passed: true, l1, audit: { passed: true } })
      expect(result.steps).toHaveLength(6)
      expect(BigInt(result.audit.custodySats)).toBeGreaterThanOrEqual(BigInt(result.audit.liabilitySats))
    })
})
