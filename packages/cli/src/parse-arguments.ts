import { readFileSync, statSync } from 'node:fs'
import { addressToScript, NETWORKS, type BitcoinNetwork } from '@hawser/bitcoin'
import type { L1Choice } from '@hawser/node'
import {
  btcHashFromDisplay,
  isAppError,
  messageOf,
  parseBtc,
  type Hash32,
  type Hex,
  type Sats,
} from '@hawser/primitives'
import { receiverScript } from '@hawser/sdk'
import { Option } from 'commander'
import { getAddress, isAddress } from 'viem'
import { cliError } from './errors.ts'

/** Readers for what stands on the command line: each gives the value or throws USAGE with one precise sentence. */

/** An EVM address; mixed case must carry a right EIP-55 checksum. */
export function readAccount(text: string): Hex {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text))
    throw cliError('USAGE', `not an EVM address: "${text.slice(0, 80)}"; write 0x and 40 hex digits`)
  if (!isAddress(text, { strict: true }))
    throw cliError(
      'USAGE',
      `the address ${text} has a wrong checksum, so a character is mistyped; copy it again, or write it in lower case`,
    )
  return getAddress(text)
}

/** A positive amount of BTC with at most 8 decimals, in satoshis. */
export function readAmount(text: string): Sats {
  if (/^\d+\.\d{9,}$/.test(text) && !/^\d+\.\d{8}0+$/.test(text))
    throw cliError('USAGE', `${text} BTC has a fraction of a satoshi, which Bitcoin cannot pay; use at most 8 decimals`)
  if (/^-/.test(text)) throw cliError('USAGE', `an amount cannot be negative: "${text}"; write it such as 0.015`)
  const amount = parseBtc(text)
  if (amount === 0n) throw cliError('USAGE', 'an amount of 0 BTC moves nothing; write one such as 0.015')
  return amount
}

/** A whole number of satoshis. */
export function readSats(text: string): bigint {
  if (!/^\d{1,16}$/.test(text))
    throw cliError('USAGE', `not a whole number of satoshis: "${text.slice(0, 40)}"; write digits such as 2000`)
  return BigInt(text)
}

/** A whole number between two bounds. */
export function readCount(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    if (!(value >= least && value <= most))
      throw cliError('USAGE', `${what} must be a whole number from ${least} to ${most}, not "${text.slice(0, 40)}"`)
    return value
  }
}

/** Seconds, with decimals, in milliseconds. */
export function readSeconds(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN
    if (!(value >= least && value <= most))
      throw cliError('USAGE', `${what} must be from ${least} to ${most} seconds, not "${text.slice(0, 40)}"`)
    return Math.round(value * 1000)
  }
}

/** A Bitcoin transaction id as explorers show it. */
export function readTxid(text: string): string {
  const digits = text.toLowerCase()
  btcHashFromDisplay(digits)
  return digits
}

/** A block of the chain, by its number or by its hash. */
export type BlockName = { readonly number: bigint } | { readonly hash: Hash32 }

export function readBlockName(text: string): BlockName {
  if (/^\d{1,15}$/.test(text)) return { number: BigInt(text) }
  return { hash: readHash(text) }
}

/** A block's hash. */
export function readHash(text: string): Hash32 {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text))
    throw cliError(
      'USAGE',
      `not a block: "${text.slice(0, 80)}"; write its number, or its hash of 0x and 64 hex digits`,
    )
  return text.toLowerCase() as Hash32
}

/** A whole number of at most 64 bits. */
export function readWhole(what: string): (text: string) => bigint {
  return (text) => {
    if (/^\d{1,19}$/.test(text)) return BigInt(text)
    throw cliError('USAGE', `${what} must be a whole number, not "${text.slice(0, 40)}"`)
  }
}

/** The number of a withdrawal. */
export function readId(text: string): bigint {
  if (!/^[1-9]\d{0,18}$/.test(text))
    throw cliError('USAGE', `not the number of a withdrawal: "${text.slice(0, 40)}"; write digits such as 7`)
  return BigInt(text)
}

/** An x-only public key. */
export function readRefundKey(text: string): Hex {
  const digits = text.replace(/^0x/, '')
  if (!/^[0-9a-fA-F]{64}$/.test(digits))
    throw cliError('USAGE', 'a refund key is an x-only public key: 64 hex digits; a compressed key loses its first two')
  return `0x${digits.toLowerCase()}`
}

/** A secret key of 32 bytes as hex. Its text is never repeated in a message. */
export function readPrivateKey(text: string): Hex {
  const digits = text.trim().replace(/^0x/, '')
  if (!/^[0-9a-fA-F]{64}$/.test(digits))
    throw cliError('USAGE', 'not a private key: 0x and 64 hex digits are needed (it is not repeated here)')
  return `0x${digits.toLowerCase()}`
}

/** Which Bitcoin a devnet runs on. */
export function readL1(text: string): L1Choice {
  if (text === 'embedded' || text === 'bitcoind') return text
  readUrl('--l1', text)
  return text as L1Choice
}

/** An http or https URL. */
export function readUrl(what: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw cliError(
      'USAGE',
      what === '--l1'
        ? `--l1 must be embedded, bitcoind or a URL such as http://user:password@127.0.0.1:18443, not "${text.slice(0, 80)}"`
        : `${what} must be a URL such as http://127.0.0.1:8545, not "${text.slice(0, 80)}"`,
    )
  return text
}

const MAX_TEXT_FILE_BYTES = 256 * 1024

/** A small text file that the user names. @throws FILE_UNREADABLE */
export function readTextFile(path: string, what: string, most = MAX_TEXT_FILE_BYTES): string {
  try {
    if (statSync(path).size > most) throw new Error(`it is longer than ${most} bytes`)
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw cliError('FILE_UNREADABLE', `${what} ${path} cannot be read: ${messageOf(cause)}`, cause)
  }
}

/** The first line of a password file. @throws FILE_UNREADABLE, USAGE */
export function readPasswordFile(path: string): string {
  const password = readTextFile(path, 'the password file').split(/\r?\n/)[0] ?? ''
  if (password === '') throw cliError('USAGE', `the password file ${path} is empty; put the password on its first line`)
  return password
}

/** A receiver on Bitcoin: an address of some network (the chain says later of which), or a standard script as hex. */
export function readReceiver(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text))
    throw cliError('USAGE', `${text} is an EVM address; a Bitcoin address is needed, such as bcrt1…`)
  if (text.startsWith('0x')) receiverScript(text, 'regtest')
  else if (!isSomeAddress(text)) addressToScript(text, 'regtest')
  return text
}

function isSomeAddress(text: string): boolean {
  return (Object.keys(NETWORKS) as BitcoinNetwork[]).some((network) => {
    try {
      return addressToScript(text, network).length > 0
    } catch (error) {
      if (isAppError(error)) return false
      throw error
    }
  })
}

/** An option in seconds whose value is in milliseconds; help shows the default in seconds. */
export function secondsOption(
  flags: string,
  description: string,
  bounds: readonly [number, number],
  defaultMs: number,
): Option {
  const name = flags.split(' ')[0] as string
  return new Option(flags, description)
    .argParser(readSeconds(name, ...bounds))
    .default(defaultMs, String(defaultMs / 1000))
}
