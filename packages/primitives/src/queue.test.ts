import { describe, expect, it } from 'vitest'
import { BoundedQueue } from './queue.ts'

async function drained(queue: BoundedQueue<string>): Promise<string[]> {
  queue.close()
  const items: string[] = []
  for await (const item of queue) items.push(item)
  return items
}

describe('a bounded queue', () => {
  it('gives urgent items first, each lane in order, and its owner’s among the urgent ones', async () => {
    const queue = new BoundedQueue<string>(10)
    queue.push('a')
    queue.push('first', { urgent: true })
    queue.pushOwn('own')
    queue.push('b')
    queue.push('last', { urgent: true })
    expect(queue.size).toBe(5)
    expect(await drained(queue)).toEqual(['first', 'own', 'last', 'a', 'b'])
  })

  it('refuses what does not fit into its lane; its owner’s always fits', async () => {
    const queue = new BoundedQueue<string>(1)
    expect([queue.push('a'), queue.push('b')]).toEqual([true, false])
    expect([queue.push('u', { urgent: true }), queue.push('v', { urgent: true })]).toEqual([true, false])
    expect([queue.pushOwn('x'), queue.pushOwn('y')]).toEqual([true, true])
    expect(await drained(queue)).toEqual(['u', 'x', 'y', 'a'])
    expect([queue.push('a'), queue.pushOwn('b')]).toEqual([false, false])
  })

  it('wakes its one consumer, and has no second one', async () => {
    const queue = new BoundedQueue<string>(1)
    const next = queue[Symbol.asyncIterator]().next()
    await expect(queue[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'QUEUE_TWO_CONSUMERS' })
    queue.pushOwn('woken')
    expect(await next).toEqual({ done: false, value: 'woken' })
  })
})
