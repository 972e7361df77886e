import { createBlock } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import {
  blockHash,
  chainSpecHash,
  EMPTY_REQUESTS_HASH,
  EMPTY_TRIE_ROOT,
  gasLimitAt,
  type ChainSpec,
  type SealedBlock,
} from '@hawser/chain'
import { systemContracts } from '@hawser/contracts'
import { buildGenesisState, type GenesisAccount } from '@hawser/execution'
import { fromHex, type Hash32 } from '@hawser/primitives'
import type { Write } from '@hawser/storage'
import { standardContracts } from './standard-contracts.ts'
import { checkpointHash, SUPPLY_WEI, systemContractCode } from './system-contract-code.ts'

export interface Genesis {
  readonly hash: Hash32
  readonly sealed: SealedBlock
  readonly state: readonly Write[]
}

/** Every account of block 0: what Ethereum's tools expect, and the system contracts. Only the bridge has a balance. */
export function genesisAccounts(spec: ChainSpec): readonly GenesisAccount[] {
  return [
    ...standardContracts,
    ...systemContractCode(spec).map((contract) => ({
      ...contract,
      nonce: 1n,
      balance: contract.address === systemContracts.bridge ? SUPPLY_WEI : 0n,
    })),
  ]
}

/** Block 0 of a chain spec. extraData is the spec's hash: whoever agrees on the genesis hash agrees on every constant. */
export async function buildGenesis(
  spec: ChainSpec,
  common: Common,
  accounts: readonly GenesisAccount[] = genesisAccounts(spec),
): Promise<Genesis> {
  const head = {
    timestamp: BigInt(spec.genesisTime),
    gasLimit: gasLimitAt(spec, 0n),
    baseFeePerGas: BigInt(spec.minBaseFeeWei),
  }
  const { stateRoot, state } = await buildGenesisState(common, head, accounts)
  const block = createBlock(
    {
      header: {
        ...head,
        number: 0n,
        difficulty: 0n,
        stateRoot: fromHex(stateRoot),
        extraData: fromHex(chainSpecHash(spec)),
        parentBeaconBlockRoot: checkpointHash(spec),
        withdrawalsRoot: fromHex(EMPTY_TRIE_ROOT),
        requestsHash: fromHex(EMPTY_REQUESTS_HASH),
        blobGasUsed: 0n,
        excessBlobGas: 0n,
      },
      withdrawals: [],
    },
    { common, setHardfork: false, freeze: false },
  )
  return { hash: blockHash(block), sealed: { block, seal: new Uint8Array() }, state }
}
