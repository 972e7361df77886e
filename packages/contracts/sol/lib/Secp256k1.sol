// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Compressed public keys.
library Secp256k1 {
    uint256 private constant FIELD_PRIME = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
    address private constant MODEXP = address(5);

    error BadPublicKey();

    /// The Ethereum address of a 33-byte public key.
    function addressOf(bytes memory key) internal view returns (address) {
        if (key.length != 33 || (key[0] != 0x02 && key[0] != 0x03)) revert BadPublicKey();
        uint256 x;
        assembly ("memory-safe") {
            x := mload(add(key, 33))
        }
        if (x >= FIELD_PRIME) revert BadPublicKey();
        uint256 square = addmod(mulmod(mulmod(x, x, FIELD_PRIME), x, FIELD_PRIME), 7, FIELD_PRIME);
        uint256 y = _power(square, (FIELD_PRIME + 1) / 4);
        if (mulmod(y, y, FIELD_PRIME) != square) revert BadPublicKey();
        if (y % 2 != uint8(key[0]) % 2) y = FIELD_PRIME - y;
        return address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
    }

    function _power(uint256 base, uint256 exponent) private view returns (uint256) {
        (bool ok, bytes memory result) = MODEXP.staticcall(
            abi.encodePacked(uint256(32), uint256(32), uint256(32), base, exponent, FIELD_PRIME)
        );
        if (!ok) revert BadPublicKey();
        return abi.decode(result, (uint256));
    }
}
