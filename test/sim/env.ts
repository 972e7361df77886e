import type { Address } from '@hawser/primitives'
import type { SimConfig } from './config.ts'
import type { NetworkId, VoteEquivocation } from './cores.ts'
import type { Keys } from './keys.ts'
import type { Message } from './messages.ts'
import type { SimNode } from './sim-node.ts'
import type { Timeline } from './timeline.ts'
import type { SimBlock, World } from './world.ts'

/** What surrounds a node: time, the network, and everybody's keys. */
export interface SimEnv {
  readonly config: SimConfig
  readonly network: NetworkId
  readonly timeline: Timeline
  readonly world: World
  readonly keys: Keys
  send(from: SimNode, to: number, message: Message): void
  broadcast(from: SimNode, message: Message): void
  /** Sends a block of one's own to everybody. */
  announce(from: SimNode, block: SimBlock): void
  /** Some of the other nodes. */
  peersOf(node: SimNode, count: number): number[]
  /** A node has made a block final. */
  onFinal(node: SimNode, block: SimBlock): void
  /** The node's time to crash has come. */
  die(node: SimNode): void
  onVoteEquivocation(node: SimNode, evidence: VoteEquivocation): void
  onSealEquivocation(node: SimNode, offender: Address): void
}
