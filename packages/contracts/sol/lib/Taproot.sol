// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Taproot commitments of deposit addresses (BIP340, BIP341; protocol.md, section 6).
library Taproot {
    uint256 internal constant FIELD_PRIME = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
    uint256 internal constant GROUP_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    // SHA-256 of the tags, which BIP340 puts twice before the message.
    bytes32 private constant TAP_LEAF = 0xaeea8fdc4208983105734b58081d1e2638d35f1cb54008d4d357ca03be78e9ee;
    bytes32 private constant TAP_BRANCH = 0x1941a1f2e56eb95fa2a9f194be5c01f7216f33ed82b091463490d05bf516a015;
    bytes32 private constant TAP_TWEAK = 0xe80fe1639c9ca050e3af1b39c143c63e429cbceb15d940fbb5c5a1f4af57c5e9;
    bytes32 private constant HAWSER_DEPOSIT = 0x27948332a0997fd46681cf8eafeec3c6b04e189f842c2e30037d9660727bddf1;

    /// d, what the COMMIT leaf commits to.
    function depositDigest(uint64 chainId, uint8 kind, address account, bytes32 payloadHash)
        internal
        pure
        returns (bytes32)
    {
        return sha256(abi.encodePacked(HAWSER_DEPOSIT, HAWSER_DEPOSIT, chainId, kind, account, payloadHash));
    }

    /// U: the leaf `<d> OP_RETURN`, joined with `<csv> OP_CSV OP_DROP <refundKey> OP_CHECKSIG` when there is a refund key.
    function depositSibling(bytes32 digest, bytes32 refundKey, uint16 csv) internal pure returns (bytes32) {
        bytes32 commit = _leaf(abi.encodePacked(hex"20", digest, hex"6a"));
        if (refundKey == 0) return commit;
        return branch(_leaf(abi.encodePacked(_pushNumber(csv), hex"b27520", refundKey, hex"ac")), commit);
    }

    function branch(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        if (uint256(a) > uint256(b)) (a, b) = (b, a);
        return sha256(abi.encodePacked(TAP_BRANCH, TAP_BRANCH, a, b));
    }

    /// Whether (qx, qy) = P + H_TapTweak(P | root) G, with P the point of even y at `internalKey`.
    /// @dev ecrecover(-z, 27, Px, Px) is the address of P + tG and ecrecover(z, 28, Px, Px) that of its negative, with z = t Px mod n. One alone
    /// would leave 80 bits against a chosen pair of claims that share an address.
    function isTweaked(bytes32 internalKey, bytes32 root, bytes32 qx, bytes32 qy) internal pure returns (bool) {
        uint256 t = uint256(sha256(abi.encodePacked(TAP_TWEAK, TAP_TWEAK, internalKey, root)));
        uint256 px = uint256(internalKey);
        if (t >= GROUP_ORDER || px == 0 || px >= GROUP_ORDER || uint256(qy) == 0 || uint256(qy) >= FIELD_PRIME) {
            return false;
        }
        uint256 z = mulmod(t, px, GROUP_ORDER);
        address positive = ecrecover(bytes32(GROUP_ORDER - z), 27, internalKey, internalKey);
        address negative = ecrecover(bytes32(z), 28, internalKey, internalKey);
        return positive != address(0) && positive == _addressOf(qx, qy)
            && negative == _addressOf(qx, bytes32(FIELD_PRIME - uint256(qy)));
    }

    function _addressOf(bytes32 x, bytes32 y) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
    }

    function _leaf(bytes memory script) private pure returns (bytes32) {
        return sha256(abi.encodePacked(TAP_LEAF, TAP_LEAF, hex"c0", uint8(script.length), script));
    }

    /// Minimal push of 17 to 65,535; a set top bit would read as a sign.
    function _pushNumber(uint16 value) private pure returns (bytes memory) {
        uint8 low = uint8(value);
        uint8 high = uint8(value >> 8);
        if (value < 0x80) return abi.encodePacked(uint8(1), low);
        if (value < 0x8000) return abi.encodePacked(uint8(2), low, high);
        return abi.encodePacked(uint8(3), low, high, uint8(0));
    }
}
