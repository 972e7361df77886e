import { bech32, bech32m, createBase58check } from '@scure/base'
import { sha256 } from '@hawser/primitives'
import { bitcoinError } from './errors.ts'
import { NETWORKS, type BitcoinNetwork } from './networks.ts'
import { classifyScript, p2pkhScript, p2shScript, p2trScript, p2wpkhScript, p2wshScript } from './script.ts'

const base58check = createBase58check(sha256)
/** The longest address: bech32m of regtest with a 40-byte program. */
const MAX_ADDRESS_CHARACTERS = 90

/** The address of a standard script. @throws SCRIPT_NO_ADDRESS */
export function scriptToAddress(script: Uint8Array, network: BitcoinNetwork): string {
  const { hrp, p2pkhVersion, p2shVersion } = NETWORKS[network]
  const { type, program } = classifyScript(script)
  switch (type) {
    case 'p2pkh':
      return base58check.encode(Uint8Array.of(p2pkhVersion, ...program))
    case 'p2sh':
      return base58check.encode(Uint8Array.of(p2shVersion, ...program))
    case 'p2wpkh':
    case 'p2wsh':
      return bech32.encode(hrp, [0, ...bech32.toWords(program)])
    case 'p2tr':
      return bech32m.encode(hrp, [1, ...bech32m.toWords(program)])
    case 'op_return':
    case 'other':
      throw bitcoinError('SCRIPT_NO_ADDRESS', 'user', `a script of type ${type} has no address`)
  }
}

/**
 * The script that an address of this network stands for.
 * @throws BTC_ADDRESS_INVALID, BTC_ADDRESS_WRONG_NETWORK
 */
export function addressToScript(address: string, network: BitcoinNetwork): Uint8Array {
  if (address.length > MAX_ADDRESS_CHARACTERS) throw invalid(address, 'too long')
  const separator = address.lastIndexOf('1')
  const prefix = address.slice(0, Math.max(separator, 0)).toLowerCase()
  const known = Object.values(NETWORKS).filter((n) => n.hrp === prefix)
  if (known.length > 0) return segwitScript(address, prefix, network)
  return base58Script(address, network)
}

/** What people call the network of a prefix; tb serves three. */
const NETWORK_OF_PREFIX: Readonly<Record<string, string>> = { bc: 'mainnet', bcrt: 'regtest', tb: 'a test network' }

function segwitScript(address: string, prefix: string, network: BitcoinNetwork): Uint8Array {
  if (prefix !== NETWORKS[network].hrp) throw wrongNetwork(address, NETWORK_OF_PREFIX[prefix] ?? prefix, network)
  const text = address as `${string}1${string}`
  const v0 = bech32.decodeUnsafe(text, MAX_ADDRESS_CHARACTERS)
  const v1 = bech32m.decodeUnsafe(text, MAX_ADDRESS_CHARACTERS)
  const words = v0?.words ?? v1?.words
  if (!words) throw invalid(address, 'the checksum is wrong or a character is not allowed')
  const version = words[0] ?? -1
  const program = bech32.fromWordsUnsafe(words.slice(1))
  if (!program) throw invalid(address, 'the padding is wrong')
  if (version === 0 && v0 && program.length === 20) return p2wpkhScript(program)
  if (version === 0 && v0 && program.length === 32) return p2wshScript(program)
  if (version === 1 && v1 && program.length === 32) return p2trScript(program)
  if (version === 0 && !v0) throw invalid(address, 'version 0 needs a bech32 checksum, not bech32m (BIP350)')
  if (version >= 1 && !v1) throw invalid(address, 'version 1 and above need a bech32m checksum (BIP350)')
  throw invalid(address, `witness version ${version} with ${program.length} bytes is not supported`)
}

function base58Script(address: string, network: BitcoinNetwork): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = base58check.decode(address)
  } catch (cause) {
    throw invalid(address, 'neither a segwit nor a base58 address, or its checksum is wrong', cause)
  }
  const parameters = NETWORKS[network]
  if (bytes.length !== 21) throw invalid(address, 'not 20 bytes of hash')
  if (bytes[0] === parameters.p2pkhVersion) return p2pkhScript(bytes.subarray(1))
  if (bytes[0] === parameters.p2shVersion) return p2shScript(bytes.subarray(1))
  const other = Object.values(NETWORKS).find((n) => n.p2pkhVersion === bytes[0] || n.p2shVersion === bytes[0])
  if (other) throw wrongNetwork(address, other.network === 'mainnet' ? 'mainnet' : 'a test network', network)
  throw invalid(address, `version byte ${bytes[0]} is unknown`)
}

function invalid(address: string, why: string, cause?: unknown) {
  const shown = address.slice(0, MAX_ADDRESS_CHARACTERS)
  return bitcoinError('BTC_ADDRESS_INVALID', 'user', `not a Bitcoin address: ${shown}: ${why}`, { cause })
}

function wrongNetwork(address: string, belongs: string, network: BitcoinNetwork) {
  return bitcoinError('BTC_ADDRESS_WRONG_NETWORK', 'user', `${address} belongs to ${belongs}, not to ${network}`)
}
