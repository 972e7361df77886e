import type { TypedTransaction } from '@ethereumjs/tx'
import { Address } from '@ethereumjs/util'
import { senderOf } from '@hawser/chain'
import { fromHex } from '@hawser/primitives'

const senders = new WeakMap<TypedTransaction, Address>()

/** The sender's 20 bytes; recovered once for each transaction. @throws TX_BAD_SIGNATURE */
export function senderBytes(tx: TypedTransaction): Uint8Array {
  return knownSender(tx).bytes
}

/** Makes EthereumJS take the sender that is known, where it would recover the key anew. @throws TX_BAD_SIGNATURE */
export function withKnownSender<T extends TypedTransaction>(tx: T): T {
  const sender = knownSender(tx)
  if (!Object.isFrozen(tx) && !Object.hasOwn(tx, 'getSenderAddress'))
    Object.defineProperty(tx, 'getSenderAddress', { value: () => sender })
  return tx
}

function knownSender(tx: TypedTransaction): Address {
  let sender = senders.get(tx)
  if (!sender) {
    sender = new Address(fromHex(senderOf(tx)))
    senders.set(tx, sender)
  }
  return sender
}
