import { StateImport } from '@hawser/execution'
import { type Hash32 } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { expect, it } from 'vitest'
import { refuseHalfState } from './begin-at-state.ts'

const HASH = `0x${'22'.repeat(32)}` as Hash32

it('does not let a node run on a state that came in half', async () => {
  const db = new MemoryStore()
  expect(() => refuseHalfState(db, 'folder')).not.toThrow()
  await StateImport.open(db, { number: 5n, hash: HASH }, HASH)
  expect(() => refuseHalfState(db, 'folder')).toThrow('a state came into folder in half; go on with --sync state')
})
