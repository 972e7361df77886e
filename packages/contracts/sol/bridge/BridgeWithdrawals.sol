// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FormBatchStatus, IBridge, WithdrawalStatus} from "../interfaces/IBridge.sol";
import {BitcoinTransaction} from "../lib/BitcoinTransaction.sol";
import {BridgeStorage} from "./BridgeStorage.sol";

/// @title The queue of withdrawals, and what the next batch would be (protocol.md, section 7).
abstract contract BridgeWithdrawals is BridgeStorage {
    /// What formBatch would do now; ids are those taken.
    struct Plan {
        FormBatchStatus status;
        uint256 requests;
        uint256 inputs;
        uint256[] requestIds;
        uint256[] coinIds;
        uint256 inputSats;
        uint256 payoutSats;
        uint256 budgetSats;
        uint256 vsize;
    }

    /// Requests and coins that may enter, in order, before they are cut to a batch.
    struct Candidates {
        uint256 count;
        uint256[] ids;
        uint256[] amounts;
        uint256[] maxFees;
        uint256[] scriptLengths;
        uint256[] coins;
        /// Sum of the first i + 1 coins.
        uint256[] covered;
        uint256 coinCount;
        bool due;
    }

    /// @inheritdoc IBridge
    function requestWithdrawal(bytes calldata scriptPubKey, uint64 maxFeeSats)
        external
        payable
        returns (uint64 id)
    {
        _requireRunning();
        if (!BitcoinTransaction.isStandard(scriptPubKey)) revert NonStandardScript();
        bytes32 key = BitcoinTransaction.taprootKey(scriptPubKey);
        if (key != 0 && _isCommitteeKey[key]) revert CommitteeScript();
        uint64 sats = _wholeSats();
        if (maxFeeSats < _minMaxFeeSats) revert MaxFeeTooLow(maxFeeSats, _minMaxFeeSats);
        uint64 amount = sats > maxFeeSats ? sats - maxFeeSats : 0;
        if (amount < _minWithdrawalSats) revert AmountTooSmall(amount, _minWithdrawalSats);

        id = uint64(++_lastRequestId);
        StoredRequest storage request = _requests[id];
        request.account = msg.sender;
        request.amountSats = amount;
        request.status = WithdrawalStatus.Queued;
        request.maxFeeSats = maxFeeSats;
        request.requestedAtBlock = uint64(block.number);
        request.requestedAtTime = uint64(block.timestamp);
        request.script = scriptPubKey;
        uint64 last = _queue.last;
        if (last == 0) {
            _queue.first = id;
        } else {
            _requests[last].next = id;
            request.prev = last;
        }
        _queue.last = id;
        _queueLength++;
        _pendingSats += amount;
        _maxFeeSats += maxFeeSats;
        _withdrawalsOf[msg.sender].push(id);
        emit WithdrawalRequested(id, msg.sender, amount, maxFeeSats, scriptPubKey);
    }

    /// @inheritdoc IBridge
    function raiseMaxFee(uint64 id) external payable {
        StoredRequest storage request = _requests[id];
        if (request.status != WithdrawalStatus.Queued && request.status != WithdrawalStatus.Batched) {
            revert WrongWithdrawalStatus(id, request.status);
        }
        uint64 sats = _wholeSats();
        request.maxFeeSats += sats;
        _maxFeeSats += sats;
        emit MaxFeeRaised(id, request.maxFeeSats);
    }

    /// @inheritdoc IBridge
    function cancel(uint64 id) external nonReentrant {
        StoredRequest storage request = _requests[id];
        if (request.account != msg.sender) revert NotYourWithdrawal(id);
        if (request.status != WithdrawalStatus.Queued) revert WrongWithdrawalStatus(id, request.status);
        request.status = WithdrawalStatus.Cancelled;
        _unlinkRequest(request);
        _pendingSats -= request.amountSats;
        _maxFeeSats -= request.maxFeeSats;
        emit WithdrawalCancelled(id, msg.sender);
        _pay(msg.sender, (uint256(request.amountSats) + request.maxFeeSats) * WEI_PER_SAT);
    }

    function _wholeSats() private view returns (uint64) {
        if (msg.value == 0 || msg.value % WEI_PER_SAT != 0 || msg.value > _supplyWei) revert BadValue(msg.value);
        return uint64(msg.value / WEI_PER_SAT);
    }

    function _unlinkRequest(StoredRequest storage request) internal {
        (uint64 prev, uint64 next) = (request.prev, request.next);
        if (prev == 0) _queue.first = next;
        else _requests[prev].next = next;
        if (next == 0) _queue.last = prev;
        else _requests[next].prev = prev;
        (request.prev, request.next) = (0, 0);
        _queueLength--;
    }

    // --- planning: indices and sums of at most a hundred amounts of at most 21e14 sat, which cannot overflow

    /// ceil(weight / 4) of a batch's transaction; `scriptBytes` is the sum of the payouts' script lengths.
    function _vsize(uint256 inputs, uint256 payouts, uint256 scriptBytes, uint256 inputWeight)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            uint256 outputBytes = 9 * payouts + scriptBytes + 9 + CHECKPOINT_SCRIPT_LENGTH + 9 + CHANGE_SCRIPT_LENGTH;
            uint256 weight = 4
                * (8 + BitcoinTransaction.varIntLength(inputs) + BitcoinTransaction.varIntLength(payouts + 2) + outputBytes)
                + 2 + inputs * inputWeight;
            return (weight + 3) / 4;
        }
    }

    /// Whether a request could go alone, with one input: the share of each in a larger batch is smaller.
    function _carriesFirstRung(uint256 maxFeeSats, uint256 scriptLength) internal view returns (bool) {
        return maxFeeSats >= _rung(0) * _vsize(1, 1, scriptLength, _currentInputWeight());
    }

    function _currentInputWeight() internal view returns (uint256) {
        return _committee[_committees - 1].inputWeight;
    }

    function _plan() internal view returns (Plan memory plan) {
        if (_pauseReasons != 0) return _no(plan, FormBatchStatus.Paused);
        if (_inFlight.length >= _maxBatchesInFlight) return _no(plan, FormBatchStatus.TooManyInFlight);
        if (_queueLength == 0) return _no(plan, FormBatchStatus.QueueEmpty);
        Candidates memory c;
        _collectRequests(c);
        if (c.count == 0) return _no(plan, FormBatchStatus.FeesTooLow);
        if (!c.due) return _no(plan, FormBatchStatus.Waiting);
        _collectCoins(c);
        _fit(plan, c);
    }

    function _no(Plan memory plan, FormBatchStatus status) private pure returns (Plan memory) {
        plan.status = status;
        return plan;
    }

    function _collectRequests(Candidates memory c) private view {
        unchecked {
            uint256 max = _maxBatchRequests;
            c.ids = new uint256[](max);
            c.amounts = new uint256[](max);
            c.maxFees = new uint256[](max);
            c.scriptLengths = new uint256[](max);
            uint256 id = _queue.first;
            for (uint256 scanned = 0; id != 0 && scanned < _maxQueueScan && c.count < max; scanned++) {
                StoredRequest storage request = _requests[id];
                uint256 length = request.script.length;
                if (_carriesFirstRung(request.maxFeeSats, length)) {
                    uint256 i = c.count++;
                    c.ids[i] = id;
                    c.amounts[i] = request.amountSats;
                    c.maxFees[i] = request.maxFeeSats;
                    c.scriptLengths[i] = length;
                    if (i == 0 && request.requestedAtTime + _batchWaitSeconds <= block.timestamp) c.due = true;
                }
                id = request.next;
            }
            if (c.count >= _batchMinRequests) c.due = true;
        }
    }

    /// The largest bucket downwards; first in, first out inside a bucket.
    function _collectCoins(Candidates memory c) private view {
        unchecked {
            uint256 max = _maxBatchInputs;
            c.coins = new uint256[](max);
            c.covered = new uint256[](max);
            uint256 sum = 0;
            uint256 bestHeight = _bestHeight();
            for (uint256 bucket = BUCKETS; bucket > 0 && c.coinCount < max; bucket--) {
                if ((_buckets >> (bucket - 1)) & 1 == 0) continue;
                uint256 id = _bucketLists[bucket - 1].first;
                // Coins held or out of the best chain are rare: looking past them costs a few slots each.
                for (uint256 seen = 0; id != 0 && seen < 2 * max && c.coinCount < max; seen++) {
                    StoredCoin storage coin = _coins[id];
                    // After voteResume a reorganised coin may still be unproven: a batch of it could never be mined.
                    if (coin.holdUntil <= bestHeight && !_disconnected[coin.bitcoinBlock]) {
                        sum += coin.sats;
                        c.coins[c.coinCount] = id;
                        c.covered[c.coinCount++] = sum;
                    }
                    id = coin.next;
                }
            }
        }
    }

    /// Cuts the candidates until coins cover payouts, budget and change, and the budget carries the first rung.
    function _fit(Plan memory plan, Candidates memory c) private view {
        unchecked {
            plan.status = FormBatchStatus.NotCovered;
            while (c.count > 0) {
                (uint256 payouts, uint256 lowest, uint256 lowestAt, uint256 scriptBytes) = _totals(c);
                uint256 budget = c.count * lowest;
                uint256 inputs = _inputsFor(c, payouts + budget + _changeReserveSats);
                if (inputs == 0) {
                    plan.status = FormBatchStatus.NotCovered;
                    c.count--;
                    continue;
                }
                uint256 vsize = _vsize(inputs, c.count, scriptBytes, _currentInputWeight());
                if (budget < _rung(0) * vsize) {
                    // So many small coins: the one that pays least is passed over.
                    plan.status = FormBatchStatus.FeesTooLow;
                    _drop(c, lowestAt);
                    continue;
                }
                plan.status = FormBatchStatus.Ready;
                plan.requests = c.count;
                plan.inputs = inputs;
                plan.requestIds = c.ids;
                plan.coinIds = c.coins;
                plan.inputSats = c.covered[inputs - 1];
                plan.payoutSats = payouts;
                plan.budgetSats = budget;
                plan.vsize = vsize;
                return;
            }
        }
    }

    function _totals(Candidates memory c)
        private
        pure
        returns (uint256 payouts, uint256 lowest, uint256 lowestAt, uint256 scriptBytes)
    {
        unchecked {
            lowest = type(uint256).max;
            for (uint256 i = 0; i < c.count; i++) {
                payouts += c.amounts[i];
                scriptBytes += c.scriptLengths[i];
                if (c.maxFees[i] < lowest) (lowest, lowestAt) = (c.maxFees[i], i);
            }
        }
    }

    /// How many of the coins cover `needed`; 0 when all of them do not.
    function _inputsFor(Candidates memory c, uint256 needed) private pure returns (uint256) {
        unchecked {
            for (uint256 i = 0; i < c.coinCount; i++) {
                if (c.covered[i] >= needed) return i + 1;
            }
            return 0;
        }
    }

    function _drop(Candidates memory c, uint256 index) private pure {
        unchecked {
            c.count--;
            for (uint256 i = index; i < c.count; i++) {
                c.ids[i] = c.ids[i + 1];
                c.amounts[i] = c.amounts[i + 1];
                c.maxFees[i] = c.maxFees[i + 1];
                c.scriptLengths[i] = c.scriptLengths[i + 1];
            }
        }
    }
}
