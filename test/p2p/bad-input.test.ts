import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_BLOCK_BYTES, type Protocol } from '@hawser/chain'
import { serveBlocks } from '@hawser/p2p'
import { fromHex, isAppError, uintBE, type Hash32 } from '@hawser/primitives'
import type { TestChain } from '../kit/index.ts'
import { sourceChain } from './sync-world.ts'

let source: TestChain
beforeAll(async () => {
  source = await sourceChain(80, 5)
})
afterAll(() => source.dispose())

describe('the server of blocks', () => {
  it('answers any question shortly and truly, or refuses it as the asker’s fault', async () => {
    const handlers = new Map<Protocol, (message: Uint8Array) => Promise<Uint8Array>>()
    const stop = serveBlocks(
      {
        serve: (protocol, handler) => {
          handlers.set(protocol, (message) => handler(message, 'somebody'))
          return () => undefined
        },
      },
      source.store,
    )
    const hashes = Array.from({ length: 81 }, (_, n) => source.store.canonicalHash(BigInt(n)) as Hash32)
    const range = fc
      .tuple(fc.oneof(fc.bigInt(0n, 100n), fc.bigInt(0n, 2n ** 64n - 1n)), fc.nat(65_535))
      .map(([from, count]) => RLP.encode([uintBE(from, 8), uintBE(BigInt(count), 2)]))
    const byHash = fc
      .array(
        fc.oneof(
          fc.constantFrom(...hashes.map((hash) => fromHex(hash))),
          fc.uint8Array({ minLength: 32, maxLength: 32 }),
        ),
        {
          maxLength: 20,
        },
      )
      .map((list) => RLP.encode(list))
    const message = fc.oneof(range, byHash, fc.uint8Array({ maxLength: 1024 }))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Protocol>('blocks-by-range', 'blocks-by-hash'),
        message,
        async (protocol, bytes) => {
          let answer: Uint8Array
          try {
            answer = await (handlers.get(protocol) as (message: Uint8Array) => Promise<Uint8Array>)(bytes)
          } catch (error) {
            expect(isAppError(error) && error.info.fault === 'peer', String(error)).toBe(true)
            return
          }
          expect(answer.length).toBeLessThan(2 * MAX_BLOCK_BYTES)
          const blocks = RLP.decode(answer) as [Uint8Array, Uint8Array][]
          expect(blocks.length).toBeLessThanOrEqual(protocol === 'blocks-by-range' ? 64 : 16)
          for (const [sealed] of blocks) {
            const number = hashes.findIndex((hash) => {
              const stored = source.store.encodedBlock(hash)
              return stored && Buffer.from(stored).equals(sealed)
            })
            expect(number).toBeGreaterThanOrEqual(0)
          }
        },
      ),
      { numRuns: 150 },
    )
    stop()
  })
})
