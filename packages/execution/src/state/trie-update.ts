import { newLink, nibblesOf, prefixed, type Branch, type Link, type NodePointer, type TrieNode } from './trie-node.ts'
import { loadNode, packNibbles, type NodeSource } from './trie.ts'

/** One change of a trie, at a 32-byte key. */
export interface TrieItem {
  readonly key: Uint8Array
  /** undefined deletes. */
  readonly value: Uint8Array | undefined
  /** In the trie of accounts: the root of the account's storage trie. */
  readonly storage?: Link
}

/**
 * Updates tries in one pass over sorted changes: every node on the way is read once, and nothing is hashed before the end. The old
 * trie stays as it is; stored nodes that the new one does not have are listed in `deaths`.
 */
export class TrieUpdate {
  readonly deaths: NodePointer[] = []
  readonly #source: NodeSource

  constructor(source: NodeSource) {
    this.#source = source
  }

  /** The root after the changes, which must be sorted by key without duplicates; undefined when the trie is empty. */
  update(root: Link | undefined, items: readonly TrieItem[]): Link | undefined {
    if (items.length === 0) return root
    return root ? this.#update(root, items, 0) : build(items, 0)
  }

  #update(link: Link, items: readonly TrieItem[], depth: number): Link | undefined {
    const node = loadNode(this.#source, link)
    let changed: Link | undefined
    switch (node.kind) {
      case 'leaf': {
        // As one more item, unless the changes have its key.
        const key = keyBelow(items, depth, node.path)
        const at = items.findIndex((item) => compareKeys(item.key, key) >= 0)
        const same = at === -1 ? undefined : (items[at] as TrieItem)
        const old = { key, value: node.value, storage: node.storage }
        if (same && compareKeys(same.key, key) === 0) {
          if (items.length === 1 && same.value && isSameLeaf(same, old)) return link
          changed = build(items, depth)
        } else {
          const all = [...items]
          all.splice(at === -1 ? items.length : at, 0, old)
          changed = build(all, depth)
          if (changed?.node?.kind === 'leaf') return link
        }
        break
      }
      case 'extension': {
        // They are sorted: if the first and the last follow the path, so do all.
        const [first, last] = [items[0] as TrieItem, items[items.length - 1] as TrieItem]
        const fork = Math.min(divergence(first, node.path, depth), divergence(last, node.path, depth))
        if (fork === node.path.length) {
          const child = this.#update(node.child, items, depth + fork)
          if (child === node.child) return link
          changed = child && newLink(prefixed(node.path, loadNode(this.#source, child), child))
        } else {
          const children = new Array<Link | undefined>(16).fill(undefined)
          const rest = node.path.subarray(fork + 1)
          children[node.path[fork] ?? 0] =
            rest.length === 0 ? node.child : newLink({ kind: 'extension', path: rest, child: node.child })
          const below = this.#updateBranch({ kind: 'branch', children }, items, depth + fork)
          // Deletions of what is not there leave the branch that was made for them with its one child.
          if (below && this.#isUnchanged(below, node.path.subarray(fork), node.child)) return link
          changed = below && newLink(prefixed(node.path.subarray(0, fork), below, newLink(below)))
        }
        break
      }
      case 'branch': {
        const branch = this.#updateBranch(node, items, depth)
        if (branch === node) return link
        changed = branch && newLink(branch)
      }
    }
    if (link.pointer !== 0) this.deaths.push(link.pointer)
    return changed
  }

  /** The node that stands where the branch stood; the same one when nothing changed. */
  #updateBranch(branch: Branch, items: readonly TrieItem[], depth: number): TrieNode | undefined {
    let children: (Link | undefined)[] | undefined
    for (let start = 0; start < items.length;) {
      const nibble = nibbleAt((items[start] as TrieItem).key, depth)
      let end = start + 1
      while (end < items.length && nibbleAt((items[end] as TrieItem).key, depth) === nibble) end++
      const group = items.slice(start, end)
      const child = branch.children[nibble]
      const changed = child ? this.#update(child, group, depth + 1) : build(group, depth + 1)
      if (changed !== child) (children ??= [...branch.children])[nibble] = changed
      start = end
    }
    let only = -1
    for (let i = 0; i < 16; i++) {
      if (!(children ?? branch.children)[i]) continue
      if (only !== -1) return children ? { kind: 'branch', children } : branch
      only = i
    }
    if (only === -1) return undefined
    const link = (children ?? branch.children)[only] as Link
    const node = loadNode(this.#source, link)
    // A branch keeps its place below the new extension; a leaf or an extension becomes part of a new node.
    if (node.kind !== 'branch' && link.pointer !== 0) this.deaths.push(link.pointer)
    return prefixed(Uint8Array.of(only), node, link)
  }

  #isUnchanged(node: TrieNode, path: Uint8Array, child: Link): boolean {
    return node.kind === 'extension' && node.child === child && node.path.length === path.length
  }
}

/** The trie of items that share their first `depth` nibbles; deletions are passed over. */
function build(all: readonly TrieItem[], depth: number): Link | undefined {
  const items = all.filter((item) => item.value !== undefined)
  return items.length === 0 ? undefined : buildRange(items, 0, items.length, depth)
}

/** The trie below `depth` nibbles that items[from, to) share; they are sorted, and none deletes. */
export function buildRange(items: readonly TrieItem[], from: number, to: number, depth: number): Link {
  const first = items[from] as TrieItem
  if (to - from === 1)
    return newLink({
      kind: 'leaf',
      path: nibblesOf(first.key).subarray(depth),
      value: first.value as Uint8Array,
      storage: first.storage,
    })
  const last = items[to - 1] as TrieItem
  let fork = depth
  while (nibbleAt(first.key, fork) === nibbleAt(last.key, fork)) fork++
  const children = new Array<Link | undefined>(16).fill(undefined)
  for (let start = from; start < to;) {
    const nibble = nibbleAt((items[start] as TrieItem).key, fork)
    let end = start + 1
    while (end < to && nibbleAt((items[end] as TrieItem).key, fork) === nibble) end++
    children[nibble] = buildRange(items, start, end, fork + 1)
    start = end
  }
  const branch = newLink({ kind: 'branch', children })
  if (fork === depth) return branch
  return newLink({ kind: 'extension', path: nibblesOf(first.key).subarray(depth, fork), child: branch })
}

function nibbleAt(key: Uint8Array, index: number): number {
  const byte = key[index >> 1] ?? 0
  return index & 1 ? byte & 15 : byte >> 4
}

/** How many nibbles of an extension's path an item's key follows. */
function divergence(item: TrieItem, path: Uint8Array, depth: number): number {
  let i = 0
  while (i < path.length && path[i] === nibbleAt(item.key, depth + i)) i++
  return i
}

/** The whole key of a leaf: what it shares with the items that reach it, then its path. */
function keyBelow(items: readonly TrieItem[], depth: number, path: Uint8Array): Uint8Array {
  const nibbles = nibblesOf((items[0] as TrieItem).key)
  nibbles.set(path, depth)
  return packNibbles(nibbles)
}

function compareKeys(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function isSameLeaf(item: TrieItem, leaf: TrieItem): boolean {
  const [a, b] = [item.value as Uint8Array, leaf.value as Uint8Array]
  return a.length === b.length && compareKeys(a, b) === 0 && item.storage?.pointer === leaf.storage?.pointer
}
