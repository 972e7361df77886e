import { RLP } from '@ethereumjs/rlp'
import { AppError, decodeRlp, utf8 } from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { MAX_EXCHANGED } from './limits.ts'
import { MAX_ADDRESS_CHARS } from './peer-address.ts'

/** [address...]: multiaddrs that end in /p2p/ID, as text. */
export function encodeAddresses(addresses: readonly string[]): Uint8Array {
  return RLP.encode(addresses.slice(0, MAX_EXCHANGED).map((address) => utf8(address)))
}

/** @throws MESSAGE_MALFORMED */
export function decodeAddresses(message: Uint8Array): string[] {
  let list: unknown
  try {
    list = decodeRlp(message)
  } catch {
    list = undefined
  }
  if (!Array.isArray(list) || list.length > MAX_EXCHANGED)
    throw malformed(`not a list of at most ${MAX_EXCHANGED} addresses`)
  return list.map((item: unknown) => {
    if (
      !(item instanceof Uint8Array) ||
      item.length > MAX_ADDRESS_CHARS ||
      item.some((byte) => byte < 0x21 || byte > 0x7e)
    )
      throw malformed(`not an address of at most ${MAX_ADDRESS_CHARS} characters`)
    return Buffer.from(item).toString('latin1')
  })
}

function malformed(why: string): AppError<P2pError> {
  return new AppError<P2pError>({ code: 'MESSAGE_MALFORMED', fault: 'peer' }, `malformed peer list: ${why}`)
}
