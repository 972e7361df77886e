import { address, fromHex, type Address } from '@hawser/primitives'
import { MULTICALL3_CREATION_CODE } from './multicall3.ts'

/** What Ethereum's tools expect to find on a chain, at the addresses where they look. */
export const standardContracts: readonly {
  readonly address: Address
  readonly nonce: bigint
  readonly code?: Uint8Array
  readonly creationCode?: Uint8Array
}[] = [
  {
    // EIP-4788: the ring of parent beacon block roots; here Bitcoin blocks.
    address: address('0x000f3df6d732807ef1319fb7b8bb8522d0beac02'),
    nonce: 1n,
    code: fromHex(
      '3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500',
    ),
  },
  {
    // EIP-2935: the ring of block hashes.
    address: address('0x0000f90827f1c53a10cb7a02335b175320002935'),
    nonce: 1n,
    code: fromHex(
      '3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500',
    ),
  },
  {
    // The deterministic CREATE2 deployer that Foundry, Hardhat and Safe use: salt | creation code.
    address: address('0x4e59b44847b379578588920ca78fbf26c0b4956c'),
    nonce: 1n,
    code: fromHex(
      '7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3',
    ),
  },
  {
    address: address('0xca11bde05977b3631167028862be2a173976ca11'),
    nonce: 1n,
    creationCode: fromHex(MULTICALL3_CREATION_CODE),
  },
]
