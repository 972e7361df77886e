import type { Hash32 } from '@hawser/primitives'
import type {
  BlockRef,
  CatchUpRequest,
  CatchUpResponse,
  Commit,
  NeighbourPacket,
  SignedVote,
  UnsignedVote,
  VoteEquivocation,
  VoteKind,
} from './types.ts'
import type { VoteRecord } from './vote-records.ts'

/** What happens to a voter. `peer` is the transport's name of the sender; without one it came from this node. */
export type VoterEvent =
  | { readonly type: 'start' }
  /** A voter that began silent has listened long enough: it may vote from now on. */
  | { readonly type: 'voteAllowed' }
  /** A block is in the chain view now, or the head moved. */
  | { readonly type: 'blockImported'; readonly hash: Hash32 }
  /** A justification from sync made a block final; the chain view has moved. */
  | { readonly type: 'finalizedExternally'; readonly block: BlockRef }
  | { readonly type: 'voteReceived'; readonly peer?: string; readonly vote: SignedVote }
  /** The answer to signAndSendVote. */
  | { readonly type: 'voteSigned'; readonly vote: SignedVote }
  | { readonly type: 'voteRefused'; readonly round: bigint; readonly kind: VoteKind }
  | { readonly type: 'commitReceived'; readonly peer?: string; readonly commit: Commit }
  | { readonly type: 'neighbour'; readonly peer: string; readonly packet: NeighbourPacket }
  | { readonly type: 'peerLeft'; readonly peer: string }
  | { readonly type: 'missingVotesRequested'; readonly peer: string; readonly packet: NeighbourPacket }
  | { readonly type: 'catchUpRequested'; readonly peer: string; readonly request: CatchUpRequest }
  | { readonly type: 'catchUpReceived'; readonly peer: string; readonly response: CatchUpResponse }
  | { readonly type: 'catchUpFailed'; readonly peer: string }
  | { readonly type: 'timer'; readonly id: string }

/** What a voter wants done, strictly in this order: a persist is on disk before what follows it leaves the node. */
export type VoterEffect =
  | { readonly type: 'persist'; readonly record: VoteRecord; readonly sync: boolean }
  /** Deletes the records whose keys begin so. */
  | { readonly type: 'forget'; readonly prefix: string }
  /** Sign, send to everybody, and answer with voteSigned or voteRefused. */
  | { readonly type: 'signAndSendVote'; readonly vote: UnsignedVote }
  | { readonly type: 'sendVote'; readonly vote: SignedVote }
  | { readonly type: 'sendCommit'; readonly commit: Commit }
  /** To one peer, or to all. */
  | { readonly type: 'sendNeighbour'; readonly packet: NeighbourPacket; readonly peer?: string }
  /** Asks a peer for the votes that the packet's inventories lack. */
  | { readonly type: 'pullVotes'; readonly peer: string; readonly packet: NeighbourPacket }
  | { readonly type: 'answerVotes'; readonly peer: string; readonly votes: readonly SignedVote[] }
  | { readonly type: 'requestCatchUp'; readonly peer: string; readonly request: CatchUpRequest }
  | { readonly type: 'answerCatchUp'; readonly peer: string; readonly response: CatchUpResponse | undefined }
  | { readonly type: 'setTimer'; readonly id: string; readonly delayMs: number }
  /** A block is final; `ancestry` names the headers that its justification needs. */
  | {
      readonly type: 'finalize'
      readonly block: BlockRef
      readonly commit: Commit
      readonly ancestry: readonly Hash32[]
    }
  | { readonly type: 'reportPeer'; readonly peer: string; readonly delta: number; readonly reason: string }
  | { readonly type: 'requestBlock'; readonly hash: Hash32 }
  | { readonly type: 'equivocation'; readonly evidence: VoteEquivocation }
  /** What to tell gossip of the vote or commit that was this event. */
  | { readonly type: 'verdict'; readonly verdict: 'accept' | 'ignore' | 'reject' }
  /** Two conflicting blocks are final, or our own key voted elsewhere: voting ends here, and people must look. */
  | { readonly type: 'halt'; readonly reason: string }
