import { RLP } from '@ethereumjs/rlp'
import { utf8 } from '@hawser/primitives'
import { MAX_EXCHANGED } from './limits.ts'
import { MAX_ADDRESS_CHARS } from './peer-address.ts'
import { listIn, malformed } from './rlp.ts'

/** [address...]: multiaddrs that end in /p2p/ID, as text. */
export function encodeAddresses(addresses: readonly string[]): Uint8Array {
  return RLP.encode(addresses.slice(0, MAX_EXCHANGED).map((address) => utf8(address)))
}

/** @throws MESSAGE_MALFORMED */
export function decodeAddresses(message: Uint8Array): string[] {
  return listIn(message, 1 + MAX_EXCHANGED).map((item) => {
    if (
      !(item instanceof Uint8Array) ||
      item.length > MAX_ADDRESS_CHARS ||
      item.some((byte) => byte < 0x21 || byte > 0x7e)
    )
      throw malformed(`not an address of at most ${MAX_ADDRESS_CHARS} characters`)
    return Buffer.from(item).toString('latin1')
  })
}
