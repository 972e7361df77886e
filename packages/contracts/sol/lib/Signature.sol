// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Signatures of 65 bytes: r | s | v.
library Signature {
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// The signer's address; zero when the signature is none: not 65 bytes, high s, v other than 0, 1, 27 or 28.
    function signer(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        if (signature.length != 65) return address(0);
        uint256 s = uint256(bytes32(signature[32:64]));
        uint8 v = uint8(signature[64]);
        if (s > HALF_ORDER || (v > 1 && v != 27 && v != 28)) return address(0);
        return ecrecover(digest, v < 27 ? v + 27 : v, bytes32(signature[:32]), bytes32(s));
    }
}
