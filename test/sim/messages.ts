import type { Hash32 } from '@hawser/primitives'
import type { Commit, NeighbourPacket, VoterEvent } from './cores.ts'
import type { SimBlock } from './world.ts'

/** Blocks in one answer: the one that was asked for and its ancestors. */
export const MAX_BLOCKS_IN_ANSWER = 64

/** What goes from node to node; an event of the core travels as it is, with the sender's name in it. */
export type Message =
  | { readonly type: 'event'; readonly event: VoterEvent }
  | { readonly type: 'position'; readonly packet: NeighbourPacket; readonly answer: boolean }
  | { readonly type: 'block'; readonly block: SimBlock }
  | { readonly type: 'block-request'; readonly hash: Hash32; readonly above: bigint }
  | { readonly type: 'blocks'; readonly blocks: readonly SimBlock[] }
  | { readonly type: 'justification-request'; readonly number: bigint }
  | { readonly type: 'justification'; readonly number: bigint; readonly commit: Commit }
