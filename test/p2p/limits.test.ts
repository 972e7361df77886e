import {
  MAX_CATCH_UP_BYTES,
  MAX_CATCH_UP_REQUEST_BYTES,
  MAX_COMMIT_BYTES,
  MAX_EVIDENCE_BYTES,
  MAX_JUSTIFICATION_BYTES,
  MAX_NEIGHBOUR_BYTES,
  MAX_VOTE_BYTES,
  MAX_VOTES_BYTES,
} from '@hawser/consensus'
import { MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES } from '@hawser/chain'
import { MAX_SET_PROOFS_BYTES } from '@hawser/consensus/verify'
import { MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES } from '@hawser/p2p'
import { describe, expect, it } from 'vitest'
import { MAX_SIGNED_MESSAGE_BYTES } from '../../bridge/src/signing-messages.ts'
import { MAX_CODE_BYTES } from '../../packages/execution/src/interpreter/gas-costs.ts'

/** The rooms that say what a message is and the room that carries it do not know one another. */
describe('what carries a message takes the longest that its codec does', () => {
  it.each([
    ['votes', MAX_VOTE_BYTES],
    ['commits', MAX_COMMIT_BYTES],
    ['evidence', MAX_EVIDENCE_BYTES],
  ] as const)('gossip of %s', (topic, longest) => {
    expect(MAX_GOSSIP_BYTES[topic]).toBeGreaterThanOrEqual(longest)
  })

  it.each([
    ['neighbour', MAX_NEIGHBOUR_BYTES],
    ['catch-up', MAX_CATCH_UP_REQUEST_BYTES],
    ['missing-votes', MAX_NEIGHBOUR_BYTES],
    ['signing', MAX_SIGNED_MESSAGE_BYTES],
    ['transactions', MAX_TRANSACTION_BYTES],
  ] as const)('requests for %s', (protocol, longest) => {
    expect(MAX_MESSAGE_BYTES[protocol].request).toBeGreaterThanOrEqual(longest)
  })

  it.each([
    ['neighbour', MAX_NEIGHBOUR_BYTES],
    ['catch-up', MAX_CATCH_UP_BYTES],
    ['missing-votes', MAX_VOTES_BYTES],
    ['justification', MAX_JUSTIFICATION_BYTES],
    ['handovers', MAX_SET_PROOFS_BYTES],
    ['signing', MAX_SIGNED_MESSAGE_BYTES],
    ['pooled-transactions', MAX_TRANSACTION_BYTES],
    // One block at least, whatever its justification is.
    ['blocks-by-range', MAX_BLOCK_BYTES + MAX_JUSTIFICATION_BYTES],
    ['blocks-by-hash', MAX_BLOCK_BYTES],
    ['state-code', MAX_CODE_BYTES],
  ] as const)('answers of %s', (protocol, longest) => {
    expect(MAX_MESSAGE_BYTES[protocol].response).toBeGreaterThanOrEqual(longest)
  })
})
