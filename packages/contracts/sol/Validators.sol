// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators, Membership, Validator, ValidatorsParams} from "./interfaces/IValidators.sol";
import {SYSTEM} from "./lib/SystemAddresses.sol";
import {ValidatorsEvidence} from "./validators/ValidatorsEvidence.sol";
import {ValidatorsManagement} from "./validators/ValidatorsManagement.sol";

/// @title The validators: the set of each epoch, and views (protocol.md, section 3).
contract Validators is ValidatorsManagement, ValidatorsEvidence {
    constructor(ValidatorsParams memory p) {
        uint256 length = p.validators.length;
        if (length == 0 || length > MAX_VALIDATORS || p.epochLength == 0) revert BadParams();
        epochLength = p.epochLength;
        _chainId = p.chainId;
        uint256[] memory seats = new uint256[](length);
        address last = address(0);
        for (uint256 i = 0; i < length; i++) {
            address session = p.validators[i].session;
            if (session <= last) revert BadParams();
            last = session;
            uint64 id = _newValidator(p.validators[i]);
            _memberships[session] = Membership(id, 0, OPEN, 0, OPEN);
            seats[i] = _seatOf(session, id);
        }
        _seats = seats;
        _nextCount = uint64(length);
        nextSetHash = _setHash(seats);
    }

    /// @inheritdoc IValidators
    function closeEpoch() external {
        if (msg.sender != SYSTEM) revert Unauthorised();
        if (block.number % epochLength != 0) revert NotEpochEnd(block.number);
        _learnGenesisHash();
        (uint256[] memory seats, bool differs) = _nextSeats();
        if (differs) {
            _moveSeats(seats);
            nextSetHash = _setHash(seats);
        }
        _applyChanges();
        emit EpochClosed(epoch(), setId, nextSetHash);
    }

    /// The seats with what is pending, ascending, and whether they differ. Sessions are never used twice, so any change is a difference.
    function _nextSeats() private view returns (uint256[] memory seats, bool differs) {
        uint256[] memory old = _seats;
        uint256 room = old.length;
        uint64[] memory ids = _pendingIds;
        seats = new uint256[](room + ids.length);
        uint256 length = 0;
        uint256[] memory added = new uint256[](ids.length);
        uint256 addedLength = 0;
        for (uint256 i = 0; i < ids.length; i++) {
            StoredValidator storage validator = _validators[ids[i]];
            (uint8 pending, address before) = (validator.pending, validator.session);
            address afterwards = pending & LEAVES != 0 ? address(0) : pending & CHANGES != 0 ? _changes[ids[i]].session : before;
            if (pending & JOINS == 0) {
                if (afterwards == before) continue;
                old[_positionOf(old, before)] |= 1 << 255;
            }
            differs = true;
            if (afterwards != address(0)) added[addedLength++] = _seatOf(afterwards, ids[i]);
        }
        for (uint256 i = 0; i < room; i++) {
            if (old[i] >> 255 == 0) seats[length++] = old[i];
        }
        for (uint256 i = 0; i < addedLength; i++) {
            uint256 k = length++;
            for (; k > 0 && _sessionAt(seats[k - 1]) > _sessionAt(added[i]); k--) {
                seats[k] = seats[k - 1];
            }
            seats[k] = added[i];
        }
        assembly ("memory-safe") {
            mstore(seats, length)
        }
    }

    /// Seats stand in ascending order; a mark in the top bit does not change what is compared.
    function _positionOf(uint256[] memory seats, address session) private pure returns (uint256 low) {
        uint256 high = seats.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_sessionAt(seats[middle]) < session) low = middle + 1;
            else high = middle;
        }
    }

    function _moveSeats(uint256[] memory seats) private {
        setId++;
        while (_seats.length > seats.length) {
            _seats.pop();
        }
        for (uint256 i = 0; i < seats.length; i++) {
            if (i >= _seats.length) _seats.push(seats[i]);
            else if (_seats[i] != seats[i]) _seats[i] = seats[i];
        }
    }

    /// After setId has moved on. A range of block numbers begins behind the block that is being closed.
    function _applyChanges() private {
        uint256 length = _pendingIds.length;
        for (uint256 i = 0; i < length; i++) {
            uint64 id = _pendingIds[i];
            StoredValidator storage validator = _validators[id];
            StoredValidator storage copy = _changes[id];
            uint8 pending = validator.pending;
            address before = validator.session;
            address afterwards = pending & LEAVES != 0 ? address(0) : before;
            validator.pending = 0;
            if (pending & CHANGES != 0) {
                validator.beneficiary = copy.beneficiary;
                if (pending & LEAVES == 0) {
                    afterwards = copy.session;
                    validator.session = afterwards;
                    validator.management = copy.management;
                    (validator.managementPrefix, validator.managementX) = (copy.managementPrefix, copy.managementX);
                    (validator.bitcoinPrefix, validator.bitcoinX) = (copy.bitcoinPrefix, copy.bitcoinX);
                }
            }
            if (pending & JOINS != 0) before = address(0);
            if (before != afterwards) _changeSeat(id, before, afterwards);
        }
        delete _pendingIds;
    }

    function _changeSeat(uint64 id, address before, address afterwards) private {
        if (before != address(0)) {
            (_memberships[before].lastSet, _memberships[before].lastBlock) = (uint48(setId - 1), uint48(block.number));
        }
        if (afterwards != address(0)) {
            _memberships[afterwards] = Membership(id, uint48(setId), OPEN, uint48(block.number + 1), OPEN);
        }
        emit SeatChanged(id, before, afterwards);
    }

    // --- views

    function _read(StoredValidator storage v) private view returns (Validator memory) {
        return Validator(
            v.session,
            v.beneficiary,
            abi.encodePacked(v.managementPrefix, v.managementX),
            abi.encodePacked(v.bitcoinPrefix, v.bitcoinX)
        );
    }

    /// @inheritdoc IValidators
    function getValidators() external view returns (Validator[] memory list) {
        list = new Validator[](_seats.length);
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = _read(_validators[_idAt(_seats[i])]);
        }
    }

    /// @inheritdoc IValidators
    function getNextValidators() external view returns (uint64 nextSetId, Validator[] memory list) {
        (uint256[] memory seats, bool differs) = _nextSeats();
        nextSetId = differs ? setId + 1 : setId;
        list = new Validator[](seats.length);
        for (uint256 i = 0; i < seats.length; i++) {
            uint64 id = _idAt(seats[i]);
            list[i] = _read(_validators[id].pending & CHANGES != 0 ? _changes[id] : _validators[id]);
        }
    }

    /// @inheritdoc IValidators
    function getValidator(address session) external view returns (Validator memory) {
        uint64 id = currentId(session);
        if (id == 0) revert UnknownValidator(session);
        return _read(_validators[id]);
    }

    /// @inheritdoc IValidators
    function validatorIds() external view returns (uint64[] memory ids) {
        ids = new uint64[](_seats.length);
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = _idAt(_seats[i]);
        }
    }

    /// @inheritdoc IValidators
    function count() external view returns (uint256) {
        return _seats.length;
    }

    /// @inheritdoc IValidators
    function isSession(address session) external view returns (bool) {
        return currentId(session) != 0;
    }

    /// @inheritdoc IValidators
    function beneficiaryOf(address session) external view returns (address) {
        return _validators[_memberships[session].validatorId].beneficiary;
    }

    /// @inheritdoc IValidators
    function sessionOfManagement(address management) external view returns (address) {
        return _validators[_idOfManagement(management)].session;
    }

    /// @inheritdoc IValidators
    function nonceOf(address management) external view returns (uint64) {
        return _validators[_idOfManagement(management)].nonce;
    }

    /// @inheritdoc IValidators
    function membershipOf(address session) external view returns (Membership memory) {
        return _memberships[session];
    }

    /// @inheritdoc IValidators
    function offences(address session) external view returns (uint256) {
        return _validators[_memberships[session].validatorId].offences;
    }

    /// @inheritdoc IValidators
    function hasVoted(bytes32 proposal, uint64 validatorId) external view returns (bool) {
        return _votes[proposal][validatorId];
    }

    /// @inheritdoc IValidators
    function epoch() public view returns (uint64) {
        return block.number == 0 ? 0 : uint64((block.number - 1) / epochLength);
    }
}
