import { btcHashFromDisplay, concatBytes, fromHex, hash256, uintLE, type Hex } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { bitsFromTarget, retargetBits, targetFromBits, workOfBits } from './compact-target.ts'
import { HeaderChain, type BitcoinCheckpoint } from './header-chain.ts'
import { checkHeader, checkProofOfWork, expectedBits } from './header-rules.ts'
import { headerHashNumber, parseHeader } from './header.ts'
import { NETWORKS } from './networks.ts'
import { hasVectors, vectorJson } from './testing/vectors.ts'

const NOW_S = 1_700_000_000

interface Headers665280 {
  headers: { height: number; hashDisplay: string; headerHex: string }[]
}
interface Retarget {
  oldPeriodStart: { hex: string; height: number }
  genesis: { hex: string; height: number }
  chain: { hex: string; height: number; digest: string }[]
}

function rejection(chain: HeaderChain, raw: Uint8Array): string {
  const outcome = chain.add(raw, NOW_S)
  return outcome.status === 'rejected' ? outcome.error.code : outcome.status
}

describe('compact targets', () => {
  it('refuses negative, zero and overflowing encodings', () => {
    for (const bits of [0, 0x01000000, 0x04800001, 0x00ffffff, 0x23000001, 0x22000100, 0x21010000, 0x03000000])
      expect(targetFromBits(bits), bits.toString(16)).toBeUndefined()
    expect(targetFromBits(0x2200ff00 - 0xff00 + 0xff)).toBe(0xffn << 248n)
    expect(targetFromBits(0x2100ffff)).toBe(0xffffn << 240n)
  })
  it('encodes what it decodes', () => {
    for (const bits of [0x1d00ffff, 0x207fffff, 0x1e0377ae, 0x170d1017, 0x1731d97c])
      expect(bitsFromTarget(targetFromBits(bits) ?? 0n)).toBe(bits)
  })
  it('counts 2^32 + 2^16 + 1 hashes as the work of difficulty 1', () => {
    expect(workOfBits(0x1d00ffff)).toBe(2n ** 32n + 2n ** 16n + 1n)
  })
  it('clamps a retarget to a factor of four and never passes the limit', () => {
    const old = targetFromBits(0x1731d97c) ?? 0n
    expect(targetFromBits(retargetBits(0x1731d97c, 1, 0x1d00ffff))).toBe(targetFromBits(bitsFromTarget(old / 4n)))
    expect(retargetBits(0x1d00ffff, 10_000_000, 0x1d00ffff)).toBe(0x1d00ffff)
  })
})

describe.skipIf(!hasVectors)('mainnet headers', () => {
  const load = () => vectorJson<Headers665280>('bitcoin/mainnet-headers-665280.json').headers
  const start = (): { chain: HeaderChain; headers: ReturnType<typeof load> } => {
    const headers = load()
    const first = parseHeader(fromHex(headers[0]?.headerHex ?? ''))
    const checkpoint: BitcoinCheckpoint = {
      network: 'mainnet',
      height: 665_280,
      header: `0x${headers[0]?.headerHex}` as Hex,
      chainWork: 1n,
      periodStartTimeS: first.timeS,
      periodBits: first.bits,
    }
    return { chain: new HeaderChain(checkpoint), headers }
  }

  it('accepts 127 real headers after a retarget boundary and knows their hashes and heights', () => {
    const { chain, headers } = start()
    for (const { headerHex, hashDisplay, height } of headers.slice(1)) {
      const outcome = chain.add(fromHex(headerHex), NOW_S)
      expect(outcome.status).toBe('added')
      expect(chain.atHeight(height)?.hash).toBe(btcHashFromDisplay(hashDisplay))
    }
    expect(chain.best.height).toBe(665_407)
    expect(chain.best.chainWork).toBe(1n + 127n * workOfBits(0x170da8a1))
    expect(chain.confirmations(btcHashFromDisplay(headers[126]?.hashDisplay ?? ''))).toBe(2)
  })
  it('knows a header it has and changes nothing for it', () => {
    const { chain, headers } = start()
    chain.add(fromHex(headers[1]?.headerHex ?? ''), NOW_S)
    expect(rejection(chain, fromHex(headers[1]?.headerHex ?? ''))).toBe('known')
    expect(chain.size).toBe(2)
  })
  it('refuses a changed nonce, a gap, easier bits, a wrong length and a time too far ahead', () => {
    const { chain, headers } = start()
    const second = fromHex(headers[1]?.headerHex ?? '')
    const nonce = Uint8Array.from(second)
    nonce[79] = (nonce[79] ?? 0) ^ 1
    expect(rejection(chain, nonce)).toBe('HEADER_BAD_POW')
    expect(rejection(chain, fromHex(headers[2]?.headerHex ?? ''))).toBe('HEADER_UNKNOWN_PARENT')
    const easier = Uint8Array.from(second)
    easier.set(uintLE(0x207fffff, 4), 72)
    expect(rejection(chain, easier)).toBe('HEADER_BAD_TARGET')
    expect(rejection(chain, second.subarray(0, 79))).toBe('HEADER_BAD_LENGTH')
    const early = chain.add(second, parseHeader(second).timeS - 7201)
    expect(early.status === 'rejected' && early.error.code).toBe('HEADER_TIME_IN_FUTURE')
    expect(early.status === 'rejected' && early.error.info.retry).toBe(true)
    expect(chain.add(second, NOW_S).status).toBe('added')
  })
  it('checks the retarget at 554,400 from the period start, and refuses the old bits there', () => {
    const data = vectorJson<Retarget>('bitcoin/mainnet-retarget-554400.json')
    const old = parseHeader(fromHex(data.oldPeriodStart.hex))
    const chain = new HeaderChain({
      network: 'mainnet',
      height: data.genesis.height,
      header: data.genesis.hex as Hex,
      chainWork: 0n,
      periodStartTimeS: old.timeS,
      periodBits: old.bits,
    })
    for (const { hex, height } of data.chain) {
      expect(chain.add(fromHex(hex), NOW_S).status, String(height)).toBe('added')
      if (height === 554_399) {
        const first = parseHeader(fromHex(data.chain.find((h) => h.height === 554_400)?.hex ?? ''))
        expect(expectedBits(NETWORKS.mainnet, chain.best, first.timeS)).toBe(first.bits)
        expect(first.bits).not.toBe(chain.best.bits)
        const shifted = { ...chain.best, periodStartTimeS: old.timeS + 600 }
        expect(checkHeader(NETWORKS.mainnet, first, shifted, [], NOW_S)).toMatchObject({
          ok: false,
          error: { code: 'HEADER_WRONG_BITS' },
        })
      }
    }
    expect(chain.best.height).toBe(554_408)
  })
})

/** Mines a regtest child of `previous`. */
function mine(previous: Uint8Array, timeS: number, salt: number, version = 0x20000000): Uint8Array {
  const limit = targetFromBits(0x207fffff) ?? 0n
  for (let nonce = 0; ; nonce++) {
    const raw = concatBytes(
      uintLE(version, 4),
      hash256(previous),
      new Uint8Array(32).fill(salt),
      uintLE(timeS, 4),
      uintLE(0x207fffff, 4),
      uintLE(nonce, 4),
    )
    if (headerHashNumber(raw) <= limit) return raw
  }
}

describe('a regtest chain', () => {
  const genesis = fromHex(
    '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000',
  )
  const fresh = (options = {}) =>
    new HeaderChain(
      {
        network: 'regtest',
        height: 0,
        header: `0x${Buffer.from(genesis).toString('hex')}`,
        chainWork: 2n,
        periodStartTimeS: 1296688602,
        periodBits: 0x207fffff,
      },
      options,
    )

  it('has the genesis hash of every bitcoind', () => {
    expect(fresh().best.hash).toBe(
      btcHashFromDisplay('0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206'),
    )
  })
  it('keeps the first seen on a tie and moves when the other branch has more work', () => {
    const chain = fresh()
    const a1 = mine(genesis, 1296688603, 1)
    const a2 = mine(a1, 1296688604, 1)
    const b1 = mine(genesis, 1296688603, 2)
    const b2 = mine(b1, 1296688604, 2)
    const b3 = mine(b2, 1296688605, 2)
    for (const raw of [a1, a2, b1, b2]) chain.add(raw, NOW_S)
    expect(chain.best.hash).toBe(parseHeader(a2).hash)
    const outcome = chain.add(b3, NOW_S)
    expect(outcome).toMatchObject({
      becameBest: true,
      disconnected: [a1, a2].map((r) => parseHeader(r).hash),
      connected: [b1, b2, b3].map((r) => parseHeader(r).hash),
    })
    expect(chain.confirmations(parseHeader(a1).hash)).toBe(0)
    expect(chain.forkPoint(parseHeader(a2).hash, parseHeader(b3).hash)?.height).toBe(0)
    expect(chain.mainAncestor(parseHeader(a2).hash)?.height).toBe(0)
  })
  it('refuses a time that is not above the median and an old version', () => {
    const chain = fresh()
    let tip = genesis
    for (let i = 1; i <= 12; i++) {
      tip = mine(tip, 1296688602 + i * 10, 1)
      chain.add(tip, NOW_S)
    }
    const median = chain.medianTimeS(parseHeader(tip).hash) ?? 0
    expect(median).toBe(1296688602 + 7 * 10)
    expect(rejection(chain, mine(tip, median, 3))).toBe('HEADER_TIME_TOO_OLD')
    expect(rejection(chain, mine(tip, median + 1, 3, 3))).toBe('HEADER_BAD_VERSION')
    expect(rejection(chain, mine(tip, median + 1, 3))).toBe('added')
  })
  it('takes no more headers than its limit', () => {
    const chain = fresh({ maxHeaders: 2 })
    const one = mine(genesis, 1296688603, 1)
    expect(rejection(chain, one)).toBe('added')
    expect(rejection(chain, mine(one, 1296688604, 1))).toBe('HEADER_CHAIN_FULL')
  })
})

describe('testnet rules', () => {
  const parent = { height: 100, timeS: 1000, bits: 0x1d00ffff, periodBits: 0x1c00ffff, periodStartTimeS: 0 }
  it('asks for minimum difficulty only more than 20 minutes after the parent', () => {
    expect(expectedBits(NETWORKS.testnet4, parent, 2200)).toBe(0x1c00ffff)
    expect(expectedBits(NETWORKS.testnet4, parent, 2201)).toBe(0x1d00ffff)
    expect(expectedBits(NETWORKS.mainnet, parent, 2201)).toBe(parent.bits)
  })
  it('retargets testnet4 from the period start bits and testnet3 from the last bits', () => {
    const last = { ...parent, height: 2015, timeS: 1_209_600 / 2 }
    expect(expectedBits(NETWORKS.testnet4, last, 0)).toBe(retargetBits(0x1c00ffff, 604_800, 0x1d00ffff))
    expect(expectedBits(NETWORKS.testnet3, last, 0)).toBe(retargetBits(0x1d00ffff, 604_800, 0x1d00ffff))
  })
})

describe('the networks', () => {
  const old = '3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a'
  const testnet4 = '4e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a'
  it.each([
    ['mainnet', old, 1231006505, 2083236893],
    ['testnet3', old, 1296688602, 414098458],
    ['testnet4', testnet4, 1714777860, 393743547],
    ['signet', old, 1598918400, 52613770],
    ['regtest', old, 1296688602, 2],
  ] as const)('%s has its genesis hash and limit', (network, root, timeS, nonce) => {
    const { powLimitBits, genesisHash } = NETWORKS[network]
    const rest = [timeS, powLimitBits, nonce].map((n) => uintLE(n, 4))
    const raw = concatBytes(uintLE(1, 4), new Uint8Array(32), fromHex(root), ...rest)
    expect(parseHeader(raw).hash).toBe(`0x${genesisHash}`)
    expect(checkProofOfWork(NETWORKS[network], parseHeader(raw)).ok).toBe(true)
  })
})
