import { BlockImporter, BlockTree, blockHash, blockRef, createCommon, sessionAddresses, StoredChain, encodeSealedBlock, decodeSealedBlock } from '@hawser/chain'
import { AuraConsensus } from '@hawser/consensus'
import { HawserEngine } from '@hawser/execution'
import { buildGenesis, genesisAccounts } from '@hawser/genesis'
import { silentLogger, ZERO_HASH, systemClock, type Hash32 } from '@hawser/primitives'
import { LevelStore } from '@hawser/storage'
import { readFileSync, writeFileSync, existsSync, rmSync } from 'node:fs'
import { TestChain, TEST_SPEC, GENESIS_TIME } from './kit/index.ts'

const N = Number(process.argv[2] ?? 2000)
const EVERY = Number(process.argv[3] ?? 16)
const file = '/tmp/prof/blocks.json'
if (!existsSync(file)) {
  const a = await TestChain.create([])
  const out: string[] = []
  const t0 = performance.now()
  for (let i = 0; i < 6000; i++) {
    const b = await a.mine()
    out.push(Buffer.from(encodeSealedBlock(b.sealed)).toString('base64'))
    if (i % 16 === 15) await a.importer.finalize(blockRef(b.block), new Uint8Array(10))
  }
  console.log('built', performance.now() - t0)
  writeFileSync(file, JSON.stringify(out))
  a.dispose()
}
const raws = (JSON.parse(readFileSync(file, 'utf8')) as string[]).slice(0, N).map((s) => new Uint8Array(Buffer.from(s, 'base64')))
const common = createCommon(TEST_SPEC.chainId)
const genesis = await buildGenesis(TEST_SPEC, common, genesisAccounts(TEST_SPEC))
rmSync('/tmp/prof/db', { recursive: true, force: true })
const db = await LevelStore.open('/tmp/prof/db')
const store = await StoredChain.open(db, common, genesis)
const headerOf = (hash: Hash32) => store.block(hash)?.block.header
const tree = new BlockTree({ number: 0n, hash: genesis.hash, parent: ZERO_HASH, slot: BigInt(GENESIS_TIME) }, (h) => headerOf(h)?.serialize())
const consensus = new AuraConsensus({ chainId: BigInt(TEST_SPEC.chainId), slotSeconds: TEST_SPEC.slotSeconds, authorities: () => sessionAddresses(TEST_SPEC) })
const clock = { ...systemClock, nowMs: () => (GENESIS_TIME + 1e6) * 1000 }
const parts = { spec: TEST_SPEC, common, clock, logger: silentLogger, onFatal: (r: string) => { throw new Error(r) } }
const engine = new HawserEngine({ ...parts, store: db, headerOf, history: 90000, author: (slot, parent) => consensus.author(slot, { number: parent.number, hash: blockHash(parent) }) })
const importer = new BlockImporter({ ...parts, store, tree, engine, consensus })
let td = 0
const t0 = performance.now()
let i = 0
for (const raw of raws) {
  const s = performance.now()
  const sealed = decodeSealedBlock(raw, common)
  td += performance.now() - s
  await importer.import(sealed, 'sync')
  if (++i % EVERY === 0) await importer.finalize(blockRef(sealed.block), new Uint8Array(600))
}
const t = performance.now() - t0
console.log(`${N} blocks, finalised every ${EVERY}: ${(N / t * 1000).toFixed(0)} blocks/s, decode ${(td / t * 100).toFixed(1)}%`)
await importer.stop()
await db.close()
