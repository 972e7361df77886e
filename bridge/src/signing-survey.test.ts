import type { Address } from '@hawser/primitives'
import { expect, it } from 'vitest'
import { surveyMembers } from './signing-survey.ts'

const members = [0, 1, 2, 3, 4].map((i) => ({ session: `0x0${i}` as Address, bitcoinKey: `0x1${i}` as const }))

it('tells who would sign, who refuses and why, who is away, and who was left out', async () => {
  const views = await surveyMembers({
    members,
    online: new Map([
      [0, undefined],
      [1, 'one'],
      [2, 'two'],
      [4, 'four'],
    ]),
    excluded: new Map([[4, 'an invalid nonce']]),
    ownRefusal: undefined,
    ask: async (peer) => {
      if (peer === 'two') throw new Error('timeout')
      return { kind: 'refused', reason: 'the bridge is paused' }
    },
  })
  expect(views.map(({ state, reason }) => [state, reason])).toEqual([
    ['ready', undefined],
    ['refused', 'the bridge is paused'],
    ['missing', 'does not answer: timeout'],
    ['missing', 'is not connected'],
    ['excluded', 'an invalid nonce'],
  ])
})

it('gives the own reason without asking anybody', async () => {
  const [own] = await surveyMembers({
    members: members.slice(0, 1),
    online: new Map([[0, undefined]]),
    excluded: new Map(),
    ownRefusal: 'no key here',
    ask: () => Promise.reject(new Error('asked')),
  })
  expect(own).toMatchObject({ state: 'refused', reason: 'no key here' })
})
