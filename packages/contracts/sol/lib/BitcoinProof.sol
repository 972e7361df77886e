// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InclusionProof, IBitcoinLightClient} from "../interfaces/IBitcoinLightClient.sol";
import {BitcoinHeader} from "./BitcoinHeader.sol";

/// @title Merkle inclusion with the coinbase's bytes (bitcoin.md, section 2).
library BitcoinProof {
    /// 4,000,000 weight units / 240 per transaction leave at most 16,666 leaves, hence 15 levels.
    uint256 internal constant MAX_BRANCH_LENGTH = 15;
    /// An inner node is the hash of 64 bytes: a transaction of that size could stand for one (CVE-2017-12842).
    uint256 internal constant INNER_NODE_LENGTH = 64;
    /// Version, one input with null prevout, empty script and sequence; no outputs yet.
    uint256 internal constant MIN_COINBASE_LENGTH = 60;

    /// @return txid hash of the proven transaction
    /// @return blockHash hash of the header
    function verify(InclusionProof calldata proof) internal pure returns (bytes32 txid, bytes32 blockHash) {
        if (proof.header.length != BitcoinHeader.LENGTH) revert IBitcoinLightClient.BadHeaderLength(proof.header.length);
        uint256 depth = proof.branch.length;
        if (
            depth > MAX_BRANCH_LENGTH || proof.coinbaseBranch.length != depth || proof.index >> depth != 0
                || proof.transaction.length == INNER_NODE_LENGTH || !_isCoinbase(proof.coinbase)
        ) revert IBitcoinLightClient.BadProof();
        bytes memory header = proof.header;
        bytes32 root = BitcoinHeader.merkleRootOf(header);
        blockHash = BitcoinHeader.hash(header);
        txid = BitcoinHeader.hash(proof.transaction);
        if (
            _root(BitcoinHeader.hash(proof.coinbase), proof.coinbaseBranch, 0) != root
                || _root(txid, proof.branch, proof.index) != root
        ) revert IBitcoinLightClient.BadMerkleBranch();
    }

    function _isCoinbase(bytes calldata coinbase) private pure returns (bool) {
        return coinbase.length >= MIN_COINBASE_LENGTH && coinbase.length != INNER_NODE_LENGTH && coinbase[4] == 0x01
            && bytes32(coinbase[5:37]) == 0 && bytes4(coinbase[37:41]) == 0xffffffff;
    }

    function _root(bytes32 node, bytes32[] calldata branch, uint256 index) private pure returns (bytes32) {
        for (uint256 level = 0; level < branch.length; level++) {
            bytes memory pair =
                (index >> level) & 1 == 0 ? abi.encodePacked(node, branch[level]) : abi.encodePacked(branch[level], node);
            node = sha256(abi.encodePacked(sha256(pair)));
        }
        return node;
    }
}
