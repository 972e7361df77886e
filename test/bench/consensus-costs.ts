import { encodeJustification, verifyJustification, voteDigest, VoterSet } from '@hawser/consensus/verify'
import type { Devnet } from '@hawser/node'
import { delay, keccak256, toHex, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, recoverAddress, secp256k1 } from '@hawser/primitives/node'

const VOTERS = 100
const RUNS = 50
const WATCH_MS = 30_000

/** Milliseconds to verify a justification of 100 validators, with the native library: the median of some runs. */
export function measureCommit(): number {
  const network = { chainId: 18443n, genesisHash: toHex(keccak256(uintBE(1, 32))) as Hash32 }
  const keys = Array.from({ length: VOTERS }, (_, i) => keccak256(uintBE(1_000 + i, 32)))
  const voters = keys
    .map((key) => ({ key, id: publicKeyToAddress(secp256k1.publicKey(key, false)) as Address }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const set = new VoterSet(
    3n,
    voters.map(({ id }) => ({ id, weight: 1 })),
  )
  const target = { number: 77n, hash: toHex(keccak256(uintBE(2, 32))) as Hash32 }
  const digest = voteDigest(network, { setId: 3n, round: 9n, kind: 'precommit', ...target })
  // As many as a commit needs: 67 of 100.
  const precommits = voters
    .slice(0, set.threshold)
    .map(({ key }, voter) => ({ target: 0, voter, signature: secp256k1.sign(digest, key) }))
  const commit = { setId: 3n, round: 9n, target, targets: [target], precommits }
  const justification = encodeJustification({ commit, ancestry: [] })
  const times: number[] = []
  for (let i = 0; i < RUNS; i++) {
    const began = performance.now()
    const result = verifyJustification({ justification, voters: set, network, block: target, recover: recoverAddress })
    times.push(performance.now() - began)
    if (!result.ok) throw new Error(`the commit is refused: ${result.error}`)
  }
  return times.sort((a, b) => a - b)[RUNS >> 1] as number
}

/** What a quiet block costs one node of a devnet, by its own metrics. */
export interface BlockCost {
  readonly cpuMs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** The mean over half a minute of a validator's processor time and message bytes for each block. */
export async function measureBlockCost(devnet: Devnet): Promise<BlockCost> {
  const validator = devnet.validators[0]
  if (!validator) throw new Error('the devnet has validators')
  const read = async () => {
    const text = await (await fetch(`${validator.monitorUrl}/metrics`)).text()
    const sum = (pattern: RegExp) => [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0)
    return {
      head: sum(/^hawser_head_number (\S+)$/gm),
      cpu: sum(/^process_cpu_seconds_total (\S+)/gm),
      in: sum(/^hawser_message_bytes_total\{direction="in"[^}]*\} (\S+)$/gm),
      out: sum(/^hawser_message_bytes_total\{direction="out"[^}]*\} (\S+)$/gm),
    }
  }
  const before = await read()
  await delay(WATCH_MS)
  const after = await read()
  const blocks = after.head - before.head
  return {
    cpuMs: ((after.cpu - before.cpu) * 1000) / blocks,
    bytesIn: (after.in - before.in) / blocks,
    bytesOut: (after.out - before.out) / blocks,
  }
}
