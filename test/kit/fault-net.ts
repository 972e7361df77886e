import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedChain, serveEmbeddedRpc } from '@hawser/bitcoin/embedded'
import { devnetSpec } from '@hawser/genesis'
import { devValidatorKeys, validatorSpecOf, ValidatorProcess, writeKeyFile, type NodeConfig } from '@hawser/node'
import { peerIdOf } from '@hawser/p2p'
import { concatBytes, keccak256, messageOf, utf8, type Address } from '@hawser/primitives'
import { bundledProgram, eventually, ROOT } from './devnet.ts'
import { FinalityWatch, type WatchedNode } from './finality-watch.ts'
import { LinkProxy, type LinkMode } from './link-proxy.ts'

export const SLOT_MS = 1_000
/** T: a third of the slot. */
export const GOSSIP_MS = SLOT_MS / 3
/** Finality is back so soon after everything is well again: 10 T and a slot. */
export const LIVENESS_MS = 10 * GOSSIP_MS + SLOT_MS
/** Everything of the suite, with the strict bound; the short form shares its cores with other tests. */
export const LONG = process.env['HAWSER_LONG'] === '1'
const BOUND_MS = LONG ? LIVENESS_MS : 3 * LIVENESS_MS
/** How long finality is waited for before it is called lost. */
const GIVE_UP_MS = 60_000
/** Below the ports that the system gives to outgoing connections: a node that is away finds its own free again. */
const FIRST_PORT = 15_000
const PORTS = 15_000

export interface FaultNetOptions {
  readonly validators: number
  readonly epochBlocks?: number
  /** Nodes that run test/kit/faulty-node.ts from the beginning, with these faults. */
  readonly faulty?: Readonly<Record<number, NodeFault>>
}

/** What test/kit/faulty-node.ts is told: which fault, and how much of it (milliseconds, or a seed). */
export interface NodeFault {
  readonly name: 'skewed-clock' | 'slow-disk' | 'equivocate' | 'withhold' | 'lie-in-sync' | 'spam'
  readonly amount?: number
}

/** Faults of machines: their nodes keep the rules all the same. */
const HONEST_FAULTS: readonly NodeFault['name'][] = ['skewed-clock', 'slow-disk']

/** How a node starts. */
export interface StartOptions {
  /** Listens for its own key before it signs, as a node does whose operator does not vouch for it. */
  readonly listens?: boolean
  /** Runs test/kit/faulty-node.ts instead of the bundle. */
  readonly fault?: NodeFault
}

/** One validator of the net: its folder, where it is reached, and its process. */
export class FaultNode implements WatchedNode {
  readonly index: number
  readonly name: string
  readonly folder: string
  readonly rpcPort: number
  readonly session: Address
  process: ValidatorProcess | undefined
  paused = false
  /** Whether its word counts: not that of a Byzantine one. */
  honest = true

  constructor(index: number, folder: string, rpcPort: number) {
    this.index = index
    this.name = `validator ${index}`
    this.folder = folder
    this.rpcPort = rpcPort
    this.session = validatorSpecOf(devValidatorKeys(index)).session as Address
  }

  get rpcUrl(): string {
    return `http://127.0.0.1:${this.rpcPort}`
  }

  get running(): boolean {
    return this.process?.running ?? false
  }

  get answers(): boolean {
    return this.running && this.honest && !this.paused
  }

  /** What its processes have logged so far. */
  log(): string {
    return readFileSync(join(this.folder, 'node.log'), 'utf8')
  }

  /** A counter or gauge of /metrics: the sum over its labels. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`${this.process?.monitorUrl}/metrics`)
    const lines = (await response.text()).split('\n').filter((line) => new RegExp(`^${name}[ {]`).test(line))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
}

/**
 * Validators as processes of the bundle on one embedded Bitcoin, each reaching each other through a link of its own that the
 * test can break. Nodes announce an address where nobody listens: nothing but the links of its configuration leads to another.
 */
export class FaultNet {
  readonly nodes: readonly FaultNode[]
  readonly watch: FinalityWatch
  readonly #folder: string
  readonly #links: ReadonlyMap<string, LinkProxy>
  readonly #stops: readonly (() => Promise<void>)[]
  readonly #program: string
  readonly #deaths: string[] = []

  private constructor(
    nodes: readonly FaultNode[],
    parts: {
      folder: string
      links: ReadonlyMap<string, LinkProxy>
      stops: readonly (() => Promise<void>)[]
      program: string
    },
  ) {
    this.nodes = nodes
    this.#folder = parts.folder
    this.#links = parts.links
    this.#stops = parts.stops
    this.#program = parts.program
    this.watch = new FinalityWatch(nodes)
  }

  /** Starts everything and returns when every honest node has a final block. */
  static async start({ validators, epochBlocks = 20, faulty = {} }: FaultNetOptions): Promise<FaultNet> {
    const program = await bundledProgram()
    const folder = mkdtempSync(join(tmpdir(), 'hawser-faults-'))
    const l1 = await serveEmbeddedRpc(new EmbeddedChain({}), { cookieFile: join(folder, '.cookie') })
    const ports = await freePorts(2 * validators + 1)
    const [nowhere] = ports as [number]
    const [p2pPorts, rpcPorts] = [ports.slice(1, validators + 1), ports.slice(validators + 1)]
    const links = new Map<string, LinkProxy>()
    for (const from of p2pPorts.keys())
      for (const [to, port] of p2pPorts.entries()) if (from !== to) links.set(`${from}>${to}`, await LinkProxy.to(port))
    const keys = p2pPorts.map((_, index) => devValidatorKeys(index))
    const spec = devnetSpec({ genesisTime: Math.floor(Date.now() / 1000), validators: keys.map(validatorSpecOf) })
    writeFileSync(join(folder, 'chain-spec.json'), JSON.stringify({ ...spec, epochBlocks }))
    const nodes = rpcPorts.map((port, index) => new FaultNode(index, join(folder, String(index)), port))
    for (const { index, folder: own, rpcPort } of nodes) {
      const { node, session, bitcoin } = keys[index] as ReturnType<typeof devValidatorKeys>
      mkdirSync(own, { recursive: true })
      for (const [name, key] of Object.entries({ node, session, bitcoin }))
        writeKeyFile(join(own, 'keys', `${name}.json`), key)
      const bootnodes = keys.flatMap((other, to) => {
        const link = links.get(`${index}>${to}`)
        return link ? [`/ip4/127.0.0.1/tcp/${link.port}/p2p/${peerIdOf(other.node)}`] : []
      })
      const config: NodeConfig = {
        chainSpec: '../chain-spec.json',
        dataDir: 'data',
        keys: { node: 'keys/node.json', session: 'keys/session.json', bitcoin: 'keys/bitcoin.json' },
        p2p: {
          listen: [`/ip4/127.0.0.1/tcp/${p2pPorts[index]}`],
          announce: [`/ip4/127.0.0.1/tcp/${nowhere}`],
          bootnodes,
        },
        rpc: { host: '127.0.0.1', port: rpcPort },
        metrics: { host: '127.0.0.1', port: 0 },
        bitcoin: { url: l1.url, cookieFile: join(folder, '.cookie') },
        log: { level: process.env['HAWSER_LOG'] === 'debug' ? 'debug' : 'info' },
      }
      writeFileSync(join(own, 'config.json'), JSON.stringify(config, null, 2))
    }
    const stops = [() => l1.close(), ...[...links.values()].map((link) => () => link.stop())]
    const net = new FaultNet(nodes, { folder, links, stops, program })
    try {
      await Promise.all(
        nodes.map(({ index }) => {
          const fault = faulty[index]
          return net.begin(index, fault ? { fault } : {})
        }),
      )
      await net.finality('the start')
      return net
    } catch (error) {
      await net.stop()
      throw error
    }
  }

  node(index: number): FaultNode {
    return this.nodes[index] as FaultNode
  }

  get honest(): readonly FaultNode[] {
    return this.nodes.filter(({ honest }) => honest)
  }

  /** Starts a validator's process; its guard may be fresh, since nothing else has its key. */
  async begin(index: number, { listens = false, fault }: StartOptions = {}): Promise<void> {
    const node = this.node(index)
    node.honest = fault === undefined || HONEST_FAULTS.includes(fault.name)
    mkdirSync(join(node.folder, 'data'), { recursive: true })
    node.process = await ValidatorProcess.start({
      name: node.name,
      program: fault ? join(ROOT, 'test', 'kit', 'faulty-node.ts') : this.#program,
      execArgv: fault ? ['--conditions=@hawser/source', '--import', 'tsx'] : [],
      args: [
        ...(fault ? ['--fault', fault.name, `--amount=${fault.amount ?? 0}`] : ['node']),
        '--config',
        join(node.folder, 'config.json'),
        '--allow-fresh-guard',
        ...(listens ? [] : ['--i-am-only']),
      ],
      logFile: join(node.folder, 'node.log'),
      onDeath: (why) => node.honest && this.#deaths.push(why),
    })
  }

  /** SIGKILL. */
  async kill(...indices: readonly number[]): Promise<void> {
    await Promise.all(
      indices.map(async (index) => {
        await this.node(index).process?.kill()
        this.node(index).paused = false
      }),
    )
  }

  pause(index: number): void {
    process.kill(this.node(index).process?.pid as number, 'SIGSTOP')
    this.node(index).paused = true
  }

  resume(index: number): void {
    process.kill(this.node(index).process?.pid as number, 'SIGCONT')
    this.node(index).paused = false
  }

  /** Empties the disk of a validator that does not run. */
  wipe(index: number, { keepGuard }: { readonly keepGuard: boolean }): void {
    const node = this.node(index)
    const data = join(node.folder, 'data')
    const guard = keepGuard ? readFileSync(join(data, 'signer-guard.json')) : undefined
    rmSync(data, { recursive: true, force: true })
    mkdirSync(data, { recursive: true })
    if (guard) writeFileSync(join(data, 'signer-guard.json'), guard)
    this.watch.forget(node)
  }

  /** A libp2p identity that nobody knows yet: bans are for the one before. */
  renewIdentity(index: number, name: string): string {
    const key = keccak256(concatBytes(utf8(name), devValidatorKeys(index).node))
    rmSync(join(this.node(index).folder, 'keys', 'node.json'))
    writeKeyFile(join(this.node(index).folder, 'keys', 'node.json'), key)
    return peerIdOf(key)
  }

  /** Breaks every link between nodes of different groups, both ways. */
  partition(groups: readonly (readonly number[])[], mode: Exclude<LinkMode, 'open'>): void {
    const groupOf = (index: number) => groups.findIndex((group) => group.includes(index))
    for (const [name, link] of this.#links) {
      const [from, to] = name.split('>').map(Number) as [number, number]
      if (groupOf(from) !== groupOf(to)) link.mode = mode
    }
  }

  heal(): void {
    for (const link of this.#links.values()) link.mode = 'open'
  }

  /**
   * Waits until every honest node has a new final block, all faults being over now. Prints how long it took.
   * @throws when that was longer than the bound (10 T and a slot; three times that in the short form)
   */
  async finality(after: string, { boundMs = Infinity, by = this.honest } = {}): Promise<number> {
    const healedMs = Date.now()
    const before = this.watch.highest
    await Promise.all(
      by.map((node) =>
        eventually(
          `a final block beyond ${before} on ${node.name} after ${after}`,
          async () => {
            this.check()
            return (await this.watch.ask(node)).number > before
          },
          { limitMs: GIVE_UP_MS, everyMs: 50 },
        ),
      ),
    )
    const tookMs = Date.now() - healedMs
    console.log(`final again on all ${by.length} after ${after}: ${tookMs} ms`)
    if (tookMs > boundMs)
      throw new Error(`after ${after}, finality took ${tookMs} ms to come back; ${Math.round(boundMs)} ms is the bound`)
    return tookMs
  }

  /** As `finality`, within the bound. */
  async liveness(after: string): Promise<number> {
    return this.finality(after, { boundMs: BOUND_MS })
  }

  /** @throws what the watch found, or that a node ended by itself */
  check(): void {
    this.watch.check()
    if (this.#deaths.length > 0) throw new Error(this.#deaths.join('; '))
  }

  /** What must hold at the end of a run without Byzantine nodes. */
  async checkHonestRun(): Promise<void> {
    await this.checkChains()
    for (const node of this.nodes) {
      const twice = await node.metric('hawser_equivocations_total')
      if (twice !== 0) throw new Error(`${node.name} has seen ${twice} contradicting signatures`)
      const bad = /^.*(?:signed twice|our own key has|a peer is banned|cannot go on).*$/m.exec(node.log())
      if (bad) throw new Error(`${node.name} says: ${bad[0]}`)
    }
  }

  /** All honest nodes agree on everything that any of them ever called final. */
  async checkChains(): Promise<void> {
    this.check()
    const lowest = await this.watch.compareChains(this.honest)
    console.log(`${this.honest.length} nodes agree on all final blocks up to ${lowest}`)
  }

  /** Ends everything, and keeps the folder when something was wrong. */
  async stop(): Promise<void> {
    await this.watch.stop()
    await Promise.all(this.nodes.map((node) => node.process?.kill().catch(() => undefined)))
    for (const stop of this.#stops) await stop().catch((error: unknown) => console.log(messageOf(error)))
    if (process.env['HAWSER_KEEP'] === '1') console.log(`logs: ${this.#folder}`)
    else rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function freePorts(count: number): Promise<number[]> {
  const free: number[] = []
  for (let tries = 0; free.length < count && tries < 1_000; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    if (!free.includes(port) && (await isFree(port))) free.push(port)
  }
  return free
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
