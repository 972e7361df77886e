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
        uint256 votes = _vote(pauseId, false, session);
        emit HaltVoted(pauseId, session, votes);
        // f + 1 with f = floor((n - 1) / 3): at least one of them is honest.
        if (votes >= (_validatorCount() - 1) / 3 + 1) _pause(PAUSE_HALTED);
    }

    /// @inheritdoc IBridge
    function voteResume(uint64 pauseId) external {
        if (_pauseReasons == 0) revert NotPaused();
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

    function _vote(uint64 pauseId, bool resume, address session) private returns (uint256 votes) {
        if (pauseId != _pauseId) revert WrongPauseId(pauseId, uint64(_pauseId));
        uint64 id = IValidators(VALIDATORS).currentId(session);
        if (id == 0) revert Unauthorised();
        bytes32 vote = _voteOf(pauseId, resume, id);
        if (_voted[vote]) revert AlreadyVoted(session);
        _voted[vote] = true;
        // Counted anew: the set may have changed since the earlier votes. Ids survive a change of keys, so nobody votes twice.
        uint64[] memory ids = IValidators(VALIDATORS).validatorIds();
        for (uint256 i = 0; i < ids.length; i++) {
            if (_voted[_voteOf(pauseId, resume, ids[i])]) votes++;
        }
    }

    function _voteOf(uint64 pauseId, bool resume, uint64 id) private pure returns (bytes32) {
        return keccak256(abi.encode(pauseId, resume, id));
    }
}
