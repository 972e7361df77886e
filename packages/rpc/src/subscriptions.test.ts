import { beforeEach, describe, expect, it } from 'vitest'
import type { RpcBackend } from './backend.ts'
import { FILTER_LIFETIME_MS, MAX_FILTERS } from './limits.ts'
import { Subscriptions } from './subscriptions.ts'

const backend = {
  syncTarget: () => undefined,
  onHead: () => () => undefined,
  onPendingTransaction: () => () => undefined,
} as unknown as RpcBackend
const clock = { ms: 0, nowMs: () => clock.ms, after: () => () => undefined }
let subscriptions: Subscriptions
beforeEach(() => {
  clock.ms = 0
  subscriptions = new Subscriptions(backend, clock, 2)
})

describe('subscriptions', () => {
  it('are so many for one connection, and none for one that is gone', () => {
    const subscriber = { send: () => undefined, isOpen: () => open }
    let open = true
    subscriptions.subscribe(subscriber, 'newHeads', undefined)
    subscriptions.subscribe(subscriber, 'newHeads', undefined)
    expect(() => subscriptions.subscribe(subscriber, 'newHeads', undefined)).toThrow('may have 2')
    open = false
    subscriptions.leave(subscriber)
    // A request that was waiting when its connection closed.
    expect(() => subscriptions.subscribe(subscriber, 'newHeads', undefined)).toThrow('closed')
  })
})

describe('polling filters', () => {
  it('give way when there are too many, the one unused for longest first', () => {
    const add = () => subscriptions.addFilter({ kind: 'newHeads' }, true)
    const ids = Array.from({ length: MAX_FILTERS }, add)
    expect(subscriptions.changes(ids[0] ?? '0x')).toEqual([])
    add()
    expect(subscriptions.changes(ids[0] ?? '0x')).toEqual([])
    expect(() => subscriptions.changes(ids[1] ?? '0x')).toThrow('filter not found')
  })

  it('end when nobody has asked for them for long', () => {
    const [kept, left] = [1, 2].map(() => subscriptions.addFilter({ kind: 'newHeads' }, true))
    clock.ms += FILTER_LIFETIME_MS
    subscriptions.filterInterest(kept ?? '0x')
    clock.ms += 1
    expect(subscriptions.changes(kept ?? '0x')).toEqual([])
    expect(() => subscriptions.changes(left ?? '0x')).toThrow('filter not found')
  })
})
