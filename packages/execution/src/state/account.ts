import { EMPTY_TRIE_ROOT } from '@hawser/chain'
import { equalBytes, fromHex, keccak256, readUintBE } from '@hawser/primitives'

/** An account as the state holds it; never changed in place. */
export interface AccountRecord {
  readonly nonce: bigint
  readonly balance: bigint
  /** 32 bytes; inside a block it is the one that the block began with. */
  readonly storageRoot: Uint8Array
  /** 32 bytes */
  readonly codeHash: Uint8Array
}

export const EMPTY_CODE_HASH = keccak256(new Uint8Array())
export const EMPTY_ROOT = fromHex(EMPTY_TRIE_ROOT)

/** The RLP [nonce, balance, storageRoot, codeHash] that a leaf of the state trie holds. */
export function encodeAccount({ nonce, balance, storageRoot, codeHash }: AccountRecord): Uint8Array {
  const nonceBytes = unsigned(nonce)
  const balanceBytes = unsigned(balance)
  const payload = itemSize(nonceBytes) + itemSize(balanceBytes) + 66
  // Always 56 to 255 bytes of payload: the head is f8 and one byte of length.
  const rlp = new Uint8Array(2 + payload)
  rlp[0] = 0xf8
  rlp[1] = payload
  let at = writeItem(rlp, 2, nonceBytes)
  at = writeItem(rlp, at, balanceBytes)
  rlp[at] = 0xa0
  rlp.set(storageRoot, at + 1)
  rlp[at + 33] = 0xa0
  rlp.set(codeHash, at + 34)
  return rlp
}

/** The inverse of `encodeAccount`; the bytes are our own. */
export function decodeAccount(rlp: Uint8Array): AccountRecord {
  const nonce = readItem(rlp, 2)
  const balance = readItem(rlp, nonce.end)
  const at = balance.end
  return {
    nonce: readUintBE(nonce.bytes),
    balance: readUintBE(balance.bytes),
    storageRoot: shared(rlp.subarray(at + 1, at + 33), EMPTY_ROOT),
    codeHash: shared(rlp.subarray(at + 34, at + 66), EMPTY_CODE_HASH),
  }
}

export function isSameAccount(a: AccountRecord | undefined, b: AccountRecord | undefined): boolean {
  if (!a || !b) return a === b
  return a.nonce === b.nonce && a.balance === b.balance && equalBytes(a.codeHash, b.codeHash)
}

/** The RLP of a storage word, as the leaf of a storage trie holds it; the word has no leading zeros. */
export function encodeWord(word: Uint8Array): Uint8Array {
  const rlp = new Uint8Array(itemSize(word))
  writeItem(rlp, 0, word)
  return rlp
}

/** The inverse of `encodeWord`. */
export function decodeWord(rlp: Uint8Array): Uint8Array {
  return readItem(rlp, 0).bytes
}

/** The same constant for the most frequent values: less memory, faster comparisons. */
function shared(bytes: Uint8Array, constant: Uint8Array): Uint8Array {
  return equalBytes(bytes, constant) ? constant : bytes
}

function unsigned(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array()
  const digits = value.toString(16)
  return Buffer.from(digits.length & 1 ? `0${digits}` : digits, 'hex')
}

function itemSize(bytes: Uint8Array): number {
  return bytes.length === 1 && (bytes[0] ?? 0) < 0x80 ? 1 : 1 + bytes.length
}

/** At most 32 bytes. */
function writeItem(rlp: Uint8Array, at: number, bytes: Uint8Array): number {
  if (itemSize(bytes) > 1 || bytes.length === 0) rlp[at++] = 0x80 + bytes.length
  rlp.set(bytes, at)
  return at + bytes.length
}

function readItem(rlp: Uint8Array, at: number): { readonly bytes: Uint8Array; readonly end: number } {
  const head = rlp[at] ?? 0
  const start = head < 0x80 ? at : at + 1
  const end = head < 0x80 ? at + 1 : start + head - 0x80
  return { bytes: rlp.subarray(start, end), end }
}
