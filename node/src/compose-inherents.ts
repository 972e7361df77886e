import { inherentRank, type BlockRef, type Cancellable, type InherentCall, type Inherents } from '@hawser/chain'

/** Several rooms' inherents as one list, in the order of protocol.md, section 2; those of one function keep their own. */
export function composeInherents(sources: readonly Inherents[]): Inherents {
  return {
    async inherents(parent: BlockRef, options?: Cancellable): Promise<readonly InherentCall[]> {
      const lists = await Promise.all(sources.map((source) => source.inherents(parent, options)))
      return lists.flat().toSorted((a, b) => inherentRank(a.to, a.data) - inherentRank(b.to, b.data))
    },
  }
}
