import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { L1Wallet, type BitcoindAuth } from '@hawser/bitcoin/source'
import { parseChainSpec } from '@hawser/chain'
import { devnetSpec } from '@hawser/genesis'
import { peerIdOf } from '@hawser/p2p'
import { AppError, delay, messageOf, sats, satsToWei, SATS_PER_BTC, type Hex } from '@hawser/primitives'
import type { NodeConfig } from '../config.ts'
import type { NodeError } from '../errors.ts'
import type { RpcConfig } from '../rpc-config.ts'
import { writeKeyFile } from '../key-file.ts'
import { DEV_WALLET_SEED, devAccounts, devValidatorKeys, validatorSpecOf } from './dev-keys.ts'
import { startL1, type L1Choice, type RunningL1 } from './devnet-l1.ts'
import { freePort, isPortTaken } from './free-port.ts'
import { callRpc } from './json-rpc-client.ts'
import { ValidatorProcess } from './validator-process.ts'

export const DEVNET_VALIDATORS = 4
const FUNDED_SATS = 10n * SATS_PER_BTC
/** What the L1 wallet has left for its user after the accounts are funded. */
const WALLET_SATS = 50n * SATS_PER_BTC
const READY_LIMIT_MS = 60_000
const POLL_MS = 200

export interface DevnetOptions {
  /** The bundled hawser command, which the validators run. */
  readonly program: string
  readonly l1: L1Choice
  readonly l1CookieFile?: string
  /** Keeps everything and resumes; without it a temporary folder is used and removed. */
  readonly dataDir?: string
  /** JSON-RPC of the first validator; the others take the ports above it. 0 takes free ones. */
  readonly rpcPort: number
  /** The rest of the validators' JSON-RPC configuration. */
  readonly rpc?: Partial<Omit<RpcConfig, 'host' | 'port'>>
  /** How many final states the validators keep; all unless it is said. */
  readonly history?: NodeConfig['history']
  /** Between two L1 blocks; 0 mines on demand alone. */
  readonly mineEveryMs: number
  readonly onProgress?: (what: string) => void
  /** A validator ended by itself. */
  readonly onDeath?: (why: string) => void
}

/** What `hawser l1` and scripts need to find a devnet's Bitcoin; written beside the data and by JSON-RPC port. */
export interface DevnetAccess {
  readonly rpcUrl: string
  readonly dataDir: string
  readonly l1: { readonly url: string; readonly auth: BitcoindAuth }
}

interface Saved {
  readonly version: 1
  readonly l1: 'embedded' | 'bitcoind' | 'url'
  readonly p2pPorts: readonly number[]
  readonly funded: boolean
}

/** A whole Hawser on one machine: a Bitcoin regtest, four validators as processes, ten funded accounts. */
export class Devnet {
  readonly rpcUrls: readonly string[]
  readonly l1: RunningL1
  readonly wallet: L1Wallet
  readonly validators: ValidatorProcess[]
  readonly dataDir: string
  readonly accounts = devAccounts()
  readonly #options: DevnetOptions
  readonly #abort = new AbortController()
  readonly #temporary: boolean
  #mining: Promise<void> = Promise.resolve()

  private constructor(options: DevnetOptions, dataDir: string, l1: RunningL1, rpcUrls: readonly string[]) {
    this.#options = options
    this.dataDir = dataDir
    this.#temporary = options.dataDir === undefined
    this.l1 = l1
    this.wallet = new L1Wallet(l1.source, DEV_WALLET_SEED)
    this.rpcUrls = rpcUrls
    this.validators = []
  }

  get rpcUrl(): string {
    return this.rpcUrls[0] as string
  }

  /**
   * Starts everything and returns when the accounts are funded and final.
   * @throws RPC_PORT_TAKEN, BITCOIND_MISSING, L1_UNREACHABLE, DATA_FOLDER_INVALID, DEVNET_PROCESS_DIED, DEVNET_NOT_READY
   */
  static async start(options: DevnetOptions): Promise<Devnet> {
    const progress = options.onProgress ?? (() => undefined)
    const rpcPorts = await choosePorts(options.rpcPort)
    const dataDir =
      options.dataDir === undefined ? mkdtempSync(join(tmpdir(), 'hawser-devnet-')) : resolve(options.dataDir)
    let devnet: Devnet | undefined
    let l1: RunningL1 | undefined
    try {
      const saved = readSaved(dataDir, options.l1)
      progress('Starting Bitcoin regtest')
      mkdirSync(join(dataDir, 'l1'), { recursive: true })
      l1 = await startL1(options.l1, join(dataDir, 'l1'), options.l1CookieFile)
      devnet = new Devnet(
        options,
        dataDir,
        l1,
        rpcPorts.map((port) => `http://127.0.0.1:${port}`),
      )
      if (!saved?.funded) {
        progress('Mining the first Bitcoin blocks')
        await devnet.wallet.ensureFunds(FUNDED_SATS * BigInt(devnet.accounts.length) + WALLET_SATS)
      }
      const p2pPorts = saved?.p2pPorts ?? (await Promise.all(Array.from({ length: DEVNET_VALIDATORS }, freePort)))
      if (!saved) layOut(dataDir, p2pPorts)
      writeConfigs(dataDir, l1, p2pPorts, rpcPorts, options)
      if (!saved) save(dataDir, { version: 1, l1: l1.kind, p2pPorts, funded: false })
      progress('Starting four validators')
      await devnet.#startValidators()
      devnet.#publishAccess()
      devnet.#startMining()
      progress('Waiting for the first final block')
      await devnet.until('a final block', async () => {
        const status = await devnet?.rpc<{ finalized: { number: Hex } }>('finality_getStatus')
        return status !== undefined && BigInt(status.finalized.number) > 0n
      })
      if (!saved?.funded) {
        progress('Depositing 10 BTC for each of ten accounts through the bridge')
        await devnet.#fund()
        save(dataDir, { version: 1, l1: l1.kind, p2pPorts, funded: true })
      }
      return devnet
    } catch (error) {
      if (devnet) await devnet.stop()
      else {
        await l1?.stop()
        if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
      }
      throw error
    }
  }

  /** A JSON-RPC call to the first validator that runs. */
  rpc<T>(method: string, params: readonly unknown[] = []): Promise<T> {
    const index = this.validators.findIndex((validator) => validator.running)
    return callRpc<T>(this.rpcUrls[Math.max(0, index)] as string, method, params, this.#abort.signal)
  }

  /** Waits until a condition holds. @throws DEVNET_NOT_READY */
  async until(what: string, condition: () => Promise<boolean>, limitMs = READY_LIMIT_MS): Promise<void> {
    const end = Date.now() + limitMs
    let trouble = ''
    while (Date.now() < end) {
      try {
        if (await condition()) return
      } catch (error) {
        if (this.#abort.signal.aborted) throw error
        trouble = messageOf(error)
      }
      await delay(POLL_MS, { signal: this.#abort.signal })
    }
    throw new AppError<NodeError>(
      { code: 'DEVNET_NOT_READY', fault: 'local' },
      `waited ${limitMs / 1000} s in vain for ${what}${trouble ? ` (${trouble})` : ''}; the logs are in ${join(this.dataDir, 'validators')}`,
    )
  }

  /** Starts a validator again that was stopped or killed. */
  async restartValidator(index: number): Promise<void> {
    this.validators[index] = await this.#startValidator(index)
  }

  /** Stops every process, and removes the folder if it was a temporary one. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('the devnet stops'))
    await this.#mining
    await Promise.all(this.validators.map((validator) => validator.stop()))
    await this.l1.stop()
    rmSync(accessFile(this.rpcUrl), { force: true })
    if (this.#temporary) rmSync(this.dataDir, { recursive: true, force: true })
  }

  async #startValidators(): Promise<void> {
    const started = await Promise.allSettled(this.rpcUrls.map((_, index) => this.#startValidator(index)))
    for (const result of started) if (result.status === 'fulfilled') this.validators.push(result.value)
    for (const result of started) if (result.status === 'rejected') throw result.reason
  }

  #startValidator(index: number): Promise<ValidatorProcess> {
    const folder = validatorDir(this.dataDir, index)
    return ValidatorProcess.start({
      name: `validator ${index}`,
      program: this.#options.program,
      args: ['node', '--config', join(folder, 'config.json'), '--allow-fresh-guard', '--i-am-only'],
      logFile: join(folder, 'node.log'),
      onDeath: (why) => this.#options.onDeath?.(why),
    })
  }

  #startMining(): void {
    const { mineEveryMs } = this.#options
    if (mineEveryMs === 0) return
    this.#mining = (async () => {
      while (!this.#abort.signal.aborted) {
        try {
          await delay(mineEveryMs, { signal: this.#abort.signal })
          await this.wallet.mine(1)
        } catch (error) {
          if (!this.#abort.signal.aborted) this.#options.onProgress?.(`Mining failed: ${messageOf(error)}`)
        }
      }
    })()
  }

  async #fund(): Promise<void> {
    const outputs = await Promise.all(
      this.accounts.map(async ({ address }) => {
        const { address: to } = await this.rpc<{ address: string }>('bridge_getDepositAddress', [address])
        return { to, sats: FUNDED_SATS }
      }),
    )
    await this.wallet.send(outputs)
    await this.wallet.mine(1)
    const wanted = satsToWei(sats(FUNDED_SATS))
    await this.until('the deposits to be credited and final', async () => {
      const balances = await Promise.all(
        this.accounts.map(({ address }) => this.rpc<Hex>('eth_getBalance', [address, 'finalized'])),
      )
      return balances.every((balance) => BigInt(balance) >= wanted)
    })
  }

  #publishAccess(): void {
    const { url, auth } = this.l1
    const access: DevnetAccess = { rpcUrl: this.rpcUrl, dataDir: this.dataDir, l1: { url, auth } }
    writeFileSync(accessFile(this.rpcUrl), JSON.stringify(access), { mode: 0o600 })
  }
}

function accessFile(rpcUrl: string): string {
  return join(tmpdir(), `hawser-devnet-${new URL(rpcUrl).port}.json`)
}

/** How to reach the devnet behind a JSON-RPC URL of this machine; undefined when there is none. */
export function findDevnet(rpcUrl: string): DevnetAccess | undefined {
  try {
    return JSON.parse(readFileSync(accessFile(rpcUrl), 'utf8')) as DevnetAccess
  } catch {
    return undefined
  }
}

async function choosePorts(first: number): Promise<number[]> {
  if (first === 0) return Promise.all(Array.from({ length: DEVNET_VALIDATORS }, freePort))
  if (await isPortTaken(first))
    throw new AppError(
      { code: 'RPC_PORT_TAKEN', fault: 'user' },
      `port ${first} of 127.0.0.1 is in use (another devnet, or anvil or hardhat?); stop that, or choose another with --rpc-port`,
    )
  const ports = [first]
  for (let port = first + 1; ports.length < DEVNET_VALIDATORS; port++) if (!(await isPortTaken(port))) ports.push(port)
  return ports
}

function validatorDir(dataDir: string, index: number): string {
  return join(dataDir, 'validators', String(index))
}

function readSaved(dataDir: string, l1: L1Choice): Saved | undefined {
  const file = join(dataDir, 'devnet.json')
  if (!existsSync(file)) return undefined
  let saved: Saved
  try {
    saved = JSON.parse(readFileSync(file, 'utf8')) as Saved
    if (saved.version !== 1 || saved.p2pPorts.length !== DEVNET_VALIDATORS) throw new Error('it is of another version')
    parseChainSpec(readFileSync(join(dataDir, 'chain-spec.json'), 'utf8'))
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'DATA_FOLDER_INVALID', fault: 'user' },
      `${dataDir} holds no devnet that this version can resume: ${messageOf(cause)}; choose another --data-dir, or delete it`,
      { cause },
    )
  }
  const kind = l1.startsWith('http') ? 'url' : l1
  if (saved.l1 !== kind)
    throw new AppError<NodeError>(
      { code: 'DATA_FOLDER_INVALID', fault: 'user' },
      `the devnet in ${dataDir} was made with --l1 ${saved.l1}, not ${kind}; its deposits are on that chain`,
    )
  return saved
}

function save(dataDir: string, saved: Saved): void {
  writeFileSync(join(dataDir, 'devnet.json'), `${JSON.stringify(saved, null, 2)}\n`)
}

/** Writes the chain spec and the keys of a new devnet. */
function layOut(dataDir: string, p2pPorts: readonly number[]): void {
  const keys = p2pPorts.map((_, index) => devValidatorKeys(index))
  const spec = devnetSpec({ genesisTime: Math.floor(Date.now() / 1000), validators: keys.map(validatorSpecOf) })
  writeFileSync(join(dataDir, 'chain-spec.json'), `${JSON.stringify(spec, null, 2)}\n`)
  for (const [index, { node, session, bitcoin }] of keys.entries()) {
    const folder = join(validatorDir(dataDir, index), 'keys')
    writeKeyFile(join(folder, 'node.json'), node)
    writeKeyFile(join(folder, 'session.json'), session)
    writeKeyFile(join(folder, 'bitcoin.json'), bitcoin)
  }
}

/** Writes each validator's configuration: written anew at each start, since ports and the L1 may be others. */
function writeConfigs(
  dataDir: string,
  l1: RunningL1,
  p2pPorts: readonly number[],
  rpcPorts: readonly number[],
  { rpc, history = 'archive' }: DevnetOptions,
): void {
  const addresses = p2pPorts.map(
    (port, index) => `/ip4/127.0.0.1/tcp/${port}/p2p/${peerIdOf(devValidatorKeys(index).node)}`,
  )
  for (const [index, port] of p2pPorts.entries()) {
    const config: NodeConfig = {
      chainSpec: '../../chain-spec.json',
      dataDir: '.',
      keys: { node: 'keys/node.json', session: 'keys/session.json', bitcoin: 'keys/bitcoin.json' },
      p2p: { listen: [`/ip4/127.0.0.1/tcp/${port}`], bootnodes: addresses.filter((_, other) => other !== index) },
      rpc: { ...rpc, host: '127.0.0.1', port: rpcPorts[index] as number },
      metrics: { host: '127.0.0.1', port: 0 },
      history,
      bitcoin: { url: l1.url, ...l1.auth },
      log: { level: 'info' },
    }
    writeFileSync(join(validatorDir(dataDir, index), 'config.json'), `${JSON.stringify(config, null, 2)}\n`, {
      mode: 0o600,
    })
  }
}
