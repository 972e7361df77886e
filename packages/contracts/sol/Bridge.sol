// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    BridgeParams,
    Coin,
    Committee,
    CommitteeParams,
    CommitteeStatus,
    FormBatchStatus,
    IBridge,
    Reserves,
    Withdrawal,
    WithdrawalQuote,
    WithdrawalReason,
    WithdrawalStatus
} from "./interfaces/IBridge.sol";
import {BridgeBatches} from "./bridge/BridgeBatches.sol";
import {BridgeDeposits} from "./bridge/BridgeDeposits.sol";
import {BridgePause} from "./bridge/BridgePause.sol";
import {BridgeStorage} from "./bridge/BridgeStorage.sol";
import {FEE_POOL} from "./lib/SystemAddresses.sol";

/// @title The two-way peg: the parts put together, and the views (protocol.md, sections 1 and 5 to 8).
contract Bridge is BridgePause, BridgeDeposits, BridgeBatches {
    uint256 private constant MAX_PAGE = 100;
    /// quoteWithdrawal speaks of a P2TR or P2WSH payout.
    uint256 private constant QUOTED_SCRIPT_LENGTH = 34;

    constructor(BridgeParams memory p) BridgeStorage(p) {}

    /// Only the fee pool sends value without a call.
    receive() external payable {
        if (msg.sender != FEE_POOL) revert Unauthorised();
    }

    /// @inheritdoc IBridge
    function claim(address account) external nonReentrant {
        uint256 amount = _claimable[account];
        if (amount == 0) revert NothingToClaim();
        _claimable[account] = 0;
        _claimableTotalWei -= amount;
        emit Claimed(account, amount);
        (bool ok,) = account.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }

    /// @inheritdoc IBridge
    function confirmCommittee(CommitteeParams calldata) external pure {
        revert NotYetSupported();
    }

    // --- views

    /// @inheritdoc IBridge
    function committee(uint32 id) external view returns (Committee memory) {
        if (id >= _committees) revert UnknownCommittee(id);
        CommitteeParams storage c = _committee[id];
        return Committee({
            id: id,
            status: CommitteeStatus.Active,
            internalKey: c.internalKey,
            treeRoot: c.treeRoot,
            outputKey: c.outputKey,
            n: c.n,
            t: c.t,
            inputWeight: c.inputWeight,
            expiresAtHeight: 0
        });
    }

    /// @inheritdoc IBridge
    function currentCommitteeId() external view returns (uint32) {
        return uint32(_committees - 1);
    }

    /// @inheritdoc IBridge
    function reserves() external view returns (Reserves memory) {
        return Reserves({
            custodySats: uint64(_custodySats),
            circulatingWei: _circulatingWei(),
            pendingSats: uint64(_pendingSats),
            maxFeeSats: uint64(_maxFeeSats),
            claimableWei: _claimableTotalWei,
            shortfallSats: uint64(_shortfallSats),
            paused: _pauseReasons != 0,
            pauseReasons: uint8(_pauseReasons),
            pauseId: uint64(_pauseId),
            affectedUses: uint64(_affectedUses)
        });
    }

    /// @inheritdoc IBridge
    function claimableWei(address account) external view returns (uint256) {
        return _claimable[account];
    }

    /// @inheritdoc IBridge
    function isCredited(bytes32 txid, uint32 vout) external view returns (bool) {
        return _coinIds[_outpointKey(txid, vout)] != 0;
    }

    /// @inheritdoc IBridge
    function getCoin(bytes32 txid, uint32 vout) external view returns (Coin memory) {
        return coinById(_coinIds[_outpointKey(txid, vout)]);
    }

    /// @inheritdoc IBridge
    function coinById(uint64 id) public view returns (Coin memory coin) {
        StoredCoin storage stored = _coins[id];
        coin.id = id;
        coin.txid = stored.txid;
        coin.vout = stored.vout;
        coin.sats = stored.sats;
        coin.committeeId = stored.committeeId;
        coin.kind = stored.kind;
        coin.status = stored.status;
        coin.height = stored.height;
        coin.bitcoinBlock = stored.bitcoinBlock;
        coin.csvHeight = stored.csvHeight;
        coin.u = stored.u;
        coin.holdUntil = stored.holdUntil;
        coin.batchId = stored.batchId;
        coin.createdAtBlock = stored.createdAtBlock;
        coin.account = stored.account;
        coin.creditedSats = stored.creditedSats;
    }

    /// @inheritdoc IBridge
    function depositsOf(address account, uint256 offset, uint256 limit) external view returns (Coin[] memory coins) {
        unchecked {
            uint64[] storage ids = _depositsOf[account];
            coins = new Coin[](_pageLength(ids.length, offset, limit));
            for (uint256 i = 0; i < coins.length; i++) {
                coins[i] = coinById(ids[offset + i]);
            }
        }
    }

    /// @inheritdoc IBridge
    function getWithdrawal(uint64 id) external view returns (Withdrawal memory) {
        return _withdrawal(id, _plan().status);
    }

    /// @inheritdoc IBridge
    function withdrawalsOf(address account, uint256 offset, uint256 limit)
        external
        view
        returns (Withdrawal[] memory withdrawals)
    {
        unchecked {
            uint64[] storage ids = _withdrawalsOf[account];
            withdrawals = new Withdrawal[](_pageLength(ids.length, offset, limit));
            FormBatchStatus status = _plan().status;
            for (uint256 i = 0; i < withdrawals.length; i++) {
                withdrawals[i] = _withdrawal(ids[offset + i], status);
            }
        }
    }

    function _pageLength(uint256 length, uint256 offset, uint256 limit) private pure returns (uint256) {
        unchecked {
            if (offset >= length) return 0;
            uint256 rest = length - offset;
            if (limit > MAX_PAGE) limit = MAX_PAGE;
            return rest < limit ? rest : limit;
        }
    }

    function _withdrawal(uint64 id, FormBatchStatus status) private view returns (Withdrawal memory w) {
        StoredRequest storage request = _requests[id];
        w.id = id;
        w.status = request.status;
        w.account = request.account;
        w.amountSats = request.amountSats;
        w.maxFeeSats = request.maxFeeSats;
        w.feeSats = request.feeSats;
        w.script = request.script;
        w.requestedAtBlock = request.requestedAtBlock;
        w.requestedAtTime = request.requestedAtTime;
        w.batchId = request.batchId;
        w.txid = _batches[request.batchId].txid;
        w.vout = request.vout;
        if (w.status == WithdrawalStatus.Batched) w.reason = WithdrawalReason.WaitingForBitcoin;
        if (w.status == WithdrawalStatus.Queued) w.reason = _reason(w.maxFeeSats, w.script.length, status);
    }

    function _reason(uint64 maxFeeSats, uint256 scriptLength, FormBatchStatus status)
        private
        view
        returns (WithdrawalReason)
    {
        if (status == FormBatchStatus.Paused) return WithdrawalReason.BridgePaused;
        if (status == FormBatchStatus.FeesTooLow || !_carriesFirstRung(maxFeeSats, scriptLength)) {
            return WithdrawalReason.FeeTooLow;
        }
        if (status == FormBatchStatus.TooManyInFlight) return WithdrawalReason.TooManyBatches;
        if (status == FormBatchStatus.NotCovered) return WithdrawalReason.NotCovered;
        return WithdrawalReason.WaitingForBatch;
    }

    /// @inheritdoc IBridge
    function quoteWithdrawal() external view returns (WithdrawalQuote memory quote) {
        unchecked {
            uint256 vsize = _vsize(1, 1, QUOTED_SCRIPT_LENGTH, _currentInputWeight());
            quote.minAmountSats = _minWithdrawalSats;
            quote.minMaxFeeSats = _minMaxFeeSats;
            quote.vsize = uint64(vsize);
            quote.rungFeesSats = new uint64[](_rungCount);
            for (uint256 i = 0; i < _rungCount; i++) {
                quote.rungFeesSats[i] = uint64(_rung(i) * vsize);
            }
            quote.queued = uint32(_queueLength);
            quote.paused = _pauseReasons != 0;
        }
    }

    /// @inheritdoc IBridge
    function queue() external view returns (uint32 length, uint64 first, uint64 last) {
        return (uint32(_queueLength), _queue.first, _queue.last);
    }

    /// @inheritdoc IBridge
    function batchesInFlight() external view returns (uint64[] memory) {
        return _inFlight;
    }

    /// @inheritdoc IBridge
    function nextBatchId() external view returns (uint64) {
        return uint64(_lastBatchId + 1);
    }

    /// @inheritdoc IBridge
    function canFormBatch() external view returns (bool) {
        return _plan().status == FormBatchStatus.Ready;
    }

    /// @inheritdoc IBridge
    function formBatchStatus() external view returns (FormBatchStatus) {
        return _plan().status;
    }

    /// @inheritdoc IBridge
    function vsizeOf(uint256 inputs, uint256[] calldata payoutScriptLengths) external view returns (uint64) {
        unchecked {
            uint256 scriptBytes = 0;
            for (uint256 i = 0; i < payoutScriptLengths.length; i++) {
                scriptBytes += payoutScriptLengths[i];
            }
            return uint64(_vsize(inputs, payoutScriptLengths.length, scriptBytes, _currentInputWeight()));
        }
    }
}
