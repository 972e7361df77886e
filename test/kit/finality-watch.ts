import { delay, type Hex } from '@hawser/primitives'
import { jsonRpc } from './json-rpc.ts'

const POLL_MS = 200

/** A node as the watch sees it. */
export interface WatchedNode {
  readonly name: string
  readonly rpcUrl: string
  /** Whether an answer is to be had now. */
  readonly answers: boolean
}

/** A block by number and hash, as JSON-RPC has it. */
export interface FinalBlock {
  readonly number: number
  readonly hash: Hex
}

/** What was said to be final at some time, by whomever, stays so: the watch asks all the time, and remembers. */
export class FinalityWatch {
  /** The first thing that must not be. */
  fault: Error | undefined
  readonly #seen = new Map<number, { readonly hash: Hex; readonly by: string }>()
  readonly #last = new Map<string, FinalBlock & { readonly answered: number }>()
  /** Counts questions and answers: an answer to an older question is not newer. */
  #events = 0
  readonly #abort = new AbortController()
  readonly #running: Promise<void>

  constructor(nodes: readonly WatchedNode[]) {
    this.#running = Promise.all(nodes.map((node) => this.#follow(node))).then(() => undefined)
  }

  /** The highest block that anybody has called final. */
  get highest(): number {
    return Math.max(0, ...this.#seen.keys())
  }

  /** @throws the first fault */
  check(): void {
    if (this.fault) throw this.fault
  }

  /** A node's last final block, which is also held against all others. */
  async ask(node: WatchedNode): Promise<FinalBlock> {
    const asked = ++this.#events
    const final = await blockOf(node, 'finalized')
    this.#note(node, final, asked)
    return final
  }

  /** A node whose disk is empty begins anew. */
  forget(node: WatchedNode): void {
    this.#last.delete(node.name)
  }

  /** Every block that was ever called final is in every node's chain up to the lowest end of them. @throws at the first that is not */
  async compareChains(nodes: readonly WatchedNode[]): Promise<number> {
    const ends = await Promise.all(nodes.map((node) => this.ask(node)))
    const lowest = Math.min(...ends.map(({ number }) => number))
    for (const [number, { hash, by }] of this.#seen)
      if (number <= lowest)
        for (const node of nodes) {
          const own = await blockOf(node, `0x${number.toString(16)}`)
          if (own.hash !== hash)
            throw new Error(`${node.name} has ${own.hash} at ${number}; ${by} said that ${hash} is final`)
        }
    this.check()
    return lowest
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('the watch ends'))
    await this.#running
  }

  async #follow(node: WatchedNode): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      // A node that was killed while it was asked gives no answer: nothing to note.
      if (node.answers) await this.ask(node).catch(() => undefined)
      await delay(POLL_MS, { signal }).catch(() => undefined)
    }
  }

  #note(node: WatchedNode, final: FinalBlock, asked: number): void {
    const seen = this.#seen.get(final.number)
    if (seen && seen.hash !== final.hash)
      this.fault ??= new Error(
        `two final blocks ${final.number}: ${seen.hash} of ${seen.by}, ${final.hash} of ${node.name}`,
      )
    const last = this.#last.get(node.name)
    if (last && asked > last.answered && final.number < last.number)
      this.fault ??= new Error(`${node.name} went back from final block ${last.number} to ${final.number}`)
    if (!seen) this.#seen.set(final.number, { hash: final.hash, by: node.name })
    this.#last.set(node.name, { ...final, answered: ++this.#events })
  }
}

async function blockOf(node: WatchedNode, tag: string): Promise<FinalBlock> {
  const block = await jsonRpc<{ number: Hex; hash: Hex } | null>(node.rpcUrl, 'eth_getBlockByNumber', [tag, false])
  if (!block) throw new Error(`${node.name} has no block ${tag}`)
  return { number: Number(block.number), hash: block.hash }
}
