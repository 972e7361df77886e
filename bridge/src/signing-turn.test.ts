import { describe, expect, it } from 'vitest'
import { coordinatorOf, isInTurn, MAX_TURNS_AHEAD, ownAttempt } from './signing-turn.ts'

describe('the turns of coordinators', () => {
  it('take attempts of the turn before, this one and the next few, and no others', () => {
    const taken = Array.from({ length: 40 }, (_, attempt) => attempt).filter((attempt) => isInTurn(attempt, 20))
    expect(taken).toEqual([19, 20, 21, 22])
  })

  it('pass over members who are not there, as far as others accept it', () => {
    const at = { batchId: 5n, turn: 3, n: 7 }
    const self = coordinatorOf(5n, 5, 7)
    expect(ownAttempt(at, self, () => false)).toBe(3 + MAX_TURNS_AHEAD)
    expect(ownAttempt(at, self, (member) => member === coordinatorOf(5n, 4, 7))).toBeUndefined()
    expect(ownAttempt(at, coordinatorOf(5n, 6, 7), () => false)).toBeUndefined()
  })
})
