// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Reading witness-stripped transactions.
/// @dev Used only on bytes whose hash was proven to be in a block, so their encoding is canonical; a slice outside them reverts all the same.
library BitcoinTransaction {
    error BadTransaction();

    /// 36 bytes of outpoint and 4 of sequence stand around the script.
    uint256 private constant OUTPOINT_LENGTH = 36;
    uint256 private constant SEQUENCE_LENGTH = 4;
    uint256 private constant VERSION_LENGTH = 4;
    uint256 private constant LOCKTIME_LENGTH = 4;

    /// Position of the count of outputs.
    function outputsStart(bytes calldata transaction) internal pure returns (uint256 position) {
        uint256 count;
        (count, position) = _varInt(transaction, VERSION_LENGTH);
        for (uint256 i = 0; i < count; i++) {
            position = _skipInput(transaction, position);
        }
    }

    /// The outpoint that an input spends.
    function outpoint(bytes calldata transaction, uint256 index) internal pure returns (bytes32 txid, uint32 vout) {
        (uint256 count, uint256 position) = _varInt(transaction, VERSION_LENGTH);
        if (index >= count) revert BadTransaction();
        for (uint256 i = 0; i < index; i++) {
            position = _skipInput(transaction, position);
        }
        txid = bytes32(transaction[position:position + 32]);
        vout = uint32(_little(transaction, position + 32, 4));
    }

    function outputCount(bytes calldata transaction) internal pure returns (uint256 count, uint256 position) {
        return _varInt(transaction, outputsStart(transaction));
    }

    /// The output at `position` and where the next one starts.
    function outputAt(bytes calldata transaction, uint256 position)
        internal
        pure
        returns (uint64 value, bytes calldata script, uint256 next)
    {
        value = uint64(_little(transaction, position, 8));
        uint256 length;
        (length, next) = _varInt(transaction, position + 8);
        if (next + length + LOCKTIME_LENGTH > transaction.length) revert BadTransaction();
        script = transaction[next:next + length];
        next += length;
    }

    function _skipInput(bytes calldata transaction, uint256 position) private pure returns (uint256) {
        (uint256 length, uint256 next) = _varInt(transaction, position + OUTPOINT_LENGTH);
        return next + length + SEQUENCE_LENGTH;
    }

    function _varInt(bytes calldata data, uint256 position) private pure returns (uint256 value, uint256 next) {
        uint256 first = _little(data, position, 1);
        if (first < 0xfd) return (first, position + 1);
        uint256 length = first == 0xfd ? 2 : first == 0xfe ? 4 : 8;
        return (_little(data, position + 1, length), position + 1 + length);
    }

    function _little(bytes calldata data, uint256 position, uint256 length) private pure returns (uint256 value) {
        if (position + length > data.length) revert BadTransaction();
        for (uint256 i = length; i > 0; i--) {
            value = (value << 8) | uint8(data[position + i - 1]);
        }
    }

    // --- writing

    /// A count as Bitcoin writes it, below 65,536.
    function varInt(uint256 value) internal pure returns (bytes memory) {
        if (value < 0xfd) return abi.encodePacked(uint8(value));
        return abi.encodePacked(uint8(0xfd), uint8(value), uint8(value >> 8));
    }

    function varIntLength(uint256 value) internal pure returns (uint256) {
        return value < 0xfd ? 1 : 3;
    }

    function little32(uint32 v) internal pure returns (uint32) {
        return (v >> 24) | ((v >> 8) & 0xff00) | ((v << 8) & 0xff0000) | (v << 24);
    }

    function little64(uint64 v) internal pure returns (uint64) {
        return (uint64(little32(uint32(v))) << 32) | little32(uint32(v >> 32));
    }

    // --- scripts

    /// P2PKH, P2SH, P2WPKH, P2WSH or P2TR.
    function isStandard(bytes calldata script) internal pure returns (bool) {
        uint256 length = script.length;
        if (length == 25) return bytes3(script[:3]) == 0x76a914 && bytes2(script[23:]) == 0x88ac;
        if (length == 23) return bytes2(script[:2]) == 0xa914 && script[22] == 0x87;
        if (length == 22) return bytes2(script[:2]) == 0x0014;
        return length == 34 && (bytes2(script[:2]) == 0x0020 || bytes2(script[:2]) == 0x5120);
    }

    /// The output key of a P2TR script; zero for any other.
    function taprootKey(bytes calldata script) internal pure returns (bytes32) {
        return script.length == 34 && bytes2(script[:2]) == 0x5120 ? bytes32(script[2:]) : bytes32(0);
    }
}
