import { EVMError, type ExecResult, type PrecompileInput } from '@ethereumjs/evm'
import { concatBytes, readUintBE, uintBE } from '@hawser/primitives'
import { createECDH } from 'node:crypto'

const GAS = 6_900n // EIP-7951
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const A = P - 3n
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

const VALID = uintBE(1, 32)
const NOT_VALID = new Uint8Array()

interface Point {
  readonly x: bigint
  readonly y: bigint
}

/**
 * The P256VERIFY precompile (0x100, EIP-7951) on OpenSSL. It verifies no digests, only messages, but it multiplies points: with
 * R = u1 G + u2 Q = u2 (Q + (u1 / u2) G) one multiple of G, one addition and the x of one multiple are enough.
 */
export function p256Verify({ data, gasLimit }: PrecompileInput): ExecResult {
  if (gasLimit < GAS)
    return {
      returnValue: NOT_VALID,
      executionGasUsed: gasLimit,
      exceptionError: new EVMError(EVMError.errorMessages.OUT_OF_GAS),
    }
  return { returnValue: isValid(data) ? VALID.slice() : NOT_VALID, executionGasUsed: GAS }
}

function isValid(data: Uint8Array): boolean {
  if (data.length !== 160) return false
  const [digest, r, s, x, y] = [0, 32, 64, 96, 128].map((at) => readUintBE(data.subarray(at, at + 32))) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ]
  if (r === 0n || r >= N || s === 0n || s >= N || x >= P || y >= P || !isOnCurve({ x, y })) return false
  // u1 / u2 = digest / r, u2 = r / s
  const point = add({ x, y }, multipleOfBase((digest * inverse(r, N)) % N))
  return point !== undefined && xOfMultiple(point, (r * inverse(s, N)) % N) % N === r
}

function isOnCurve({ x, y }: Point): boolean {
  return (y * y - (x * x * x + A * x + B)) % P === 0n
}

/** undefined is the point at infinity. */
function multipleOfBase(k: bigint): Point | undefined {
  if (k === 0n) return undefined
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(uintBE(k, 32))
  const key = ecdh.getPublicKey()
  return { x: readUintBE(key.subarray(1, 33)), y: readUintBE(key.subarray(33)) }
}

/** The x of k times a point; k is not 0, and the point has the group's prime order. */
function xOfMultiple({ x, y }: Point, k: bigint): bigint {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(uintBE(k, 32))
  return readUintBE(ecdh.computeSecret(concatBytes(Uint8Array.of(4), uintBE(x, 32), uintBE(y, 32))))
}

function add(p: Point, q: Point | undefined): Point | undefined {
  if (!q) return p
  if (p.x === q.x && p.y !== q.y) return undefined
  const slope = p.x === q.x ? (3n * p.x * p.x + A) * inverse(2n * p.y, P) : (q.y - p.y) * inverse(mod(q.x - p.x), P)
  const x = mod(slope * slope - p.x - q.x)
  return { x, y: mod(slope * (p.x - x) - p.y) }
}

function mod(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

/** By Euclid's algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b] = [value % modulus, modulus]
  let [x, y] = [1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b] = [b, a - quotient * b]
    ;[x, y] = [y, x - quotient * y]
  }
  return ((x % modulus) + modulus) % modulus
}
