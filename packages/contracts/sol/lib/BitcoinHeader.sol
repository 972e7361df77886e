// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBitcoinLightClient} from "../interfaces/IBitcoinLightClient.sol";

/// @title Reading an 80-byte header, compact targets and work (bitcoin.md, section 1).
library BitcoinHeader {
    uint256 internal constant LENGTH = 80;

    /// Double SHA-256, internal byte order.
    function hash(bytes memory header) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(sha256(header)));
    }

    /// Hash of the header's parent, internal byte order.
    function parentOf(bytes memory header) internal pure returns (bytes32 parent) {
        assembly ("memory-safe") {
            parent := mload(add(header, 36))
        }
    }

    function merkleRootOf(bytes memory header) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            root := mload(add(header, 68))
        }
    }

    function versionOf(bytes memory header) internal pure returns (int32) {
        return int32(_uint32At(header, 0));
    }

    function timeOf(bytes memory header) internal pure returns (uint32) {
        return _uint32At(header, 68);
    }

    function bitsOf(bytes memory header) internal pure returns (uint32) {
        return _uint32At(header, 72);
    }

    function _uint32At(bytes memory header, uint256 offset) private pure returns (uint32) {
        uint256 word;
        assembly ("memory-safe") {
            word := shr(224, mload(add(add(header, 32), offset)))
        }
        return uint32((word >> 24) | ((word >> 8) & 0xff00) | ((word << 8) & 0xff0000) | (word << 24));
    }

    /// A hash in internal byte order as the number that is compared with the target.
    function toNumber(bytes32 value) internal pure returns (uint256 v) {
        v = uint256(value);
        v = ((v & 0xff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00) >> 8)
            | ((v & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff) << 8);
        v = ((v & 0xffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000) >> 16)
            | ((v & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff) << 16);
        v = ((v & 0xffffffff00000000ffffffff00000000ffffffff00000000ffffffff00000000) >> 32)
            | ((v & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff) << 32);
        v = ((v & 0xffffffffffffffff0000000000000000ffffffffffffffff0000000000000000) >> 64)
            | ((v & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff) << 64);
        v = (v >> 128) | (v << 128);
    }

    /// Target of nBits; negative, zero and overflowing ones are refused.
    function target(uint32 bits) internal pure returns (uint256) {
        uint256 exponent = bits >> 24;
        uint256 mantissa = bits & 0x7fffff;
        if (exponent < 3) mantissa >>= 8 * (3 - exponent);
        if (
            bits & 0x800000 != 0 || mantissa == 0 || exponent > 34 || (mantissa > 0xff && exponent > 33)
                || (mantissa > 0xffff && exponent > 32)
        ) revert IBitcoinLightClient.InvalidTarget(bits);
        return exponent <= 3 ? mantissa : mantissa << (8 * (exponent - 3));
    }

    /// The compact form of a target, as Bitcoin rounds it.
    function compact(uint256 target_) internal pure returns (uint32) {
        uint256 size = 0;
        for (uint256 rest = target_; rest != 0; rest >>= 8) {
            size++;
        }
        uint256 mantissa = size <= 3 ? target_ << (8 * (3 - size)) : target_ >> (8 * (size - 3));
        // The mantissa's top bit would read as a sign.
        if (mantissa & 0x800000 != 0) {
            mantissa >>= 8;
            size++;
        }
        return uint32((size << 24) | mantissa);
    }

    /// 2^256 / (target + 1).
    function work(uint256 target_) internal pure returns (uint128) {
        unchecked {
            return uint128((~target_ / (target_ + 1)) + 1);
        }
    }
}
