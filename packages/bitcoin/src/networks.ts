/** The Bitcoin networks that the light client and the address code know. */
export type BitcoinNetwork = 'mainnet' | 'testnet3' | 'testnet4' | 'signet' | 'regtest'

/** What differs between networks; targets in compact form, versions as single bytes. */
export interface NetworkParameters {
  readonly network: BitcoinNetwork
  /** The easiest target, compact. */
  readonly powLimitBits: number
  /** regtest: the target never changes. */
  readonly noRetarget: boolean
  /** testnet3 and testnet4: a block 20 minutes after its parent may have the easiest target. */
  readonly minimumDifficultyBlocks: boolean
  /** testnet4: BIP94 (retarget from the period's first block, timewarp rule). */
  readonly bip94: boolean
  /** Human-readable part of segwit addresses. */
  readonly hrp: string
  readonly p2pkhVersion: number
  readonly p2shVersion: number
  /** `chain` in bitcoind's getblockchaininfo. */
  readonly bitcoindName: string
  /** Hash of block 0, internal byte order, hex without 0x. */
  readonly genesisHash: string
  /** Blocks between halvings. */
  readonly halvingInterval: number
}

const test = { p2pkhVersion: 0x6f, p2shVersion: 0xc4, halvingInterval: 210_000 } as const

export const NETWORKS: Readonly<Record<BitcoinNetwork, NetworkParameters>> = {
  mainnet: {
    network: 'mainnet',
    powLimitBits: 0x1d00ffff,
    noRetarget: false,
    minimumDifficultyBlocks: false,
    bip94: false,
    hrp: 'bc',
    p2pkhVersion: 0x00,
    p2shVersion: 0x05,
    bitcoindName: 'main',
    genesisHash: '6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000',
    halvingInterval: 210_000,
  },
  testnet3: {
    ...test,
    network: 'testnet3',
    powLimitBits: 0x1d00ffff,
    noRetarget: false,
    minimumDifficultyBlocks: true,
    bip94: false,
    hrp: 'tb',
    bitcoindName: 'test',
    genesisHash: '43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000',
  },
  testnet4: {
    ...test,
    network: 'testnet4',
    powLimitBits: 0x1d00ffff,
    noRetarget: false,
    minimumDifficultyBlocks: true,
    bip94: true,
    hrp: 'tb',
    bitcoindName: 'testnet4',
    genesisHash: '43f08bdab050e35b567c864b91f47f50ae725ae2de53bcfbbaf284da00000000',
  },
  signet: {
    ...test,
    network: 'signet',
    powLimitBits: 0x1e0377ae,
    noRetarget: false,
    minimumDifficultyBlocks: false,
    bip94: false,
    hrp: 'tb',
    bitcoindName: 'signet',
    genesisHash: 'f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000',
  },
  regtest: {
    ...test,
    network: 'regtest',
    powLimitBits: 0x207fffff,
    noRetarget: true,
    minimumDifficultyBlocks: false,
    bip94: false,
    hrp: 'bcrt',
    bitcoindName: 'regtest',
    genesisHash: '06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f',
    halvingInterval: 150,
  },
}
