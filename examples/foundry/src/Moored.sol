// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

interface IBitcoinLightClient {
    function getBestBlock() external view returns (bytes32 hash, uint32 height, uint128 work);
}

/// @title Knows how far Bitcoin has come since it was deployed.
contract Moored {
    /// The light client that every block of the chain keeps up to date.
    IBitcoinLightClient public constant BITCOIN = IBitcoinLightClient(0xB7C0000000000000000000000000000000000001);

    uint32 public immutable deployedAtHeight;

    constructor() {
        deployedAtHeight = bitcoinHeight();
    }

    function bitcoinHeight() public view returns (uint32 height) {
        (, height,) = BITCOIN.getBestBlock();
    }

    function blocksSince() external view returns (uint32) {
        return bitcoinHeight() - deployedAtHeight;
    }
}
