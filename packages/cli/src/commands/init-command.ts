import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { writeKeyFile, type NodeConfig } from '@hawser/node'
import { devnetSpec } from '@hawser/genesis'
import type { Command } from 'commander'
import { cliError } from '../errors.ts'
import { newValidatorKeys, parsePublicParts, publicParts, writeKeys, type PublicParts } from '../key-folder.ts'
import { readCount, readTextFile, readUrl } from '../parse-arguments.ts'
import { passwordFrom, withEncryption, type EncryptionOptions } from './keys-commands.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

const MAX_GENERATED = 15
const FIRST_P2P_PORT = 30_400
const FIRST_RPC_PORT = 8_545

interface InitOptions extends EncryptionOptions {
  readonly dir: string
  readonly generate?: number
  readonly validators?: string
  readonly bitcoinUrl: string
  readonly bitcoinCookie?: string
}

/** hawser init */
export function addInit(program: Command, session: Session): void {
  const command = program
    .command('init')
    .description('write the chain spec, configurations and keys of a new chain (devnet preset)')
    .requiredOption('--dir <folder>', 'a folder that is empty or does not exist')
    .option('--generate <n>', 'make the keys of so many validators', readCount('--generate', 1, MAX_GENERATED))
    .option('--validators <file>', 'JSON list of validators: what `hawser keys show --json` prints of each')
    .option(
      '--bitcoin-url <url>',
      'the Bitcoin node (regtest)',
      (text) => readUrl('--bitcoin-url', text),
      'http://127.0.0.1:18443',
    )
    .option('--bitcoin-cookie <file>', "the Bitcoin node's cookie file")
  examples(
    withEncryption(command),
    [
      [
        'hawser init --dir chain --generate 4 --plain',
        'chain-spec.json and node0 to node3, each with config.json and keys',
      ],
      [
        'hawser init --dir chain --validators validators.json',
        "chain-spec.json for known validators, and a follower's configuration",
      ],
    ],
    'All nodes of a chain need the very same chain-spec.json: its hash stands in the genesis block.',
  ).action(() => {
    const options = optionsOf<InitOptions>(command)
    if ((options.generate === undefined) === (options.validators === undefined))
      throw cliError('USAGE', 'who validates? give --generate N or --validators FILE, not both')
    const folder = resolve(options.dir)
    if (existsSync(folder) && readdirSync(folder).length > 0)
      throw cliError('FILE_EXISTS', `${folder} is not empty and nothing is overwritten; choose another --dir`)
    const written =
      options.generate === undefined ? initFollower(folder, options) : initValidators(folder, options.generate, options)
    session
      .outputOf(options)
      .result({ dir: folder, files: written }, [
        `Written to ${folder}:`,
        ...written.map((file) => `  ${file}`),
        `Start a node with: hawser node --config ${join(folder, written.find((file) => file.endsWith('config.json')) ?? '')}${options.generate ? ' --allow-fresh-guard' : ''}`,
        ...(options.generate ? ['(--allow-fresh-guard only once: the key has never signed before)'] : []),
      ])
  })
}

function initValidators(folder: string, count: number, options: InitOptions): string[] {
  const password = passwordFrom(options)
  const secrets = Array.from({ length: count }, newValidatorKeys)
  const parts = secrets.map((keys) => publicParts(keys))
  const files = [writeSpec(folder, parts)]
  const peers = parts.map(({ peerId }, index) => `/ip4/127.0.0.1/tcp/${FIRST_P2P_PORT + index}/p2p/${peerId}`)
  for (const [index, keys] of secrets.entries()) {
    const name = `node${index}`
    writeKeys(join(folder, name, 'keys'), keys, password)
    const config: NodeConfig = {
      chainSpec: '../chain-spec.json',
      dataDir: 'data',
      keys: {
        node: 'keys/node.json',
        session: 'keys/session.json',
        bitcoin: 'keys/bitcoin.json',
        ...(options.passwordFile ? { passwordFile: resolve(options.passwordFile) } : {}),
      },
      p2p: {
        listen: [`/ip4/127.0.0.1/tcp/${FIRST_P2P_PORT + index}`],
        bootnodes: peers.filter((_, other) => other !== index),
      },
      rpc: { host: '127.0.0.1', port: FIRST_RPC_PORT + index },
      bitcoin: bitcoinOf(options),
      log: { level: 'info' },
    }
    files.push(writeConfig(folder, name, config), `${name}/keys`)
  }
  return files
}

function initFollower(folder: string, options: InitOptions): string[] {
  const path = options.validators as string
  const parts = parsePublicParts(readTextFile(path, 'the list of validators'), path)
  const password = options.plain || options.passwordFile ? passwordFrom(options) : undefined
  const files = [writeSpec(folder, parts)]
  writeKeyFile(join(folder, 'node', 'keys', 'node.json'), newValidatorKeys().node, password)
  const config: NodeConfig = {
    chainSpec: '../chain-spec.json',
    dataDir: 'data',
    keys: { node: 'keys/node.json', ...(options.passwordFile ? { passwordFile: resolve(options.passwordFile) } : {}) },
    p2p: { listen: [`/ip4/0.0.0.0/tcp/${FIRST_P2P_PORT}`], bootnodes: [] },
    rpc: { host: '127.0.0.1', port: FIRST_RPC_PORT },
    bitcoin: bitcoinOf(options),
    log: { level: 'info' },
  }
  return [...files, writeConfig(folder, 'node', config), 'node/keys/node.json']
}

function bitcoinOf({ bitcoinUrl, bitcoinCookie }: InitOptions): NodeConfig['bitcoin'] {
  const url = new URL(bitcoinUrl)
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  url.username = ''
  url.password = ''
  const plain = url.href.replace(/\/$/, '')
  if (bitcoinCookie) return { url: plain, cookieFile: resolve(bitcoinCookie) }
  return user ? { url: plain, user, password } : { url: plain }
}

function writeSpec(folder: string, parts: readonly PublicParts[]): string {
  const validators = parts.map(({ session, beneficiary, managementKey, bitcoinKey }) => ({
    session,
    beneficiary,
    managementKey,
    bitcoinKey,
  }))
  const spec = devnetSpec({ genesisTime: Math.floor(Date.now() / 1000), validators })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'chain-spec.json'), `${JSON.stringify(spec, null, 2)}\n`, { flag: 'wx' })
  return 'chain-spec.json'
}

function writeConfig(folder: string, name: string, config: NodeConfig): string {
  mkdirSync(join(folder, name), { recursive: true })
  // It may hold the Bitcoin node's password.
  writeFileSync(join(folder, name, 'config.json'), `${JSON.stringify(config, null, 2)}\n`, { flag: 'wx', mode: 0o600 })
  return `${name}/config.json`
}
