import { bls12_381 as bls } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { p256 } from '@noble/curves/nist.js'
import { concatBytes, keccak256, sha256, uintBE, utf8 } from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'

export interface PrecompileInput {
  readonly name: string
  readonly address: number
  readonly input: Uint8Array
  /** Gas handed to the call, where all of it would be lost by a failure. */
  readonly gas?: number
}

const DIGEST = keccak256(utf8('worst'))
const KEY = keccak256(utf8('key'))

/** Valid inputs of every precompile, from the smallest to the largest that pays. */
export function precompileInputs(): PrecompileInput[] {
  return [
    ...hashes(),
    { name: 'ecrecover', address: 1, input: ecrecoverInput() },
    ...modexps(),
    ...bn254Inputs(),
    ...[0, 12, 100_000].map((rounds) => ({
      name: `blake2f ${rounds} rounds`,
      address: 9,
      input: blake2fInput(rounds),
    })),
    { name: 'point evaluation, refused', address: 10, input: pointEvaluationInput(), gas: 50_000 },
    ...blsInputs(),
    { name: 'p256', address: 0x100, input: p256Input() },
  ]
}

function hashes(): PrecompileInput[] {
  const names = { sha256: 2, ripemd160: 3, identity: 4 }
  return Object.entries(names).flatMap(([name, address]) =>
    [0, 64, 65_536].map((size) => ({ name: `${name} ${size} bytes`, address, input: new Uint8Array(size) })),
  )
}

function ecrecoverInput(): Uint8Array {
  const signature = secp256k1.sign(DIGEST, KEY)
  return concatBytes(DIGEST, uintBE(27 + (signature[64] ?? 0), 32), signature.subarray(0, 64))
}

function modexps(): PrecompileInput[] {
  const sizes = [
    ['1-byte numbers', 1, 1, 1],
    ['256-bit numbers', 32, 32, 32],
    ['256-bit numbers, even modulus', 32, 32, 32],
    ['256-bit modulus, 1024-byte exponent', 32, 1024, 32],
    ['2048-bit numbers, 40-byte exponent', 256, 40, 256],
    ['8192-bit numbers, 3-byte exponent', 1024, 3, 1024],
    ['8192-bit numbers, 40-byte exponent', 1024, 40, 1024],
  ] as const
  return sizes.map(([name, base, exponent, modulus]) => {
    const last = name.includes('even') ? 0xfe : 0xff
    const number = (length: number, end = 0xff) =>
      concatBytes(new Uint8Array(length - 1).fill(0xff), Uint8Array.of(end))
    return {
      name: `modexp ${name}`,
      address: 5,
      input: concatBytes(
        uintBE(base, 32),
        uintBE(exponent, 32),
        uintBE(modulus, 32),
        concatBytes(number(base).fill(0xfb)),
        number(exponent),
        number(modulus, last),
      ),
    }
  })
}

function bn254Inputs(): PrecompileInput[] {
  const g1 = (k: bigint) => {
    const { x, y } = bn254.G1.Point.BASE.multiply(k).toAffine()
    return concatBytes(uintBE(x, 32), uintBE(y, 32))
  }
  const g2 = (k: bigint) => {
    const { x, y } = bn254.G2.Point.BASE.multiply(k).toAffine()
    return concatBytes(...[x.c1, x.c0, y.c1, y.c0].map((c) => uintBE(c, 32)))
  }
  const pairs = (count: number) =>
    concatBytes(...Array.from({ length: count }, (_, i) => concatBytes(g1(BigInt(i + 3)), g2(BigInt(i + 5)))))
  return [
    { name: 'bn254 add', address: 6, input: concatBytes(g1(7n), g1(11n)) },
    { name: 'bn254 mul', address: 7, input: concatBytes(g1(7n), new Uint8Array(32).fill(0xff)) },
    ...[0, 1, 10].map((count) => ({ name: `bn254 pairing of ${count}`, address: 8, input: pairs(count) })),
  ]
}

function blake2fInput(rounds: number): Uint8Array {
  return concatBytes(
    uintBE(rounds, 4),
    new Uint8Array(64).fill(0xa5),
    new Uint8Array(128).fill(0x5a),
    new Uint8Array(16).fill(1),
    Uint8Array.of(1),
  )
}

function pointEvaluationInput(): Uint8Array {
  const commitment = bls.G1.Point.BASE.multiply(5n).toBytes()
  const versioned = concatBytes(Uint8Array.of(1), sha256(commitment).subarray(1))
  return concatBytes(versioned, uintBE(9n, 32), uintBE(10n, 32), commitment, bls.G1.Point.BASE.multiply(7n).toBytes())
}

function blsInputs(): PrecompileInput[] {
  const fp = (x: bigint) => uintBE(x, 64)
  const g1 = (k: bigint) => {
    const { x, y } = bls.G1.Point.BASE.multiply(k).toAffine()
    return concatBytes(fp(x), fp(y))
  }
  const g2 = (k: bigint) => {
    const { x, y } = bls.G2.Point.BASE.multiply(k).toAffine()
    return concatBytes(...[x.c0, x.c1, y.c0, y.c1].map(fp))
  }
  const many = (count: number, item: (i: bigint) => Uint8Array) =>
    concatBytes(...Array.from({ length: count }, (_, i) => item(BigInt(i + 3))))
  const scalar = new Uint8Array(32).fill(0xff)
  const largest = bls.fields.Fp.ORDER - 5n
  return [
    { name: 'BLS G1 add', address: 0x0b, input: many(2, g1) },
    ...[1, 128].map((count) => ({
      name: `BLS G1 MSM of ${count}`,
      address: 0x0c,
      input: many(count, (i) => concatBytes(g1(i), scalar)),
    })),
    { name: 'BLS G2 add', address: 0x0d, input: many(2, g2) },
    ...[1, 128].map((count) => ({
      name: `BLS G2 MSM of ${count}`,
      address: 0x0e,
      input: many(count, (i) => concatBytes(g2(i), scalar)),
    })),
    ...[1, 8].map((count) => ({
      name: `BLS pairing of ${count}`,
      address: 0x0f,
      input: many(count, (i) => concatBytes(g1(i), g2(i + 1n))),
    })),
    { name: 'BLS map to G1', address: 0x10, input: fp(largest) },
    { name: 'BLS map to G2', address: 0x11, input: concatBytes(fp(largest), fp(largest - 9n)) },
  ]
}

function p256Input(): Uint8Array {
  const secret = KEY
  const signature = p256.sign(DIGEST, secret, { prehash: false })
  const publicKey = p256.getPublicKey(secret, false).subarray(1)
  return concatBytes(DIGEST, signature.subarray(0, 64), publicKey)
}
