// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FinalityVote, IValidators, LeaveReason, Membership} from "../interfaces/IValidators.sol";
import {BlockHeader} from "../lib/BlockHeader.sol";
import {Signature} from "../lib/Signature.sol";
import {ValidatorsStorage} from "./ValidatorsStorage.sol";

/// @title Proofs that a validator signed two things for one place (consensus.md, section 2.11).
abstract contract ValidatorsEvidence is ValidatorsStorage {
    uint8 private constant PRECOMMIT = 1;

    /// @inheritdoc IValidators
    function reportEquivocation(
        uint64 setId_,
        uint64 round,
        uint8 kind,
        FinalityVote calldata first,
        FinalityVote calldata second
    ) external {
        bytes32 genesis = _learnGenesisHash();
        if (genesis == 0) revert GenesisUnknown();
        bytes memory place = abi.encodePacked("HWGV", _chainId, genesis, setId_, round, kind);
        address session = _voter(place, first);
        if (
            kind > PRECOMMIT || session == address(0) || session != _voter(place, second)
                || (first.targetHash == second.targetHash && first.targetNumber == second.targetNumber)
        ) revert NoEquivocation();
        if (!wasMember(session, setId_)) revert UnknownValidator(session);
        _record(session, keccak256(abi.encode("vote", session, setId_, round)));
        emit Equivocation(session, setId_, round, kind);
    }

    /// @inheritdoc IValidators
    function reportSealEquivocation(
        bytes calldata headerA,
        bytes calldata sealA,
        bytes calldata headerB,
        bytes calldata sealB
    ) external {
        (bool okA, uint64 numberA, uint64 timestamp) = BlockHeader.parse(headerA);
        (bool okB, uint64 numberB, uint64 timestampB) = BlockHeader.parse(headerB);
        if (!okA || !okB) revert BadHeader();
        (bytes32 hashA, bytes32 hashB) = (keccak256(headerA), keccak256(headerB));
        address session = _sealer(hashA, sealA);
        // A timestamp is its slot times the slots' length, exactly: one timestamp, one slot.
        if (
            timestamp != timestampB || hashA == hashB || session == address(0) || session != _sealer(hashB, sealB)
        ) revert NoEquivocation();
        if (!_mayHaveSealed(session, numberA) || !_mayHaveSealed(session, numberB)) revert UnknownValidator(session);
        _record(session, keccak256(abi.encode("seal", session, timestamp)));
        emit SealEquivocation(session, timestamp, hashA, hashB);
    }

    /// consensus.md, section 2.0.
    function _voter(bytes memory place, FinalityVote calldata vote) private pure returns (address) {
        return Signature.signer(
            keccak256(abi.encodePacked(place, vote.targetNumber, vote.targetHash)), vote.signature
        );
    }

    function _sealer(bytes32 blockHash, bytes calldata seal) private view returns (address) {
        return Signature.signer(keccak256(abi.encodePacked("HWAS", _chainId, blockHash)), seal);
    }

    function _mayHaveSealed(address session, uint64 number) private view returns (bool) {
        Membership storage m = _memberships[session];
        // A session that waits for its seat has none yet, whatever number a header of the future bears.
        return m.validatorId != 0 && m.firstSet != OPEN && m.firstBlock <= number && number <= m.lastBlock;
    }

    function _record(address session, bytes32 offence) private {
        if (_reported[offence]) revert AlreadyReported();
        _reported[offence] = true;
        uint64 id = _memberships[session].validatorId;
        StoredValidator storage validator = _validators[id];
        validator.offences++;
        bool seated = currentId(validator.session) == id;
        if (seated && validator.pending & LEAVES == 0 && _nextCount > 1) _leaveSeat(id, LeaveReason.Offence);
    }
}
