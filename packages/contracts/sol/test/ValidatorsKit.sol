// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {KeyChange, KeyProofs, ManagementVote, Validator, ValidatorsParams} from "../interfaces/IValidators.sol";
import {SYSTEM, VALIDATORS} from "../lib/SystemAddresses.sol";
import {Kit} from "./Kit.sol";

/// Signatures of management keys, put together here once more (EIP-712).
abstract contract ValidatorsKit is Kit {
    uint64 internal constant DEADLINE = 100;
    bytes32 internal constant ROTATE = keccak256(
        "RotateKeys(address management,uint64 nonce,address session,bytes managementKey,bytes bitcoinKey)"
    );
    bytes32 internal constant BENEFICIARY =
        keccak256("SetBeneficiary(address management,uint64 nonce,address beneficiary)");
    bytes32 internal constant LEAVE = keccak256("Leave(address management,uint64 nonce)");
    bytes32 internal constant JOIN =
        keccak256("Join(address session,address beneficiary,bytes managementKey,bytes bitcoinKey)");
    bytes32 internal constant VOTE_ADD = keccak256(
        "VoteAdd(address management,address session,address beneficiary,bytes managementKey,bytes bitcoinKey,uint64 deadline)"
    );
    bytes32 internal constant VOTE_REMOVE = keccak256("VoteRemove(address management,address session,uint64 deadline)");

    function addressOf(uint256 key) internal returns (address) {
        return vm.createWallet(key).addr;
    }

    function managementOf(uint256 index) internal view returns (uint256) {
        return sessionKeys[index] + 0x1000;
    }

    function typedDigest(bytes memory body) internal pure returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Hawser Validators"),
                keccak256("1"),
                uint256(CHAIN_ID),
                VALIDATORS
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(body)));
    }

    function sign65(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function closeAt(uint256 number) internal {
        vm.roll(number);
        vm.prank(SYSTEM);
        validators.closeEpoch();
    }

    /// `n` validators with keys 0x100000 + i and up.
    function manyParams(uint256 n) internal returns (ValidatorsParams memory p) {
        (p.chainId, p.epochLength, p.validators) = (CHAIN_ID, 20, new Validator[](n));
        delete sessionKeys;
        for (uint256 i = 0; i < n; i++) {
            uint256 key = 0x100000 + i;
            Validator memory v =
                Validator(addressOf(key), address(uint160(0xbe00 + i)), compressed(key + 0x1000), compressed(key + 0x2000));
            sessionKeys.push(key);
            uint256 k = i;
            for (; k > 0 && p.validators[k - 1].session > v.session; k--) {
                p.validators[k] = p.validators[k - 1];
                sessionKeys[k] = sessionKeys[k - 1];
            }
            (p.validators[k], sessionKeys[k]) = (v, key);
        }
    }

    /// In the place of the validators that setUp deployed; only their keys stay claimed.
    function replaceValidators(ValidatorsParams memory p) internal {
        for (uint256 slot = 0; slot < 4; slot++) {
            vm.store(VALIDATORS, bytes32(slot), 0);
        }
        predeploy(VALIDATORS, "Validators", abi.encode(p));
    }

    /// Zero where the key stays.
    function rotate(uint256 management, uint64 nonce, uint256 session, uint256 newManagement, uint256 bitcoin) internal {
        (KeyChange memory keys, bytes memory authorisation, KeyProofs memory proofs) =
            rotation(management, nonce, session, newManagement, bitcoin);
        validators.rotateKeys(addressOf(management), keys, authorisation, proofs);
    }

    function rotation(uint256 management, uint64 nonce, uint256 session, uint256 newManagement, uint256 bitcoin)
        internal
        returns (KeyChange memory keys, bytes memory authorisation, KeyProofs memory proofs)
    {
        if (session != 0) keys.session = addressOf(session);
        if (newManagement != 0) keys.managementKey = compressed(newManagement);
        if (bitcoin != 0) keys.bitcoinKey = compressed(bitcoin);
        bytes32 digest = typedDigest(
            abi.encode(
                ROTATE, addressOf(management), nonce, keys.session, keccak256(keys.managementKey), keccak256(keys.bitcoinKey)
            )
        );
        authorisation = sign65(management, digest);
        if (session != 0) proofs.session = sign65(session, digest);
        if (newManagement != 0) proofs.management = sign65(newManagement, digest);
        if (bitcoin != 0) proofs.bitcoin = sign65(bitcoin, digest);
    }

    function setBeneficiary(uint256 management, uint64 nonce, address to) internal {
        bytes32 digest = typedDigest(abi.encode(BENEFICIARY, addressOf(management), nonce, to));
        validators.setBeneficiary(addressOf(management), to, sign65(management, digest));
    }

    function leaveSet(uint256 management, uint64 nonce) internal {
        bytes32 digest = typedDigest(abi.encode(LEAVE, addressOf(management), nonce));
        validators.leaveSet(addressOf(management), sign65(management, digest));
    }

    /// Session key `key`, management key + 0x1000, bitcoin key + 0x2000.
    function candidate(uint256 key) internal returns (Validator memory c, KeyProofs memory proofs) {
        c = Validator(addressOf(key), address(uint160(0xca00 + key)), compressed(key + 0x1000), compressed(key + 0x2000));
        bytes32 digest = typedDigest(
            abi.encode(JOIN, c.session, c.beneficiary, keccak256(c.managementKey), keccak256(c.bitcoinKey))
        );
        proofs = KeyProofs(sign65(key, digest), sign65(key + 0x1000, digest), sign65(key + 0x2000, digest));
    }

    function voteToAdd(uint256 management, Validator memory c, uint64 deadline) internal returns (ManagementVote memory) {
        bytes32 digest = typedDigest(
            abi.encode(
                VOTE_ADD,
                addressOf(management),
                c.session,
                c.beneficiary,
                keccak256(c.managementKey),
                keccak256(c.bitcoinKey),
                deadline
            )
        );
        return ManagementVote(addressOf(management), sign65(management, digest));
    }

    function votesToAdd(uint256 from, uint256 to, Validator memory c) internal returns (ManagementVote[] memory votes) {
        votes = new ManagementVote[](to - from);
        for (uint256 i = from; i < to; i++) {
            votes[i - from] = voteToAdd(managementOf(i), c, DEADLINE);
        }
    }

    function voteToRemove(uint256 management, address session, uint64 deadline)
        internal
        returns (ManagementVote memory)
    {
        bytes32 digest = typedDigest(abi.encode(VOTE_REMOVE, addressOf(management), session, deadline));
        return ManagementVote(addressOf(management), sign65(management, digest));
    }

    /// The set as slot 0 should have it, from the views.
    function expectedHash() internal view returns (bytes32) {
        Validator[] memory list = validators.getValidators();
        address[] memory sessions = new address[](list.length);
        uint64[] memory weights = new uint64[](list.length);
        for (uint256 i = 0; i < list.length; i++) {
            (sessions[i], weights[i]) = (list[i].session, 1);
        }
        return keccak256(abi.encode(validators.setId(), sessions, weights));
    }
}
