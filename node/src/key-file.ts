import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { scrypt } from '@noble/hashes/scrypt.js'
import { AppError, concatBytes, fromHex, keccak256, messageOf, toHex, utf8 } from '@hawser/primitives'
import type { NodeError } from './errors.ts'

/** A key file is a few hundred bytes; anything much longer is something else. */
const MAX_KEY_FILE_BYTES = 8 * 1024
/** Cost of scrypt: 256 MB and about a second, as Geth's standard. */
const SCRYPT = { N: 262_144, r: 8, p: 1 } as const
/** The most that a key file may ask for: it must not take the machine down. */
const MAX_SCRYPT_N = 1_048_576

interface KeystoreV3 {
  readonly version: 3
  readonly id: string
  readonly crypto: {
    readonly cipher: 'aes-128-ctr'
    readonly ciphertext: string
    readonly cipherparams: { readonly iv: string }
    readonly kdf: 'scrypt'
    readonly kdfparams: {
      readonly dklen: 32
      readonly n: number
      readonly r: number
      readonly p: number
      readonly salt: string
    }
    readonly mac: string
  }
}

/** Encrypts a 32-byte secret key: Web3 Secret Storage version 3 (scrypt, aes-128-ctr). */
export function encryptKey(secretKey: Uint8Array, password: string): KeystoreV3 {
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const derived = derive(password, salt, SCRYPT.N, SCRYPT.r, SCRYPT.p)
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const ciphertext = concatBytes(cipher.update(secretKey), cipher.final())
  const plain = (bytes: Uint8Array) => toHex(bytes).slice(2)
  return {
    version: 3,
    id: `${plain(randomBytes(4))}-${plain(randomBytes(2))}-4${plain(randomBytes(2)).slice(1)}-8${plain(randomBytes(2)).slice(1)}-${plain(randomBytes(6))}`,
    crypto: {
      cipher: 'aes-128-ctr',
      ciphertext: plain(ciphertext),
      cipherparams: { iv: plain(iv) },
      kdf: 'scrypt',
      kdfparams: { dklen: 32, n: SCRYPT.N, r: SCRYPT.r, p: SCRYPT.p, salt: plain(salt) },
      mac: plain(keccak256(concatBytes(derived.subarray(16, 32), ciphertext))),
    },
  }
}

// Not node:crypto's: OpenSSL refuses r = 1, which the definition's own test vector has.
function derive(password: string, salt: Uint8Array, N: number, r: number, p: number): Uint8Array {
  return scrypt(utf8(password.normalize('NFKC')), salt, { N, r, p, dkLen: 32, maxmem: 256 * N * r })
}

/** Writes a secret key, readable by its owner alone: encrypted when there is a password, plain hex for devnets. */
export function writeKeyFile(path: string, secretKey: Uint8Array, password?: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const content = password === undefined ? { secretKey: toHex(secretKey) } : encryptKey(secretKey, password)
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  chmodSync(path, 0o600)
}

/**
 * Reads a secret key of 32 bytes.
 * @throws FILE_UNREADABLE, KEY_INVALID
 */
export function readKeyFile(path: string, password?: string): Uint8Array {
  let content: unknown
  try {
    if (statSync(path).size > MAX_KEY_FILE_BYTES) throw new Error('it is too long to be a key file')
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'FILE_UNREADABLE', fault: 'user' },
      `the key file ${path} cannot be read: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
  const plain = (content as { secretKey?: unknown } | null)?.secretKey
  if (typeof plain === 'string' && /^0x[0-9a-fA-F]{64}$/.test(plain)) return fromHex(plain)
  return decryptKey(content, password, path)
}

function decryptKey(content: unknown, password: string | undefined, path: string): Uint8Array {
  const wrong = (why: string) =>
    new AppError<NodeError>({ code: 'KEY_INVALID', fault: 'user' }, `the key file ${path} ${why}`)
  const { version, crypto } = (content ?? {}) as Partial<KeystoreV3>
  if (version !== 3 || crypto?.kdf !== 'scrypt' || crypto.cipher !== 'aes-128-ctr')
    throw wrong('is no Web3 keystore (version 3, scrypt)')
  if (password === undefined) throw wrong('is encrypted; give its password with --password-file')
  try {
    const { n, r, p, salt } = crypto.kdfparams
    if (n > MAX_SCRYPT_N || r > 16 || p > 8) throw wrong('asks for more memory than a key file may')
    const derived = derive(password, fromHex(salt), n, r, p)
    const ciphertext = fromHex(crypto.ciphertext)
    const mac = keccak256(concatBytes(derived.subarray(16, 32), ciphertext))
    if (!timingSafeEqual(mac, fromHex(crypto.mac))) throw wrong('is not opened by this password')
    const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), fromHex(crypto.cipherparams.iv))
    return concatBytes(decipher.update(ciphertext), decipher.final())
  } catch (error) {
    if (error instanceof AppError) throw error
    throw wrong(`is malformed: ${messageOf(error)}`)
  }
}
