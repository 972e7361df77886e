// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InclusionProof, ProvenBatch} from "../interfaces/IBitcoinLightClient.sol";
import {
    Batch,
    BatchInput,
    BatchRequest,
    BatchStatus,
    CoinStatus,
    FormBatchStatus,
    IBridge,
    WithdrawalStatus
} from "../interfaces/IBridge.sol";
import {IFeePool} from "../interfaces/IFeePool.sol";
import {FEE_POOL} from "../lib/SystemAddresses.sol";
import {BridgeWithdrawals} from "./BridgeWithdrawals.sol";

/// @title Forming and settling batches (protocol.md, section 7).
abstract contract BridgeBatches is BridgeWithdrawals {
    /// @inheritdoc IBridge
    function formBatch() external returns (uint64 id) {
        Plan memory plan = _plan();
        if (plan.status != FormBatchStatus.Ready) revert CannotFormBatch(plan.status);
        id = uint64(++_lastBatchId);
        StoredBatch storage batch = _batches[id];
        batch.status = BatchStatus.InFlight;
        batch.committeeId = uint32(_committees - 1);
        batch.formedAtBlock = uint64(block.number);
        batch.formedAtTime = uint64(block.timestamp);
        batch.vsize = uint64(plan.vsize);
        batch.inputSats = uint64(plan.inputSats);
        batch.payoutSats = uint64(plan.payoutSats);

        uint64[] memory requestIds = _cut(plan.requestIds, plan.requests);
        for (uint256 i = 0; i < requestIds.length; i++) {
            StoredRequest storage request = _requests[requestIds[i]];
            _unlinkRequest(request);
            request.status = WithdrawalStatus.Batched;
            request.batchId = id;
            request.vout = uint32(i);
        }
        uint64[] memory coinIds = _cut(plan.coinIds, plan.inputs);
        for (uint256 i = 0; i < coinIds.length; i++) {
            StoredCoin storage coin = _coins[coinIds[i]];
            _unlinkCoin(coin);
            coin.status = CoinStatus.InBatch;
            coin.batchId = id;
        }
        batch.requestIds = requestIds;
        batch.coinIds = coinIds;
        _inFlight.push(id);
        _requirePeg();
        emit BatchFormed(id, requestIds, coinIds, uint64(plan.budgetSats));
    }

    /// @inheritdoc IBridge
    function settleBatch(uint64 id, InclusionProof calldata proof) external nonReentrant {
        StoredBatch storage batch = _batches[id];
        bool again = batch.status == BatchStatus.Settled && _disconnected[batch.bitcoinBlock];
        if (batch.status != BatchStatus.InFlight && !again) revert WrongBatchStatus(id, batch.status);
        ProvenBatch memory version =
            LIGHT.verifyBatch(proof, _depositConfirmations, getBatch(id), _committee[batch.committeeId].outputKey);
        if (again) _replace(id, batch, version);
        else _settle(id, batch, version);
    }

    /// @inheritdoc IBridge
    function failBatch(uint64, InclusionProof calldata) external pure {
        revert NotYetSupported();
    }

    // --- forming

    function _cut(uint256[] memory ids, uint256 length) private pure returns (uint64[] memory cut) {
        assembly ("memory-safe") {
            mstore(ids, length)
            cut := ids
        }
    }

    // --- settling

    function _settle(uint64 id, StoredBatch storage batch, ProvenBatch memory version) private {
        uint64[] memory requestIds = batch.requestIds;
        batch.status = BatchStatus.Settled;
        batch.settledAtBlock = uint64(block.number);
        _removeInFlight(id);
        uint64[] memory coinIds = batch.coinIds;
        for (uint256 i = 0; i < coinIds.length; i++) {
            _coins[coinIds[i]].status = CoinStatus.Spent;
        }
        _custodySats -= batch.inputSats;
        _pendingSats -= batch.payoutSats;
        _record(batch, version);
        _use(version.blockHash);

        uint64 share = uint64((uint256(version.feeSats) + requestIds.length - 1) / requestIds.length);
        uint64[] memory refunds = new uint64[](requestIds.length);
        uint64 paid = 0;
        for (uint256 i = 0; i < requestIds.length; i++) {
            StoredRequest storage request = _requests[requestIds[i]];
            uint64 maxFee = request.maxFeeSats;
            uint64 fee = share < maxFee ? share : maxFee;
            // fee <= maxFee, and a sum of 50 fees fits.
            unchecked {
                paid += fee;
                refunds[i] = maxFee - fee;
            }
            _maxFeeSats -= maxFee;
            request.feeSats = fee;
            request.status = WithdrawalStatus.Settled;
            emit WithdrawalSettled(requestIds[i], request.account, version.txid, uint32(i), request.amountSats, fee);
        }
        emit BatchSettled(id, version.txid, version.blockHash, version.feeSats, version.changeSats);
        for (uint256 i = 0; i < requestIds.length; i++) {
            _pay(_requests[requestIds[i]].account, uint256(refunds[i]) * WEI_PER_SAT);
        }
        _coverFee(version.feeSats > paid ? version.feeSats - paid : 0);
    }

    /// A settled batch was proven again: the same version in another block, or another version, whose change takes the old one's place.
    function _replace(uint64 id, StoredBatch storage batch, ProvenBatch memory version) private {
        _moveUse(batch.bitcoinBlock, version.blockHash);
        if (version.txid == batch.txid) {
            batch.bitcoinBlock = version.blockHash;
            StoredCoin storage change = _coins[batch.changeCoin];
            change.bitcoinBlock = version.blockHash;
            change.height = version.height;
        } else {
            uint64 oldId = batch.changeCoin;
            StoredCoin storage old = _coins[oldId];
            if (old.status != CoinStatus.Available) revert ChangeInUse(oldId);
            _unlinkCoin(old);
            old.status = CoinStatus.Lost;
            _custodySats -= old.sats;
            uint64 oldFee = batch.feeSats;
            _record(batch, version);
            _coverFee(version.feeSats > oldFee ? version.feeSats - oldFee : 0);
        }
        emit BatchReproven(id, version.txid, version.blockHash);
    }

    /// Writes what was mined and takes its change into custody.
    function _record(StoredBatch storage batch, ProvenBatch memory version) private {
        batch.txid = version.txid;
        batch.bitcoinBlock = version.blockHash;
        batch.feeSats = version.feeSats;
        batch.changeCoin = _addCoin(
            NewCoin(
                version.txid,
                version.blockHash,
                0,
                version.height,
                version.changeVout,
                version.changeSats,
                batch.committeeId,
                address(0),
                0
            )
        );
    }

    /// What the requests did not pay comes from the fee pool; what it has not is shortfall.
    function _coverFee(uint64 missingSats) private {
        if (missingSats == 0) return;
        IFeePool(FEE_POOL).payBridge(uint256(missingSats) * WEI_PER_SAT);
        _recordShortfall();
    }

    function _removeInFlight(uint64 id) private {
        unchecked {
            uint256 last = _inFlight.length - 1;
            bool found = false;
            for (uint256 i = 0; i < last; i++) {
                if (_inFlight[i] == id) found = true;
                // Shifted, not swapped: the list stays ascending.
                if (found) _inFlight[i] = _inFlight[i + 1];
            }
            _inFlight.pop();
        }
    }

    /// @inheritdoc IBridge
    function getBatch(uint64 id) public view returns (Batch memory b) {
        unchecked {
            StoredBatch storage stored = _batches[id];
            b.id = id;
            b.status = stored.status;
            b.formedAtBlock = stored.formedAtBlock;
            b.formedAtTime = stored.formedAtTime;
            b.committeeId = stored.committeeId;
            b.vsize = stored.vsize;
            b.inputSats = stored.inputSats;
            b.payoutSats = stored.payoutSats;
            b.txid = stored.txid;
            b.bitcoinBlock = stored.bitcoinBlock;
            b.feeSats = stored.feeSats;
            b.settledAtBlock = stored.settledAtBlock;
            b.inputs = _inputsOf(stored);
            b.requests = _requestsOf(stored);
            if (b.status == BatchStatus.None) return b;
            uint64 lowest = type(uint64).max;
            for (uint256 i = 0; i < b.requests.length; i++) {
                if (b.requests[i].maxFeeSats < lowest) lowest = b.requests[i].maxFeeSats;
            }
            b.budgetSats = lowest * uint64(b.requests.length);
            // A raised budget may exceed what the inputs leave: the change must stay above the reserve.
            uint64 left = b.inputSats - b.payoutSats - _changeReserveSats;
            uint64 bound = b.budgetSats < left ? b.budgetSats : left;
            while (b.payableRungs < _rungCount && _rung(b.payableRungs) * b.vsize <= bound) {
                b.payableRungs++;
            }
        }
    }

    function _inputsOf(StoredBatch storage stored) private view returns (BatchInput[] memory inputs) {
        unchecked {
            inputs = new BatchInput[](stored.coinIds.length);
            for (uint256 i = 0; i < inputs.length; i++) {
                StoredCoin storage coin = _coins[stored.coinIds[i]];
                inputs[i] = BatchInput({
                    txid: coin.txid,
                    vout: coin.vout,
                    sats: coin.sats,
                    committeeId: coin.committeeId,
                    u: coin.u,
                    csvHeight: coin.csvHeight
                });
            }
        }
    }

    function _requestsOf(StoredBatch storage stored) private view returns (BatchRequest[] memory requests) {
        unchecked {
            requests = new BatchRequest[](stored.requestIds.length);
            for (uint256 i = 0; i < requests.length; i++) {
                uint64 id = stored.requestIds[i];
                StoredRequest storage request = _requests[id];
                requests[i] = BatchRequest({
                    id: id,
                    account: request.account,
                    amountSats: request.amountSats,
                    maxFeeSats: request.maxFeeSats,
                    script: request.script
                });
            }
        }
    }
}
