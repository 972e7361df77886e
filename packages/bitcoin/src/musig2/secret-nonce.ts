import { nonceGen } from '@scure/btc-signer/musig2.js'
import { bitcoinError } from '../errors.ts'

/** Bytes of a public nonce: two compressed points. */
export const PUBLIC_NONCE_BYTES = 66
const SECRET_NONCE_BYTES = 97

/** A secret nonce that can be taken out once; it has no other way to be read, copied or stored. */
export class SecretNonce {
  #bytes: Uint8Array | undefined

  /** @internal For test vectors; nonces of sessions come from `generateNonce`. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== SECRET_NONCE_BYTES)
      throw bitcoinError('MUSIG_INVALID', 'local', `a secret nonce has ${SECRET_NONCE_BYTES} bytes`)
    this.#bytes = bytes
  }

  /** Whether it can still be used. */
  get isFresh(): boolean {
    return this.#bytes !== undefined
  }

  /** Hands the bytes to `use` and zeroes them afterwards, whatever happens. @throws MUSIG_NONCE_USED */
  consume<T>(use: (bytes: Uint8Array) => T): T {
    const bytes = this.#bytes
    this.#bytes = undefined
    if (!bytes)
      throw bitcoinError('MUSIG_NONCE_USED', 'local', 'this secret nonce was used already; start a new session')
    try {
      return use(bytes)
    } finally {
      bytes.fill(0)
    }
  }

  /** Gives the nonce up without using it. */
  discard(): void {
    this.#bytes?.fill(0)
    this.#bytes = undefined
  }
}

/** A fresh nonce pair. */
export interface NoncePair {
  readonly secretNonce: SecretNonce
  /** 66 bytes, to send to the others. */
  readonly publicNonce: Uint8Array
}

/**
 * BIP327 NonceGen from 32 random bytes, key, aggregate key, message and the session's own words.
 * `context` tells sessions apart (session id, input index, rung).
 */
export function generateNonce(parameters: {
  /** 32 bytes. */
  readonly secretKey: Uint8Array
  /** 33 bytes. */
  readonly publicKey: Uint8Array
  /** x-only, 32 bytes. */
  readonly aggregateKey?: Uint8Array
  readonly message?: Uint8Array
  readonly context?: Uint8Array
  /** 32 random bytes; for test vectors and seeded simulations only. */
  readonly random?: Uint8Array
}): NoncePair {
  const { secretKey, publicKey, aggregateKey, message, context, random } = parameters
  const pair = nonceGen(publicKey, secretKey, aggregateKey, message, context, random)
  return { secretNonce: new SecretNonce(pair.secret), publicNonce: pair.public }
}
