import { followerOf, reached, sourceChain, SyncWorld } from './p2p/sync-world.ts'
const N = Number(process.argv[2]), E = Number(process.argv[3])
const source = await sourceChain(N, E)
const w = new SyncWorld()
const a = await w.transport('a', source), b = await w.transport('b', source)
w.sync(source, a); w.sync(source, b)
const chain = await followerOf(source)
const t = await w.transport('n', chain, [...a.addresses(), ...b.addresses()])
const done = reached(chain, BigInt(N))
const t0 = performance.now(); const c0 = process.cpuUsage()
w.sync(chain, t)
await done
const ms = performance.now() - t0
console.log(`${N} blocks, justified every ${E}: ${(N/ms*1000).toFixed(0)}/s, final ${chain.store.pointers().finalized.number}, cpu ${process.cpuUsage(c0).user/1000}`)
await w.stop(); source.dispose(); chain.dispose(); process.exit(0)
