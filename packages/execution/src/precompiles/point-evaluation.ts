import { EVMError, type ExecResult, type PrecompileInput } from '@ethereumjs/evm'
import { concatBytes, equalBytes, readUintBE, sha256, uintBE } from '@hawser/primitives'
import type mcl from 'mcl-wasm'

type Mcl = typeof mcl
type G1 = InstanceType<Mcl['G1']>
type G2 = InstanceType<Mcl['G2']>

const GAS = 50_000n // EIP-4844
const FIELD_MODULUS =
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn
/** BLS_MODULUS: the order of the groups, and the field of what blobs hold. */
const ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n
const FIELD_ELEMENTS_PER_BLOB = 4096n
const COMPRESSED_BYTES = 48

const G1_GENERATOR = {
  x: 0x17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bbn,
  y: 0x08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1n,
}
const G2_GENERATOR = [
  0x024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8n,
  0x13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7en,
  0x0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801n,
  0x0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79ben,
] as const
/** tau times the generator of G2, from Ethereum's KZG ceremony: x.c0, x.c1, y.c0, y.c1. */
const TAU_G2 = [
  0x185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2n,
  0x15bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72n,
  0x014353bdb96b626dd7d5ee8599d1fca2131569490e28de18e82451a496a9c9794ce26d105941f383ee689bfbbb832a99n,
  0x1666c54b0a32529503432fcae0181b4bef79de09fc63671fda5ed1ba9bfa07899495346f3d7ac9cd23048ef30d0a154fn,
] as const

const SUCCESS = concatBytes(uintBE(FIELD_ELEMENTS_PER_BLOB, 32), uintBE(ORDER, 32))

/**
 * The point evaluation precompile (0x0a, EIP-4844) on the BLS12-381 library: whether a committed polynomial takes the value y at z.
 * No trusted setup has to be loaded: verifying needs one point of it.
 */
export function pointEvaluation(bls: Mcl): (input: PrecompileInput) => ExecResult {
  const g2 = new bls.PrecomputedG2(point2(bls, G2_GENERATOR))
  const tauG2 = new bls.PrecomputedG2(point2(bls, TAU_G2))
  const g1 = point1(bls, G1_GENERATOR.x, G1_GENERATOR.y)
  return ({ data, gasLimit }) => {
    const fail = (): ExecResult => ({
      returnValue: new Uint8Array(),
      executionGasUsed: gasLimit,
      exceptionError: new EVMError(EVMError.errorMessages.INVALID_PROOF),
    })
    if (gasLimit < GAS) return { ...fail(), exceptionError: new EVMError(EVMError.errorMessages.OUT_OF_GAS) }
    if (data.length !== 192) return fail()
    const commitmentBytes = data.subarray(96, 144)
    if (!equalBytes(data.subarray(0, 32), concatBytes(Uint8Array.of(1), sha256(commitmentBytes).subarray(1))))
      return fail()
    const z = readUintBE(data.subarray(32, 64))
    const y = readUintBE(data.subarray(64, 96))
    const commitment = decompress(bls, commitmentBytes)
    const proof = decompress(bls, data.subarray(144, 192))
    if (z >= ORDER || y >= ORDER || !commitment || !proof) return fail()
    // e(C - y G1 + z proof, G2) = e(proof, tau G2)
    const left = bls.add(bls.sub(commitment, bls.mul(g1, scalar(bls, y))), bls.mul(proof, scalar(bls, z)))
    // As one product of two pairings, which shares the costlier half of the work.
    const product = bls.mul(bls.precomputedMillerLoop(left, g2), bls.precomputedMillerLoop(bls.neg(proof), tauG2))
    const holds = bls.finalExp(product).isOne()
    return holds ? { returnValue: Uint8Array.from(SUCCESS), executionGasUsed: GAS } : fail()
  }
}

/** A point of G1 from its compressed form (ZCash's, as in EIP-4844); undefined when it is none of the subgroup. */
function decompress(bls: Mcl, bytes: Uint8Array): G1 | undefined {
  const flags = bytes[0] ?? 0
  if ((flags & 0x80) === 0 || bytes.length !== COMPRESSED_BYTES) return undefined
  const x = readUintBE(concatBytes(Uint8Array.of(flags & 0x1f), bytes.subarray(1)))
  if ((flags & 0x40) !== 0) return x === 0n && (flags & 0x20) === 0 ? new bls.G1() : undefined
  if (x >= FIELD_MODULUS) return undefined
  const square = (x * x * x + 4n) % FIELD_MODULUS
  const root = power(square, (FIELD_MODULUS + 1n) / 4n)
  if ((root * root) % FIELD_MODULUS !== square) return undefined
  const isLarger = root > (FIELD_MODULUS - 1n) / 2n
  const point = point1(bls, x, isLarger === ((flags & 0x20) !== 0) ? root : FIELD_MODULUS - root)
  return point.isValidOrder() ? point : undefined
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let e = exponent, b = base; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % FIELD_MODULUS
    b = (b * b) % FIELD_MODULUS
  }
  return result
}

function field(bls: Mcl, value: bigint): InstanceType<Mcl['Fp']> {
  const element = new bls.Fp()
  element.setStr(value.toString(16), 16)
  return element
}

function scalar(bls: Mcl, value: bigint): InstanceType<Mcl['Fr']> {
  const element = new bls.Fr()
  element.setStr(value.toString(16), 16)
  return element
}

function point1(bls: Mcl, x: bigint, y: bigint): G1 {
  const point = new bls.G1()
  point.setX(field(bls, x))
  point.setY(field(bls, y))
  point.setZ(field(bls, 1n))
  return point
}

function point2(bls: Mcl, [x0, x1, y0, y1]: readonly [bigint, bigint, bigint, bigint]): G2 {
  const pair = (a: bigint, b: bigint) => {
    const element = new bls.Fp2()
    element.set_a(field(bls, a))
    element.set_b(field(bls, b))
    return element
  }
  const point = new bls.G2()
  point.setX(pair(x0, x1))
  point.setY(pair(y0, y1))
  point.setZ(pair(1n, 0n))
  return point
}
