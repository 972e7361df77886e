// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FinalityVote, IValidators, Validator, ValidatorsParams} from "./interfaces/IValidators.sol";
import {Secp256k1} from "./lib/Secp256k1.sol";
import {BLOCK_HASH_HISTORY, SYSTEM} from "./lib/SystemAddresses.sol";

/// @title The validators: a static list for now (protocol.md, section 3).
contract Validators is IValidators {
    /// More could not be hashed and compared within one block's system call.
    uint256 private constant MAX_VALIDATORS = 1000;
    uint8 private constant PRECOMMIT = 1;
    uint64 private constant WEIGHT = 1;

    /// Slot 0, fixed: keccak256(abi.encode(uint64 setId, address[] sessions, uint64[] weights)) of the next epoch's set.
    bytes32 public nextSetHash;
    bytes32 public genesisHash;
    uint64 public setId;
    Validator[] private _validators;
    /// Position in the list, plus one.
    mapping(address session => uint256) private _position;
    mapping(address management => address session) public sessionOfManagement;
    mapping(address session => uint256) public offences;
    mapping(bytes32 offence => bool) private _reported;

    uint64 public immutable epochLength;
    uint64 private immutable _chainId;

    constructor(ValidatorsParams memory p) {
        uint256 length = p.validators.length;
        if (length == 0 || length > MAX_VALIDATORS || p.epochLength == 0) revert BadParams();
        epochLength = p.epochLength;
        _chainId = p.chainId;
        address last = address(0);
        for (uint256 i = 0; i < length; i++) {
            Validator memory validator = p.validators[i];
            if (validator.session <= last || validator.beneficiary == address(0)) revert BadParams();
            last = validator.session;
            // Refuses a key that is none.
            Secp256k1.addressOf(validator.bitcoinKey);
            address management = Secp256k1.addressOf(validator.managementKey);
            if (sessionOfManagement[management] != address(0)) revert BadParams();
            sessionOfManagement[management] = validator.session;
            _validators.push(validator);
            _position[validator.session] = i + 1;
        }
        nextSetHash = _setHash();
    }

    /// @inheritdoc IValidators
    function closeEpoch() external {
        if (msg.sender != SYSTEM) revert Unauthorised();
        if (block.number % epochLength != 0) revert NotEpochEnd(block.number);
        if (genesisHash == 0) genesisHash = _hashOfBlockZero();
        bytes32 hash = _setHash();
        nextSetHash = hash;
        emit EpochClosed(epoch(), setId, hash);
    }

    /// @inheritdoc IValidators
    function reportEquivocation(
        uint64 setId_,
        uint64 round,
        uint8 kind,
        FinalityVote calldata first,
        FinalityVote calldata second
    ) external {
        if (genesisHash == 0) revert GenesisUnknown();
        address session = _signer(setId_, round, kind, first);
        if (
            kind > PRECOMMIT || session == address(0) || session != _signer(setId_, round, kind, second)
                || (first.targetHash == second.targetHash && first.targetNumber == second.targetNumber)
        ) revert NoEquivocation();
        if (_position[session] == 0) revert UnknownValidator(session);
        bytes32 offence = keccak256(abi.encode(session, setId_, round));
        if (_reported[offence]) revert AlreadyReported();
        _reported[offence] = true;
        offences[session]++;
        emit Equivocation(session, setId_, round, kind);
    }

    /// consensus.md, section 2.0.
    function _signer(uint64 setId_, uint64 round, uint8 kind, FinalityVote calldata vote)
        private
        view
        returns (address)
    {
        bytes32 digest = keccak256(
            abi.encodePacked(
                "HWGV", _chainId, genesisHash, setId_, round, kind, vote.targetNumber, vote.targetHash
            )
        );
        return ecrecover(digest, vote.v, vote.r, vote.s);
    }

    function _setHash() private view returns (bytes32) {
        uint256 length = _validators.length;
        address[] memory sessions = new address[](length);
        uint64[] memory weights = new uint64[](length);
        for (uint256 i = 0; i < length; i++) {
            sessions[i] = _validators[i].session;
            weights[i] = WEIGHT;
        }
        return keccak256(abi.encode(setId, sessions, weights));
    }

    /// EIP-2935 still knows it at the end of a first epoch of at most 8,191 blocks; zero where there is no such contract.
    function _hashOfBlockZero() private view returns (bytes32) {
        (bool ok, bytes memory result) = BLOCK_HASH_HISTORY.staticcall(abi.encode(uint256(0)));
        return ok && result.length == 32 ? bytes32(result) : bytes32(0);
    }

    /// @inheritdoc IValidators
    function getValidators() external view returns (Validator[] memory) {
        return _validators;
    }

    /// @inheritdoc IValidators
    function getValidator(address session) external view returns (Validator memory) {
        uint256 position = _position[session];
        if (position == 0) revert UnknownValidator(session);
        return _validators[position - 1];
    }

    /// @inheritdoc IValidators
    function count() external view returns (uint256) {
        return _validators.length;
    }

    /// @inheritdoc IValidators
    function isSession(address session) external view returns (bool) {
        return _position[session] != 0;
    }

    /// @inheritdoc IValidators
    function beneficiaryOf(address session) external view returns (address) {
        uint256 position = _position[session];
        return position == 0 ? address(0) : _validators[position - 1].beneficiary;
    }

    /// @inheritdoc IValidators
    function epoch() public view returns (uint64) {
        return block.number == 0 ? 0 : uint64((block.number - 1) / epochLength);
    }
}
