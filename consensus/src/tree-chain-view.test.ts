import { BlockTree } from '@hawser/chain'
import { describe, expect, it } from 'vitest'
import { Round } from './round.ts'
import { testHash, testVote, testVoters } from './testing/fixtures.ts'
import { TreeChainView } from './tree-chain-view.ts'
import type { HeaderRef } from './types.ts'

const header = (number: number, hash: number, parent: number): HeaderRef => ({
  number: BigInt(number),
  hash: testHash(hash),
  parentHash: testHash(parent),
})

/** 1 - 2 - 3 in the tree, 2 final; 12 was beside 2, and 13 on 12 came to others alone. */
function setup() {
  const tree = new BlockTree({ ...header(0, 1, 0), parent: testHash(0), slot: 0n }, () => undefined)
  const view = new TreeChainView({ tree, storedHeader: () => undefined })
  for (const block of [header(1, 2, 1), header(1, 12, 1), header(2, 3, 2)]) {
    tree.add({ ...block, parent: block.parentHash, slot: block.number })
    view.learn(block.hash)
  }
  tree.finalize(testHash(2))
  view.finalize(header(1, 2, 1))
  return view
}

describe('the chain that finality looks at', () => {
  it('learns a header beside the final chain, whose parent finality has pruned, and votes for it count', () => {
    const view = setup()
    const beside = header(2, 13, 12)
    const round = new Round(1n, testVoters(4), header(0, 1, 0), view)
    expect(round.import('prevote', testVote('prevote', 0, beside))).toBe('unknown-block')
    expect(view.learnBeside(beside)).toBe(true)
    expect(round.import('prevote', testVote('prevote', 0, beside))).toBe('accepted')
    expect(view.bestContaining(beside.hash)).toBeUndefined()
  })

  it('does not learn a header that hangs in the air, or whose number does not follow its parent', () => {
    const view = setup()
    expect(view.learnBeside(header(3, 15, 14))).toBe(false)
    expect(view.learnBeside(header(3, 13, 12))).toBe(false)
    expect(view.header(testHash(13))).toBeUndefined()
  })

  it('does not learn a header above the last final block: it is not beside, and has to be imported', () => {
    const view = setup()
    for (const above of [header(2, 20, 2), header(3, 21, 3)]) {
      expect(view.learnBeside(above)).toBe(false)
      expect(view.header(above.hash)).toBeUndefined()
    }
  })
})
