// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators} from "../interfaces/IValidators.sol";
import {IBridge} from "../interfaces/IBridge.sol";
import {BITCOIN_LIGHT_CLIENT, VALIDATORS} from "../lib/SystemAddresses.sol";
import {BridgeStorage} from "./BridgeStorage.sol";

/// @title Pause, halt and resume (protocol.md, section 5).
abstract contract BridgePause is BridgeStorage {
    modifier onlyLightClient() {
        _requireLightClient();
        _;
    }

    function _requireLightClient() private view {
        if (msg.sender != BITCOIN_LIGHT_CLIENT) revert Unauthorised();
    }

    /// @inheritdoc IBridge
    function onDisconnected(bytes32 blockHash) external onlyLightClient {
        uint256 uses = _uses[blockHash];
        if (uses == 0 || _disconnected[blockHash]) return;
        _disconnected[blockHash] = true;
        _affectedUses += uses;
        _pause(PAUSE_DISCONNECTED);
    }

    /// @inheritdoc IBridge
    function onReconnected(bytes32 blockHash) external onlyLightClient {
        if (!_disconnected[blockHash]) return;
        _disconnected[blockHash] = false;
        _lessAffected(_uses[blockHash]);
    }

    /// @inheritdoc IBridge
    function halt(uint64 pauseId, uint8 v, bytes32 r, bytes32 s) external {
        address management = ecrecover(haltDigest(pauseId), v, r, s);
        if (management == address(0)) revert BadSignature();
        address session = IValidators(VALIDATORS).sessionOfManagement(management);
        if (session == address(0)) revert Unauthorised();
        uint256 votes = _vote(pauseId, false, session);
        emit HaltVoted(pauseId, session, votes);
        // f + 1 with f = floor((n - 1) / 3): at least one of them is honest.
        if (votes >= (_validatorCount() - 1) / 3 + 1) _pause(PAUSE_HALTED);
    }

    /// @inheritdoc IBridge
    function voteResume(uint64 pauseId) external {
        if (_pauseReasons == 0) revert NotPaused();
        if (!IValidators(VALIDATORS).isSession(msg.sender)) revert Unauthorised();
        uint256 votes = _vote(pauseId, true, msg.sender);
        emit ResumeVoted(pauseId, msg.sender, votes);
        if (votes < 2 * _validatorCount() / 3 + 1) return;
        _pauseReasons = 0;
        emit Resumed(pauseId);
    }

    /// @inheritdoc IBridge
    function haltDigest(uint64 pauseId) public view returns (bytes32) {
        return keccak256(abi.encodePacked("Hawser/halt", _chainId, pauseId));
    }

    function _validatorCount() private view returns (uint256) {
        return IValidators(VALIDATORS).count();
    }

    function _vote(uint64 pauseId, bool resume, address session) private returns (uint256) {
        if (pauseId != _pauseId) revert WrongPauseId(pauseId, uint64(_pauseId));
        bytes32 ballot = keccak256(abi.encode(pauseId, resume));
        bytes32 vote = keccak256(abi.encode(ballot, session));
        if (_voted[vote]) revert AlreadyVoted(session);
        _voted[vote] = true;
        return ++_votes[ballot];
    }
}
