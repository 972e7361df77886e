// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators, LeaveReason, Membership, Validator} from "../interfaces/IValidators.sol";
import {Secp256k1} from "../lib/Secp256k1.sol";
import {BLOCK_HASH_HISTORY} from "../lib/SystemAddresses.sol";

/// @title State of the validators and what its parts share.
abstract contract ValidatorsStorage is IValidators {
    struct StoredValidator {
        address session;
        uint64 nonce;
        /// JOINS, CHANGES, LEAVES: what the end of the epoch does.
        uint8 pending;
        address beneficiary;
        uint8 managementPrefix;
        uint8 bitcoinPrefix;
        uint64 offences;
        address management;
        bytes32 managementX;
        bytes32 bitcoinX;
    }

    /// What custody can carry (the largest committee). To exchange them all takes 8.1M of a system call's 30M gas.
    uint256 internal constant MAX_VALIDATORS = 100;
    uint48 internal constant OPEN = type(uint48).max;
    uint64 internal constant WEIGHT = 1;
    uint8 internal constant JOINS = 1;
    uint8 internal constant CHANGES = 2;
    uint8 internal constant LEAVES = 4;

    /// Slot 0, fixed: keccak256(abi.encode(uint64 setId, address[] sessions, uint64[] weights)) of the set in force for the next block.
    bytes32 public nextSetHash;
    bytes32 public genesisHash;
    /// Slot 2, fixed: setId in the low 64 bits.
    uint64 public setId;
    uint64 internal _lastId;
    /// How many seats closeEpoch leaves: never zero, never above MAX_VALIDATORS.
    uint64 internal _nextCount;
    /// Slot 3, fixed: ascending by session; the session address in the low 160 bits, the validator's id above.
    uint256[] internal _seats;
    mapping(uint64 id => StoredValidator) internal _validators;
    /// What CHANGES puts in place; stale without that flag. Nonce, offences and flags are not read here.
    mapping(uint64 id => StoredValidator) internal _changes;
    /// Ids whose flags are set, each once; at most every seat and as many joining.
    uint64[] internal _pendingIds;
    mapping(address session => Membership) internal _memberships;
    /// Owner of every management address and x of a bitcoin key ever announced.
    mapping(bytes32 key => uint64 id) internal _owners;
    mapping(bytes32 proposal => mapping(uint64 id => bool)) internal _votes;
    mapping(bytes32 proposal => bool) internal _passed;
    mapping(bytes32 offence => bool) internal _reported;

    uint64 public immutable epochLength;
    uint64 internal immutable _chainId;

    // --- keys: each of these refuses what was ever used

    function _claimSession(address session, uint64 id) internal {
        if (session == address(0) || _memberships[session].validatorId != 0) revert KeyInUse();
        _memberships[session] = Membership(id, OPEN, OPEN, OPEN, OPEN);
    }

    function _claimKey(bytes32 key, uint64 id) private {
        if (_owners[key] != 0) revert KeyInUse();
        _owners[key] = id;
    }

    function _setManagement(StoredValidator storage validator, bytes memory key, uint64 id) internal {
        validator.management = Secp256k1.addressOf(key);
        (validator.managementPrefix, validator.managementX) = _unpack(key);
        _claimKey(bytes32(uint256(uint160(validator.management))), id);
    }

    function _setBitcoin(StoredValidator storage validator, bytes memory key, uint64 id) internal {
        // Refuses a key that is none.
        Secp256k1.addressOf(key);
        (validator.bitcoinPrefix, validator.bitcoinX) = _unpack(key);
        _claimKey(keccak256(abi.encode("bitcoin", validator.bitcoinX)), id);
    }

    function _newValidator(Validator memory candidate) internal returns (uint64 id) {
        if (candidate.beneficiary == address(0)) revert BadParams();
        id = ++_lastId;
        StoredValidator storage validator = _validators[id];
        _claimSession(candidate.session, id);
        validator.session = candidate.session;
        validator.beneficiary = candidate.beneficiary;
        _setManagement(validator, candidate.managementKey, id);
        _setBitcoin(validator, candidate.bitcoinKey, id);
    }

    function _unpack(bytes memory key) private pure returns (uint8 prefix, bytes32 x) {
        assembly ("memory-safe") {
            x := mload(add(key, 33))
        }
        prefix = uint8(key[0]);
    }

    // --- pending changes

    function _flag(uint64 id, uint8 flag) internal {
        StoredValidator storage validator = _validators[id];
        if (validator.pending == 0) _pendingIds.push(id);
        validator.pending |= flag;
    }

    /// The copy that takes the validator's place at the end of the epoch.
    function _changing(uint64 id) internal returns (StoredValidator storage copy) {
        copy = _changes[id];
        if (_validators[id].pending & CHANGES != 0) return copy;
        _changes[id] = _validators[id];
        _flag(id, CHANGES);
    }

    function _leaveSeat(uint64 id, LeaveReason reason) internal {
        _flag(id, LEAVES);
        _nextCount--;
        emit Leaving(id, _validators[id].session, reason);
    }

    // --- the set

    function _seatOf(address session, uint64 id) internal pure returns (uint256) {
        return uint256(uint160(session)) | uint256(id) << 160;
    }

    function _sessionAt(uint256 seat) internal pure returns (address) {
        return address(uint160(seat));
    }

    function _idAt(uint256 seat) internal pure returns (uint64) {
        return uint64(seat >> 160);
    }

    function _setHash(uint256[] memory seats) internal view returns (bytes32) {
        address[] memory sessions = new address[](seats.length);
        uint64[] memory weights = new uint64[](seats.length);
        for (uint256 i = 0; i < seats.length; i++) {
            (sessions[i], weights[i]) = (_sessionAt(seats[i]), WEIGHT);
        }
        return keccak256(abi.encode(setId, sessions, weights));
    }

    /// @inheritdoc IValidators
    function wasMember(address session, uint64 setId_) public view returns (bool) {
        Membership storage m = _memberships[session];
        return m.validatorId != 0 && setId_ <= setId && m.firstSet <= setId_ && setId_ <= m.lastSet;
    }

    /// @inheritdoc IValidators
    function currentId(address session) public view returns (uint64) {
        return wasMember(session, setId) ? _memberships[session].validatorId : 0;
    }

    /// Current validator with this management key in force.
    function _idOfManagement(address management) internal view returns (uint64 id) {
        id = _owners[bytes32(uint256(uint160(management)))];
        if (id == 0 || _validators[id].management != management || currentId(_validators[id].session) != id) return 0;
    }

    /// Asks EIP-2935, which knows it from block 1 on for 8,191 blocks.
    function _learnGenesisHash() internal returns (bytes32 hash) {
        hash = genesisHash;
        if (hash != 0 || block.number == 0) return hash;
        (bool ok, bytes memory result) = BLOCK_HASH_HISTORY.staticcall(abi.encode(uint256(0)));
        if (ok && result.length == 32) genesisHash = hash = bytes32(result);
    }
}
