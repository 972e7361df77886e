// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InclusionProof} from "../interfaces/IBitcoinLightClient.sol";
import {BatchStatus, CoinStatus, FormBatchStatus, IBridge, WithdrawalStatus} from "../interfaces/IBridge.sol";
import {IFeePool} from "../interfaces/IFeePool.sol";
import {BitcoinTransaction} from "../lib/BitcoinTransaction.sol";
import {BLOCK_HASH_HISTORY, FEE_POOL} from "../lib/SystemAddresses.sol";
import {BridgeWithdrawals} from "./BridgeWithdrawals.sol";

/// @title Forming and settling batches (protocol.md, section 7).
abstract contract BridgeBatches is BridgeWithdrawals {
    /// What follows the block hash: the change's value, its script, the locktime.
    uint256 private constant TAIL_LENGTH = 8 + 1 + CHANGE_SCRIPT_LENGTH + 4;
    uint256 private constant BLOCKHASH_WINDOW = 256;

    /// A proven version of a batch's transaction.
    struct Version {
        bytes32 txid;
        bytes32 blockHash;
        uint32 height;
        uint32 changeVout;
        uint64 changeSats;
        uint64 feeSats;
    }

    /// @inheritdoc IBridge
    function formBatch() external returns (uint64 id) {
        Plan memory plan = _plan();
        if (plan.status != FormBatchStatus.Ready) revert CannotFormBatch(plan.status);
        id = ++_lastBatchId;
        StoredBatch storage batch = _batches[id];
        batch.status = BatchStatus.InFlight;
        batch.committeeId = _committees - 1;
        batch.formedAtBlock = uint64(block.number);
        batch.formedAtTime = uint64(block.timestamp);
        batch.vsize = plan.vsize;
        batch.inputSats = plan.inputSats;
        batch.payoutSats = plan.payoutSats;

        uint64[] memory requestIds = _cut(plan.requestIds, plan.requests);
        for (uint256 i = 0; i < requestIds.length; i++) {
            StoredRequest storage request = _requests[requestIds[i]];
            _unlinkRequest(request);
            request.status = WithdrawalStatus.Batched;
            request.batchId = id;
            request.vout = uint32(i);
        }
        uint64[] memory coinIds = _cut(plan.coinIds, plan.inputs);
        _anchorFirst(coinIds);
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
        emit BatchFormed(id, requestIds, coinIds, plan.budgetSats);
    }

    /// @inheritdoc IBridge
    function settleBatch(uint64 id, InclusionProof calldata proof) external nonReentrant {
        StoredBatch storage batch = _batches[id];
        bool again = batch.status == BatchStatus.Settled && _disconnected[batch.bitcoinBlock];
        if (batch.status != BatchStatus.InFlight && !again) revert WrongBatchStatus(id, batch.status);
        Version memory version;
        (version.txid, version.blockHash, version.height) =
            LIGHT.verifyTransaction(proof, _depositConfirmations);
        _match(batch, proof.transaction, version);
        if (again) _replace(id, batch, version);
        else _settle(id, batch, version);
    }

    /// @inheritdoc IBridge
    function failBatch(uint64, InclusionProof calldata) external pure {
        revert NotYetSupported();
    }

    // --- forming

    function _cut(uint64[] memory ids, uint256 length) private pure returns (uint64[] memory) {
        assembly ("memory-safe") {
            mstore(ids, length)
        }
        return ids;
    }

    /// The anchor is a plain coin, else the one with most blocks left before reclaim: whoever could reclaim it would unmake the batch.
    function _anchorFirst(uint64[] memory ids) private view {
        uint256 anchor = 0;
        uint256 latest = 0;
        for (uint256 i = 0; i < ids.length; i++) {
            uint256 csvHeight = _coins[ids[i]].csvHeight;
            if (csvHeight == 0) {
                anchor = i;
                break;
            }
            if (csvHeight > latest) (latest, anchor) = (csvHeight, i);
        }
        (ids[0], ids[anchor]) = (ids[anchor], ids[0]);
    }

    // --- settling

    /// Refuses every transaction but a version of the batch's; reads what versions differ in: block hash, change, fee.
    function _match(StoredBatch storage batch, bytes calldata transaction, Version memory version) private view {
        bytes memory head = _expectedHead(batch);
        uint256 length = head.length;
        if (transaction.length != length + 32 + TAIL_LENGTH) revert NotTheBatch("length");
        if (keccak256(transaction[:length]) != keccak256(head)) revert NotTheBatch("head");
        bytes32 named = bytes32(transaction[length:length + 32]);
        bytes32 known = _blockHash(batch.formedAtBlock);
        if (known != 0 && named != known) revert NotTheBatch("blockHash");
        bytes calldata tail = transaction[length + 32:];
        if (
            keccak256(tail[8:])
                != keccak256(abi.encodePacked(hex"225120", _committee[batch.committeeId].outputKey, uint32(0)))
        ) revert NotTheBatch("change");
        version.changeVout = uint32(batch.requestIds.length + 1);
        version.changeSats = BitcoinTransaction.little64(uint64(bytes8(tail[:8])));
        uint256 spent = uint256(batch.payoutSats) + version.changeSats;
        if (version.changeSats == 0 || spent > batch.inputSats) revert NotTheBatch("changeValue");
        version.feeSats = batch.inputSats - uint64(spent);
    }

    /// The transaction up to the block hash in its checkpoint output.
    function _expectedHead(StoredBatch storage batch) private view returns (bytes memory head) {
        uint64[] memory coinIds = batch.coinIds;
        uint64[] memory requestIds = batch.requestIds;
        bytes[] memory parts = new bytes[](coinIds.length + requestIds.length);
        for (uint256 i = 0; i < coinIds.length; i++) {
            StoredCoin storage coin = _coins[coinIds[i]];
            parts[i] = abi.encodePacked(coin.txid, BitcoinTransaction.little32(coin.vout), hex"00fdffffff");
        }
        for (uint256 i = 0; i < requestIds.length; i++) {
            StoredRequest storage request = _requests[requestIds[i]];
            bytes memory script = request.script;
            parts[coinIds.length + i] = abi.encodePacked(
                BitcoinTransaction.little64(request.amountSats), uint8(script.length), script
            );
        }
        head = abi.encodePacked(hex"02000000", BitcoinTransaction.varInt(coinIds.length));
        head = bytes.concat(head, _concat(parts, 0, coinIds.length));
        head = bytes.concat(
            head,
            BitcoinTransaction.varInt(requestIds.length + 2),
            _concat(parts, coinIds.length, parts.length),
            // Value 0; 47 bytes: OP_RETURN, push of 45, "HWSR", version 1, block number, (block hash).
            abi.encodePacked(uint64(0), hex"2f6a2d4857535201", batch.formedAtBlock)
        );
    }

    function _concat(bytes[] memory parts, uint256 from, uint256 to) private pure returns (bytes memory joined) {
        uint256 length = 0;
        for (uint256 i = from; i < to; i++) {
            length += parts[i].length;
        }
        joined = new bytes(length);
        uint256 offset = 32;
        for (uint256 i = from; i < to; i++) {
            bytes memory part = parts[i];
            assembly ("memory-safe") {
                mcopy(add(joined, offset), add(part, 32), mload(part))
            }
            offset += part.length;
        }
    }

    /// Zero when neither BLOCKHASH nor EIP-2935 knows it any more.
    function _blockHash(uint256 number) private view returns (bytes32) {
        if (block.number - number <= BLOCKHASH_WINDOW) return blockhash(number);
        (bool ok, bytes memory result) = BLOCK_HASH_HISTORY.staticcall(abi.encode(number));
        return ok && result.length == 32 ? bytes32(result) : bytes32(0);
    }

    function _settle(uint64 id, StoredBatch storage batch, Version memory version) private {
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
            paid += fee;
            refunds[i] = maxFee - fee;
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
    function _replace(uint64 id, StoredBatch storage batch, Version memory version) private {
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
    function _record(StoredBatch storage batch, Version memory version) private {
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
                0,
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
