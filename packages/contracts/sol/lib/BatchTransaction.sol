// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBitcoinLightClient, ProvenBatch} from "../interfaces/IBitcoinLightClient.sol";
import {Batch} from "../interfaces/IBridge.sol";
import {BitcoinTransaction} from "./BitcoinTransaction.sol";
import {BLOCK_HASH_HISTORY} from "./SystemAddresses.sol";

/// @title The Bitcoin transaction of a batch (protocol.md, section 7): recognised byte for byte.
library BatchTransaction {
    /// What follows the block hash: the change's value, its 34-byte script, the locktime.
    uint256 private constant TAIL_LENGTH = 8 + 1 + 34 + 4;
    uint256 private constant BLOCKHASH_WINDOW = 256;

    /// Refuses every transaction but a version of the batch's; reads what versions differ in: change and fee.
    function read(Batch calldata batch, bytes32 outputKey, bytes calldata transaction, ProvenBatch memory version)
        internal
        view
    {
        bytes memory head = _expectedHead(batch);
        uint256 length = head.length;
        if (transaction.length != length + 32 + TAIL_LENGTH) revert IBitcoinLightClient.NotTheBatch("length");
        if (keccak256(transaction[:length]) != keccak256(head)) revert IBitcoinLightClient.NotTheBatch("head");
        bytes32 named = bytes32(transaction[length:length + 32]);
        bytes32 known = _blockHash(batch.formedAtBlock);
        if (known != 0 && named != known) revert IBitcoinLightClient.NotTheBatch("blockHash");
        bytes calldata tail = transaction[length + 32:];
        if (keccak256(tail[8:]) != keccak256(abi.encodePacked(hex"225120", outputKey, uint32(0)))) {
            revert IBitcoinLightClient.NotTheBatch("change");
        }
        version.changeVout = uint32(batch.requests.length + 1);
        version.changeSats = BitcoinTransaction.little64(uint64(bytes8(tail[:8])));
        uint256 spent = uint256(batch.payoutSats) + version.changeSats;
        if (version.changeSats == 0 || spent > batch.inputSats) revert IBitcoinLightClient.NotTheBatch("changeValue");
        version.feeSats = batch.inputSats - uint64(spent);
    }

    /// The transaction up to the block hash in its checkpoint output.
    function _expectedHead(Batch calldata batch) private pure returns (bytes memory) {
        uint256 inputs = batch.inputs.length;
        uint256 requests = batch.requests.length;
        bytes[] memory parts = new bytes[](inputs + requests);
        for (uint256 i = 0; i < inputs; i++) {
            parts[i] = abi.encodePacked(
                batch.inputs[i].txid, BitcoinTransaction.little32(batch.inputs[i].vout), hex"00fdffffff"
            );
        }
        for (uint256 i = 0; i < requests; i++) {
            bytes calldata script = batch.requests[i].script;
            parts[inputs + i] = abi.encodePacked(
                BitcoinTransaction.little64(batch.requests[i].amountSats), uint8(script.length), script
            );
        }
        return bytes.concat(
            hex"02000000",
            BitcoinTransaction.varInt(inputs),
            _concat(parts, 0, inputs),
            BitcoinTransaction.varInt(requests + 2),
            _concat(parts, inputs, parts.length),
            // Value 0; 47 bytes: OP_RETURN, push of 45, "HWSR", version 1, block number, (block hash).
            abi.encodePacked(uint64(0), hex"2f6a2d4857535201", batch.formedAtBlock)
        );
    }

    function _concat(bytes[] memory parts, uint256 from, uint256 to) private pure returns (bytes memory joined) {
        uint256 length = 0;
        for (uint256 i = from; i < to; i++) {
            length += parts[i].length;
        }
        joined = new bytes(length);
        uint256 offset = 32;
        for (uint256 i = from; i < to; i++) {
            bytes memory part = parts[i];
            assembly ("memory-safe") {
                mcopy(add(joined, offset), add(part, 32), mload(part))
            }
            offset += part.length;
        }
    }

    /// Zero when neither BLOCKHASH nor EIP-2935 knows it any more.
    function _blockHash(uint256 number) private view returns (bytes32) {
        if (block.number - number <= BLOCKHASH_WINDOW) return blockhash(number);
        (bool ok, bytes memory result) = BLOCK_HASH_HISTORY.staticcall(abi.encode(number));
        return ok && result.length == 32 ? bytes32(result) : bytes32(0);
    }
}
