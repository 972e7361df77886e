import { expect, it } from 'vitest'
import type { RpcBackend } from './backend.ts'
import { BlockReader } from './block-reader.ts'

const reader = new BlockReader({
  store: { pointers: () => ({ head: { number: 7n }, finalized: { number: 5n } }), canonicalHash: () => undefined },
} as unknown as RpcBackend)

it('an EIP-1898 object names a number or tag, not another object, however deep', () => {
  expect(reader.find({ blockNumber: '0x1' })).toBeUndefined()
  const deep: unknown = JSON.parse('{"blockNumber":'.repeat(20_000) + '"0x1"' + '}'.repeat(20_000))
  for (const parameter of [{ blockNumber: { blockNumber: '0x1' } }, deep, {}, [], -1, '0x', 'newest'])
    expect(() => reader.find(parameter)).toThrow(/must be/)
})
