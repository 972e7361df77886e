import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  BlockImporter,
  BlockTree,
  blockHash,
  blockRef,
  createCommon,
  slotOf,
  StoredChain,
  ValidatorSets,
  type BlockRef,
  type SealedBlock,
  type Signer,
} from '@hawser/chain'
import { AuraConsensus } from '@hawser/consensus'
import { encodeJustification, sealDigest, voteDigest } from '@hawser/consensus/verify'
import { HawserEngine } from '@hawser/execution'
import { buildGenesis, devnetSpec } from '@hawser/genesis'
import { devValidatorKeys, validatorSpecOf } from '@hawser/node'
import { toHex, silentLogger, ZERO_HASH, type Address, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { claimDatabase, LevelStore } from '@hawser/storage'

const VALIDATORS = 4
/** As the public presets have it (protocol.md, section 3). */
const EPOCH_BLOCKS = 1_200
/** Of old justifications a node keeps one in so many blocks, and those of the epochs' ends. */
const JUSTIFIED_EVERY = 256

/** Writes a data folder with a chain of so many empty blocks, one for each slot of a second up to now, as a node would have it. */
export async function writeLongChain(folder: string, blocks: number): Promise<{ readonly specFile: string }> {
  const keys = Array.from({ length: VALIDATORS }, (_, i) => devValidatorKeys(i))
  const genesisTime = Math.floor(Date.now() / 1000) - blocks - 1
  const devnet = devnetSpec({ genesisTime, validators: keys.map(validatorSpecOf) })
  const spec = { ...devnet, epochBlocks: EPOCH_BLOCKS }
  mkdirSync(folder, { recursive: true })
  const specFile = join(folder, 'chain-spec.json')
  writeFileSync(specFile, JSON.stringify(spec))

  const common = createCommon(spec.chainId)
  const genesis = await buildGenesis(spec, common)
  const network = { chainId: BigInt(spec.chainId), genesisHash: genesis.hash }
  const db = await LevelStore.open(join(folder, 'chain'))
  await claimDatabase(db, genesis.hash, folder)
  const store = await StoredChain.open(db, common, genesis)
  const headerOf = (hash: Hash32) => store.header(hash)
  const sets: ValidatorSets = new ValidatorSets((hash) =>
    engine.stateAt((store.block(hash) as SealedBlock).block.header),
  )
  const aura = new AuraConsensus({
    chainId: network.chainId,
    slotSeconds: spec.slotSeconds,
    authorities: (parent) => sets.after(parent.hash).sessions,
  })
  let nowMs = genesisTime * 1000
  const clock = { nowMs: () => nowMs, after: () => () => undefined }
  const onFatal = (reason: string) => {
    throw new Error(reason)
  }
  const parts = { spec, common, clock, logger: silentLogger, onFatal }
  const engine: HawserEngine = new HawserEngine({
    ...parts,
    store: db,
    headerOf,
    author: (slot, parent) => aura.author(slot, { number: parent.number, hash: blockHash(parent) }),
    sessionKeys: (parent) => sets.after(blockHash(parent)).sessions,
  })
  const tree = new BlockTree(
    { number: 0n, hash: genesis.hash, parent: ZERO_HASH, slot: slotOf(spec, BigInt(genesisTime)) },
    (hash) => headerOf(hash)?.serialize(),
  )
  const importer = new BlockImporter({ ...parts, store, tree, engine, consensus: aura })
  const secrets = new Map(
    keys.map(({ session }) => [publicKeyToAddress(secp256k1.publicKey(session, false)) as Address, session] as const),
  )
  const justify = ({ number, hash }: BlockRef): Uint8Array => {
    const precommits = [...secrets]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, secret], voter) => {
        const digest = voteDigest(network, { setId: 0n, round: number, kind: 'precommit', number, hash })
        return { target: 0, voter, signature: secp256k1.sign(digest, secret) }
      })
    const target = { number, hash }
    return encodeJustification({
      commit: { setId: 0n, round: number, target, targets: [target], precommits },
      ancestry: [],
    })
  }

  let head: SealedBlock = genesis.sealed
  for (let i = 1; i <= blocks; i++) {
    const parent = head.block.header
    const slot = slotOf(spec, parent.timestamp) + 1n
    const author = aura.author(slot, blockRef(head.block))
    nowMs = Number(slot) * spec.slotSeconds * 1000
    const plan = { slot, author, inherents: [], transactions: [], deadlineMs: Infinity, sign: {} as Signer }
    const { block, executed } = await engine.build(parent, plan)
    const digest = sealDigest(network.chainId, toHex(block.hash()) as Hash32)
    head = { block, seal: secp256k1.sign(digest, secrets.get(author) as Uint8Array) }
    await importer.import(head, 'own', executed)
    if (i % JUSTIFIED_EVERY === 0 || i % EPOCH_BLOCKS === 0 || i === blocks)
      await importer.finalize(blockRef(block), justify(blockRef(block)))
  }
  await importer.stop()
  await db.close()
  return { specFile }
}
