import { Common, Hardfork, type ChainConfig, type CustomCrypto, type ParamsDict } from '@ethereumjs/common'
import { keccak256, sha256 } from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'

// Every fork from the first block on, without the DAO's: EthereumJS would move that fork's accounts at its block.
const FORKS = [
  Hardfork.Chainstart,
  Hardfork.Homestead,
  Hardfork.TangerineWhistle,
  Hardfork.SpuriousDragon,
  Hardfork.Byzantium,
  Hardfork.Constantinople,
  Hardfork.Petersburg,
  Hardfork.Istanbul,
  Hardfork.Berlin,
  Hardfork.London,
]
const FORKS_BY_TIME = [Hardfork.Paris, Hardfork.Shanghai, Hardfork.Cancun, Hardfork.Prague, Hardfork.Osaka]

/**
 * A rule set that is never copied. EthereumJS copies it for each transaction, header and block, and clones its parameters through
 * JSON each time: most of what decoding costs. It stands for one fork, and nothing ever changes it.
 */
class SharedCommon extends Common {
  readonly #merged = new Set<ParamsDict>()
  // What opcodes ask again and again; EthereumJS searches lists for it.
  readonly #activated = new Map<number, boolean>()
  readonly #reached = new Map<string, boolean>()
  #values = new Map<string, bigint>()

  override copy(): Common {
    return this
  }

  /** EthereumJS would move the fork of what it reads, ommers for one: whoever hands this set in has chosen it. */
  override setHardforkBy(): string {
    return this.hardfork()
  }

  override updateParams(params: ParamsDict): void {
    if (this.#merged.has(params)) return
    this.#merged.add(params)
    super.updateParams(params)
    this.#values = new Map()
  }

  override isActivatedEIP(eip: number): boolean {
    // The constructor of the class that this one extends asks, too.
    if (!(#activated in this)) return super.isActivatedEIP(eip)
    let active = this.#activated.get(eip)
    if (active === undefined) this.#activated.set(eip, (active = super.isActivatedEIP(eip)))
    return active
  }

  override gteHardfork(hardfork: string): boolean {
    if (!(#reached in this)) return super.gteHardfork(hardfork)
    let reached = this.#reached.get(hardfork)
    if (reached === undefined) this.#reached.set(hardfork, (reached = super.gteHardfork(hardfork)))
    return reached
  }

  override param(name: string): bigint {
    if (!(#values in this)) return super.param(name)
    let value = this.#values.get(name)
    if (value === undefined) this.#values.set(name, (value = super.param(name)))
    return value
  }
}

/**
 * EthereumJS's rule set for a chain id: Osaka from genesis, proof of stake, native recovery and fast hashes.
 * One instance is shared by everything: copying it costs more than decoding a transaction.
 */
export function createCommon(chainId: number): Common {
  const chain: ChainConfig = {
    name: 'hawser',
    chainId,
    defaultHardfork: Hardfork.Osaka,
    genesis: { gasLimit: 30_000_000, difficulty: 0, nonce: '0x0000000000000000', extraData: '0x' },
    hardforks: [
      ...FORKS.map((name) => ({ name, block: 0 })),
      ...FORKS_BY_TIME.map((name) =>
        name === Hardfork.Paris ? { name, block: 0 } : { name, block: null, timestamp: 0 },
      ),
    ],
    bootstrapNodes: [],
    consensus: { type: 'pos', algorithm: 'casper', casper: {} },
  }
  return createSharedCommon(chain, Hardfork.Osaka)
}

/** The rules of one fork of a chain, shared by everything that runs in it; native recovery and fast hashes. */
export function createSharedCommon(chain: ChainConfig, hardfork: string, crypto: CustomCrypto = {}): Common {
  return new SharedCommon({
    chain,
    hardfork,
    customCrypto: {
      ...crypto,
      keccak256,
      sha256,
      ecrecover(digest, v, r, s, id) {
        const parity = v === 0n || v === 1n ? v : v === 27n || v === 28n ? v - 27n : v - (id ?? 0n) * 2n - 35n
        return secp256k1.ecrecover(digest, pad32(r), pad32(s), Number(parity)).subarray(1)
      },
    },
  })
}

function pad32(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 32) return bytes
  const word = new Uint8Array(32)
  word.set(bytes, 32 - bytes.length)
  return word
}
