import type { PeerId, SigningMemberView } from '@hawser/chain'
import { messageOf } from '@hawser/primitives'
import type { SigningAnswer } from './signing-messages.ts'

/** An answer is good for so long: whoever looks often does not make the members answer often. */
export const SURVEY_FRESH_MS = 2_000

/** A committee as one of its members, or an onlooker, asks it. */
export interface Survey {
  /** In the order of the sorted keys. */
  readonly members: readonly Pick<SigningMemberView, 'session' | 'bitcoinKey'>[]
  /** Members that are connected, with their peers; oneself without one. */
  readonly online: ReadonlyMap<number, PeerId | undefined>
  /** Members whose contributions were invalid, with what was said of it. */
  readonly excluded: ReadonlyMap<number, string>
  /** Why the own key would not sign; undefined when it would. */
  readonly ownRefusal: string | undefined
  readonly ask: (peer: PeerId) => Promise<SigningAnswer>
}

/** Asks every member whether it would sign a batch now, and says why not (protocol.md, section 8). */
export function surveyMembers(survey: Survey): Promise<readonly SigningMemberView[]> {
  const { members, online, excluded, ownRefusal, ask } = survey
  return Promise.all(
    members.map(async (member, index): Promise<SigningMemberView> => {
      const blame = excluded.get(index)
      if (blame !== undefined) return { ...member, state: 'excluded', reason: blame }
      if (!online.has(index)) return { ...member, state: 'missing', reason: 'is not connected' }
      const peer = online.get(index)
      if (peer === undefined) return { ...member, ...stateOf(ownRefusal) }
      try {
        const answer = await ask(peer)
        return { ...member, ...stateOf(answer.kind === 'refused' ? answer.reason : undefined) }
      } catch (error) {
        return { ...member, state: 'missing', reason: `does not answer: ${messageOf(error)}` }
      }
    }),
  )
}

function stateOf(refusal: string | undefined): Pick<SigningMemberView, 'state' | 'reason'> {
  return refusal === undefined ? { state: 'ready' } : { state: 'refused', reason: refusal }
}
