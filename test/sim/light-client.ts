import type { Hash32 } from '@hawser/primitives'
import {
  encodeJustification,
  verifyFinalBlock,
  verifyHandovers,
  type HandoverProof,
  type LightState,
} from '@hawser/consensus/verify'
import { Violation } from './checks.ts'
import { checkCommit, type Commit } from './cores.ts'
import type { Simulation } from './simulation.ts'
import type { SimBlock, World } from './world.ts'

/** Follows the sets from genesis by the justifications that were made, and compares what it then believes (S5). */
export function checkLightClient(sim: Simulation): void {
  const { checks, world, config } = sim
  if (config.crypto === 'real') return checkWithProofs(sim)
  let { after: set } = world.genesis
  for (let number = 1n; number <= checks.tip.number; number++) {
    const commit = checks.commitOf(number)
    if (commit === undefined) continue
    const block = world.get(commit.target.hash)
    const end = number % BigInt(config.epochBlocks) === 0n
    // Only what it needs: the ends of epochs and the last of all.
    if (!end && number !== checks.tip.number) continue
    const checked = checkCommit(commit, set, world.header, sim.keys.verifier(set))
    if (!checked.ok) throw new Violation('S5', `a light client refuses block ${number}: ${checked.error}`)
    if (end) set = block.after
  }
}

/** The same with the bytes that a light client gets, and with its own code. */
function checkWithProofs({ checks, world, config, network, keys }: Simulation): void {
  const { genesis } = world
  let state: LightState = {
    network,
    epochBlocks: BigInt(config.epochBlocks),
    voters: genesis.after,
    base: { number: 0n, hash: genesis.hash },
  }
  const recover = (digest: Uint8Array, signature: Uint8Array) => keys.recover(digest, signature)
  for (let number = 1n; number <= checks.tip.number; number++) {
    const commit = checks.commitOf(number)
    if (commit === undefined) continue
    const block = world.get(commit.target.hash)
    if (block.after.setId !== state.voters.setId) {
      const next = verifyHandovers(state, [handoverOf(world, block, commit)], recover)
      if (!next.ok) throw new Violation('S5', `the handover on block ${number}: ${next.error.fault}`)
      state = next.value
    } else {
      const proof = { justification: justificationOf(world, commit), headers: [block.header.serialize()] }
      const final = verifyFinalBlock(state, proof, recover)
      if (!final.ok) throw new Violation('S5', `block ${number}: ${final.error}`)
    }
  }
}

function handoverOf(world: World, block: SimBlock, commit: Commit): HandoverProof {
  const { account, storage } = block.proof as NonNullable<SimBlock['proof']>
  return {
    justification: justificationOf(world, commit),
    header: block.header.serialize(),
    accountProof: [account],
    storageProof: [storage],
    setId: block.after.setId,
    voters: block.after.voters,
  }
}

/** As the production shell makes it: exactly the headers above the target that the votes go through. */
function justificationOf(world: World, commit: Commit): Uint8Array {
  const needed = new Set<Hash32>()
  const counts = new Map<number, number>()
  for (const { voter } of commit.precommits) counts.set(voter, (counts.get(voter) ?? 0) + 1)
  for (const { voter, target } of commit.precommits) {
    if (counts.get(voter) !== 1) continue
    let at = world.get((commit.targets[target] as { hash: Hash32 }).hash)
    for (; at.number > commit.target.number; at = world.get(at.parentHash)) needed.add(at.hash)
  }
  return encodeJustification({ commit, ancestry: [...needed].map((hash) => world.get(hash).header.serialize()) })
}
