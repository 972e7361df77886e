import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findDevnet } from '@hawser/node'
import { messageOf } from '@hawser/primitives'
import { trustedChain, type TrustedChain } from '@hawser/sdk'
import { cliError } from './errors.ts'

/**
 * The chain that --chain-spec names, or the devnet behind --rpc; undefined when there is neither.
 * @throws USAGE, SPEC_UNREADABLE
 */
export function findTrust(options: { readonly rpc: string; readonly chainSpec?: string }): TrustedChain | undefined {
  const devnet = options.chainSpec === undefined ? findDevnet(options.rpc) : undefined
  const file = options.chainSpec ?? (devnet && join(devnet.dataDir, 'chain-spec.json'))
  return file === undefined ? undefined : readTrust(file)
}

/** Reads a chain spec file. @throws USAGE, SPEC_UNREADABLE */
export function readTrust(file: string): TrustedChain {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw cliError('USAGE', `the chain spec ${file} cannot be read: ${messageOf(error)}`)
  }
  return trustedChain(text)
}
