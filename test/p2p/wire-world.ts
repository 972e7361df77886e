import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedChain, serveEmbeddedRpc, type EmbeddedRpcServer } from '@hawser/bitcoin/embedded'
import type { PeerId } from '@hawser/chain'
import { createNode, devValidatorKeys, writeKeyFile, type HawserNode } from '@hawser/node'
import { BAN_SCORE, Libp2pTransport, type TransportParts } from '@hawser/p2p'
import { keccak256, silentLogger, systemClock, utf8, type Clock } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { GENESIS_TIME, TEST_SPEC } from '../kit/index.ts'

/** Some minutes after genesis, whatever the real time is. */
const START_MS = Date.now()
export const chainClock: Clock = {
  nowMs: () => (GENESIS_TIME + 600) * 1000 + Date.now() - START_MS,
  after: (delayMs, callback) => systemClock.after(delayMs, callback),
}

/** A whole node as it runs, which makes no blocks and signs no votes but has a share of the custody key; others play its peers. */
export class WireWorld {
  readonly node: HawserNode
  readonly transport: Libp2pTransport
  readonly #reports: readonly { readonly peer: PeerId; readonly delta: number }[]
  readonly #folder: string
  readonly #bitcoin: EmbeddedRpcServer
  #peers: Libp2pTransport[] = []
  #made = 0

  private constructor(
    node: HawserNode,
    transport: Libp2pTransport,
    reports: readonly { readonly peer: PeerId; readonly delta: number }[],
    folder: string,
    bitcoin: EmbeddedRpcServer,
  ) {
    this.node = node
    this.transport = transport
    this.#reports = reports
    this.#folder = folder
    this.#bitcoin = bitcoin
  }

  static async start(): Promise<WireWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'hawser-wire-'))
    const cookieFile = join(folder, 'cookie')
    const bitcoin = await serveEmbeddedRpc(new EmbeddedChain({}), { cookieFile })
    const file = (name: string) => join(folder, name)
    writeFileSync(file('spec.json'), JSON.stringify(TEST_SPEC))
    const keys = devValidatorKeys(0)
    writeKeyFile(file('node.key'), keys.node)
    writeKeyFile(file('bitcoin.key'), keys.bitcoin)
    const reports: { peer: PeerId; delta: number }[] = []
    let transport: Libp2pTransport | undefined
    const node = await createNode({
      config: {
        chainSpec: file('spec.json'),
        dataDir: folder,
        keys: { node: file('node.key'), bitcoin: file('bitcoin.key') },
        p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootnodes: [] },
        rpc: null,
        bitcoin: { url: bitcoin.url, cookieFile },
        log: { level: 'silent' },
      },
      logger: silentLogger,
      clock: chainClock,
      onFatal: (reason) => {
        throw new Error(reason)
      },
      makes: {
        openStore: async () => new MemoryStore(),
        startTransport: async (parts: TransportParts) => {
          transport = await Libp2pTransport.start(parts)
          const report = transport.report.bind(transport)
          transport.report = (peer, delta, reason) => {
            reports.push({ peer, delta })
            report(peer, delta, reason)
          }
          return transport
        },
      },
    })
    return new WireWorld(node, transport as Libp2pTransport, reports, folder, bitcoin)
  }

  /** A peer on the node's chain that the node has shaken hands with, and that sends what it is told to. */
  async peer(): Promise<Libp2pTransport> {
    const { genesisHash } = this.node
    const peer = await Libp2pTransport.start({
      chainId: BigInt(TEST_SPEC.chainId),
      genesisHash,
      nodeKey: keccak256(utf8(`peer ${this.#made++}`)),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootnodes: this.node.addresses,
      status: () => ({
        head: { number: 0n, hash: genesisHash },
        finalized: { number: 0n, hash: genesisHash },
        first: 1n,
      }),
      clock: chainClock,
      logger: silentLogger,
    })
    this.#peers.push(peer)
    await new Promise<void>((resolve) => this.transport.onPeer((id) => id === peer.self && resolve()))
    await new Promise<void>((resolve) => peer.onPeer((id) => id === this.transport.self && resolve()))
    return peer
  }

  /** What a peer's doings cost it, one after the other, up to its ban. */
  costs(peer: Libp2pTransport): number[] {
    const costs: number[] = []
    let left = -BAN_SCORE
    for (const { delta } of this.#reports.filter((one) => one.peer === peer.self)) {
      if (left <= 0) break
      costs.push(delta)
      left += delta
    }
    return costs
  }

  async leave(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peer) => peer.stop()))
  }

  async stop(): Promise<void> {
    await this.leave()
    await this.node.stop()
    await this.#bitcoin.close()
    rmSync(this.#folder, { recursive: true })
  }
}
