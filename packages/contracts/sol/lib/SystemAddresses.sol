// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Fixed addresses of the predeployed contracts, and the caller of the node's own calls at the end of a block.
address constant BITCOIN_LIGHT_CLIENT = 0xB7C0000000000000000000000000000000000001;
address constant BRIDGE = 0xb7c0000000000000000000000000000000000002;
address constant VALIDATORS = 0xb7c0000000000000000000000000000000000003;
address constant FEE_POOL = 0xB7C0000000000000000000000000000000000004;
address constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
// EIP-2935: hashes of the last 8,191 blocks.
address constant BLOCK_HASH_HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
