// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators, KeyChange, KeyProofs, LeaveReason, ManagementVote, Validator} from "../interfaces/IValidators.sol";
import {Secp256k1} from "../lib/Secp256k1.sol";
import {Signature} from "../lib/Signature.sol";
import {ValidatorsStorage} from "./ValidatorsStorage.sol";

/// @title Acts of management keys, and proposals.
abstract contract ValidatorsManagement is ValidatorsStorage {
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant ROTATE_KEYS =
        keccak256("RotateKeys(address management,uint64 nonce,address session,bytes managementKey,bytes bitcoinKey)");
    bytes32 private constant SET_BENEFICIARY =
        keccak256("SetBeneficiary(address management,uint64 nonce,address beneficiary)");
    bytes32 private constant LEAVE = keccak256("Leave(address management,uint64 nonce)");
    bytes32 private constant VOTE_ADD = keccak256(
        "VoteAdd(address management,address session,address beneficiary,bytes managementKey,bytes bitcoinKey,uint64 deadline)"
    );
    bytes32 private constant VOTE_REMOVE = keccak256("VoteRemove(address management,address session,uint64 deadline)");
    bytes32 private constant JOIN =
        keccak256("Join(address session,address beneficiary,bytes managementKey,bytes bitcoinKey)");

    // --- acts

    /// @inheritdoc IValidators
    function rotateKeys(
        address management,
        KeyChange calldata keys,
        bytes calldata authorisation,
        KeyProofs calldata proofs
    ) external {
        uint64 id = _acting(management);
        if (_validators[id].pending & LEAVES != 0) revert AlreadyLeaving();
        bytes32 digest = _digest(
            keccak256(
                abi.encode(
                    ROTATE_KEYS,
                    management,
                    _validators[id].nonce++,
                    keys.session,
                    keccak256(keys.managementKey),
                    keccak256(keys.bitcoinKey)
                )
            )
        );
        _requireSigned(digest, authorisation, management);
        StoredValidator storage copy = _changing(id);
        bool changes = false;
        if (keys.session != address(0)) {
            _requireSigned(digest, proofs.session, keys.session);
            _claimSession(keys.session, id);
            copy.session = keys.session;
            changes = true;
        }
        if (keys.managementKey.length != 0) {
            _setManagement(copy, keys.managementKey, id);
            _requireSigned(digest, proofs.management, copy.management);
            changes = true;
        }
        if (keys.bitcoinKey.length != 0) {
            _setBitcoin(copy, keys.bitcoinKey, id);
            _requireSigned(digest, proofs.bitcoin, Secp256k1.addressOf(keys.bitcoinKey));
            changes = true;
        }
        if (!changes) revert NothingChanges();
        emit KeysChanging(id, keys.session, keys.managementKey, keys.bitcoinKey);
    }

    /// @inheritdoc IValidators
    function setBeneficiary(address management, address beneficiary, bytes calldata authorisation) external {
        if (beneficiary == address(0)) revert BadParams();
        uint64 id = _acting(management);
        bytes32 body = keccak256(abi.encode(SET_BENEFICIARY, management, _validators[id].nonce++, beneficiary));
        _requireSigned(_digest(body), authorisation, management);
        StoredValidator storage copy = _changing(id);
        if (copy.beneficiary == beneficiary) revert NothingChanges();
        copy.beneficiary = beneficiary;
        emit BeneficiaryChanging(id, beneficiary);
    }

    /// @inheritdoc IValidators
    function leaveSet(address management, bytes calldata authorisation) external {
        uint64 id = _acting(management);
        bytes32 body = keccak256(abi.encode(LEAVE, management, _validators[id].nonce++));
        _requireSigned(_digest(body), authorisation, management);
        _requireMayLeave(id);
        _leaveSeat(id, LeaveReason.Left);
    }

    function _acting(address management) private view returns (uint64 id) {
        id = _idOfManagement(management);
        if (id == 0) revert UnknownManagement(management);
    }

    function _requireMayLeave(uint64 id) private view {
        if (_validators[id].pending & LEAVES != 0) revert AlreadyLeaving();
        if (_nextCount == 1) revert LastValidator();
    }

    // --- proposals

    /// @inheritdoc IValidators
    function addValidator(
        Validator calldata candidate,
        uint64 deadline,
        KeyProofs calldata proofs,
        ManagementVote[] calldata votes
    ) external {
        bytes32 proposal = addProposal(candidate, deadline);
        _requireOpen(proposal, deadline, votes.length);
        bytes32 join = _digest(_joinHash(candidate));
        _requireSigned(join, proofs.session, candidate.session);
        _requireSigned(join, proofs.management, Secp256k1.addressOf(candidate.managementKey));
        _requireSigned(join, proofs.bitcoin, Secp256k1.addressOf(candidate.bitcoinKey));
        bool news = false;
        for (uint256 i = 0; i < votes.length; i++) {
            bytes32 body = keccak256(
                abi.encode(
                    VOTE_ADD,
                    votes[i].management,
                    candidate.session,
                    candidate.beneficiary,
                    keccak256(candidate.managementKey),
                    keccak256(candidate.bitcoinKey),
                    deadline
                )
            );
            if (_vote(proposal, body, votes[i])) news = true;
        }
        if (!_passes(proposal, news)) return;
        if (_nextCount >= MAX_VALIDATORS) revert TooManyValidators();
        _nextCount++;
        uint64 id = _newValidator(candidate);
        _flag(id, JOINS);
        emit Joining(
            id, candidate.session, candidate.beneficiary, candidate.managementKey, candidate.bitcoinKey
        );
    }

    /// @inheritdoc IValidators
    function removeValidator(address session, uint64 deadline, ManagementVote[] calldata votes) external {
        uint64 id = _memberships[session].validatorId;
        if (currentId(_validators[id].session) == 0) revert UnknownValidator(session);
        bytes32 proposal = removeProposal(session, deadline);
        _requireOpen(proposal, deadline, votes.length);
        bool news = false;
        for (uint256 i = 0; i < votes.length; i++) {
            bytes32 body = keccak256(abi.encode(VOTE_REMOVE, votes[i].management, session, deadline));
            if (_vote(proposal, body, votes[i])) news = true;
        }
        if (!_passes(proposal, news)) return;
        _requireMayLeave(id);
        _leaveSeat(id, LeaveReason.Removed);
    }

    function _requireOpen(bytes32 proposal, uint64 deadline, uint256 votes) private view {
        if (block.number > deadline) revert DeadlinePassed(deadline);
        if (_passed[proposal]) revert AlreadyPassed(proposal);
        if (votes > MAX_VALIDATORS) revert TooManyVotes();
    }

    /// Whether the vote is a new one. One known already is skipped: somebody else may have submitted it first.
    function _vote(bytes32 proposal, bytes32 body, ManagementVote calldata vote) private returns (bool) {
        uint64 id = _acting(vote.management);
        if (_votes[proposal][id]) return false;
        _requireSigned(_digest(body), vote.signature, vote.management);
        _votes[proposal][id] = true;
        emit Voted(proposal, id);
        return true;
    }

    /// Seats given up meanwhile may make known votes enough: then nothing new is needed.
    function _passes(bytes32 proposal, bool news) private returns (bool passes) {
        (uint256 votes,) = votesOn(proposal);
        uint256 n = _seats.length;
        passes = votes >= n - (n - 1) / 3;
        if (passes) {
            _passed[proposal] = true;
            emit Passed(proposal);
        } else if (!news) {
            revert NothingChanges();
        }
    }

    /// @inheritdoc IValidators
    function addProposal(Validator calldata candidate, uint64 deadline) public pure returns (bytes32) {
        return keccak256(abi.encode(_joinHash(candidate), deadline));
    }

    /// @inheritdoc IValidators
    function removeProposal(address session, uint64 deadline) public view returns (bytes32) {
        return keccak256(abi.encode("remove", _memberships[session].validatorId, deadline));
    }

    /// @inheritdoc IValidators
    function votesOn(bytes32 proposal) public view returns (uint256 votes, bool passed) {
        for (uint256 i = 0; i < _seats.length; i++) {
            if (_votes[proposal][_idAt(_seats[i])]) votes++;
        }
        passed = _passed[proposal];
    }

    // --- typed data

    function _joinHash(Validator calldata v) private pure returns (bytes32) {
        return keccak256(
            abi.encode(JOIN, v.session, v.beneficiary, keccak256(v.managementKey), keccak256(v.bitcoinKey))
        );
    }

    /// @inheritdoc IValidators
    function domainSeparator() public view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN, keccak256("Hawser Validators"), keccak256("1"), uint256(_chainId), address(this))
        );
    }

    function _digest(bytes32 body) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), body));
    }

    function _requireSigned(bytes32 digest, bytes calldata signature, address expected) private pure {
        if (expected == address(0) || Signature.signer(digest, signature) != expected) revert BadSignature(expected);
    }
}
