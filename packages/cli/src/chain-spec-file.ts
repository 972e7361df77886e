import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCommon, parseChainSpec } from '@hawser/chain'
import { buildGenesis } from '@hawser/genesis'
import { findDevnet } from '@hawser/node'
import { messageOf, type Hash32 } from '@hawser/primitives'
import { trustedChain, type TrustedChain } from '@hawser/sdk'
import { cliError } from './errors.ts'

/**
 * The chain that --chain-spec names, or the devnet behind --rpc; undefined when there is neither.
 * @throws USAGE, SPEC_UNREADABLE
 */
export function findTrust(options: { readonly rpc: string; readonly chainSpec?: string }): TrustedChain | undefined {
  const file = findSpecFile(options)
  return file === undefined ? undefined : readTrust(file)
}

function findSpecFile(options: { readonly rpc: string; readonly chainSpec?: string }): string | undefined {
  const devnet = options.chainSpec === undefined ? findDevnet(options.rpc) : undefined
  return options.chainSpec ?? (devnet && join(devnet.dataDir, 'chain-spec.json'))
}

/**
 * The same chain, with the hash of block 0 that its spec gives: then no node has a say in what is trusted.
 * @throws USAGE when there is none, or `genesis` is another; SPEC_UNREADABLE, SPEC_INVALID, GENESIS_INVALID
 */
export async function findTrustWithGenesis(options: {
  readonly rpc: string
  readonly chainSpec?: string
  readonly genesis?: Hash32
}): Promise<TrustedChain & { readonly genesisHash: Hash32 }> {
  const file = findSpecFile(options)
  if (file === undefined)
    throw cliError('USAGE', 'give --chain-spec FILE, from a source that you trust: everything is checked against it')
  const text = readSpecText(file)
  const trust = trustedChain(text)
  const spec = parseChainSpec(text)
  const { hash: genesisHash } = await buildGenesis(spec, createCommon(spec.chainId))
  if (options.genesis !== undefined && options.genesis !== genesisHash)
    throw cliError('USAGE', `the chain spec ${file} gives block 0 ${genesisHash}, not ${options.genesis}`)
  return { ...trust, genesisHash }
}

/** Reads a chain spec file. @throws USAGE, SPEC_UNREADABLE */
export function readTrust(file: string): TrustedChain {
  return trustedChain(readSpecText(file))
}

function readSpecText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw cliError('USAGE', `the chain spec ${file} cannot be read: ${messageOf(error)}`)
  }
}
