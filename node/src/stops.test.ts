import { describe, expect, it } from 'vitest'
import { Stops } from './stops.ts'

describe('what a node stops', () => {
  it('goes in reverse order, one after the other', async () => {
    const order: string[] = []
    const stops = new Stops()
    for (const name of ['database', 'importer', 'network'])
      stops.push(async () => {
        order.push(`${name} stops`)
        await Promise.resolve()
        order.push(`${name} stopped`)
      })
    await stops.run()
    expect(order).toEqual(['network', 'importer', 'database'].flatMap((name) => [`${name} stops`, `${name} stopped`]))
  })

  it('goes on after a step that fails, and tells of all that failed', async () => {
    const order: string[] = []
    const stops = new Stops()
    stops.push(() => void order.push('database'))
    stops.push(() => {
      throw new Error('the importer hangs')
    })
    stops.push(() => Promise.reject(new Error('the network hangs')))
    const error = await stops.run().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AggregateError)
    expect(error).toMatchObject({
      message: 'the network hangs; the importer hangs',
      errors: [new Error('the network hangs'), new Error('the importer hangs')],
    })
    expect(order).toEqual(['database'])
  })

  it('happens once: whoever asks waits for the same end', async () => {
    let count = 0
    let end!: () => void
    const ended = new Promise<void>((resolve) => (end = resolve))
    const stops = new Stops()
    stops.push(() => {
      count++
      return ended
    })
    const order: string[] = []
    const both = [stops.run(), stops.run()].map((one) => one.then(() => order.push('stopped')))
    await Promise.resolve()
    order.push('told to end')
    end()
    await Promise.all(both)
    await stops.run()
    expect([count, order]).toEqual([1, ['told to end', 'stopped', 'stopped']])
  })
})
