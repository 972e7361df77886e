// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DepositAddress, InclusionProof, ProvenOutput} from "../interfaces/IBitcoinLightClient.sol";
import {CoinStatus, CommitteeParams, DepositClaim, IBridge} from "../interfaces/IBridge.sol";
import {BridgeStorage} from "./BridgeStorage.sol";

/// @title Deposits and lost custody (protocol.md, sections 6 and 7).
abstract contract BridgeDeposits is BridgeStorage {
    uint8 private constant KIND_PLAIN = 0;

    /// @inheritdoc IBridge
    /// @dev Refuses a refund key. The depositor could take such an output back once its csv is over, and only a sweep moves it in time:
    /// credited without sweeps, what nobody withdraws becomes a shortfall at the depositor's will. The light client derives the address with
    /// the key as ever, so that it is this rule alone that gives way when sweeps exist.
    function deposit(InclusionProof calldata proof, DepositClaim calldata claim_) external nonReentrant {
        if (claim_.kind != KIND_PLAIN) revert UnsupportedDepositKind(claim_.kind);
        if (claim_.refundKey != 0) revert NotYetSupported();
        CommitteeParams storage c = _creditingCommittee(claim_.committeeId);
        ProvenOutput memory paid = LIGHT.verifyDeposit(
            proof,
            _depositConfirmations,
            claim_.vout,
            DepositAddress({
                internalKey: c.internalKey,
                treeRoot: c.treeRoot,
                chainId: _chainId,
                kind: claim_.kind,
                account: claim_.account,
                refundKey: claim_.refundKey,
                csv: _reclaimCsv,
                qy: claim_.qy
            })
        );
        _take(paid, claim_.committeeId);
    }

    /// @inheritdoc IBridge
    function depositByOpReturn(InclusionProof calldata proof, uint32 committeeId) external nonReentrant {
        bytes32 outputKey = _creditingCommittee(committeeId).outputKey;
        _take(LIGHT.verifyOpReturnDeposit(proof, _depositConfirmations, outputKey, _chainId), committeeId);
    }

    /// @inheritdoc IBridge
    function reportSpend(InclusionProof calldata proof, uint32 inputIndex) external {
        (bytes32 txid, uint32 vout) = LIGHT.verifySpend(proof, _depositConfirmations, inputIndex);
        uint64 id = _coinIds[_outpointKey(txid, vout)];
        if (id == 0) revert NoSuchCoin(txid, vout);
        StoredCoin storage coin = _coins[id];
        // The input of a batch is settled with it, or fails with it.
        if (coin.status != CoinStatus.Available) revert WrongCoinStatus(id, coin.status);
        _unlinkCoin(coin);
        coin.status = CoinStatus.Lost;
        _custodySats -= coin.sats;
        emit CustodySpent(txid, id, coin.sats);
        _pause(PAUSE_CUSTODY_SPENT);
        _recordShortfall();
    }

    function _creditingCommittee(uint32 id) private view returns (CommitteeParams storage) {
        if (id >= _committees) revert UnknownCommittee(id);
        return _committee[id];
    }

    /// Credits an output, or, when it was credited from a block that is disconnected now, records the new block.
    function _take(ProvenOutput memory paid, uint32 committeeId) private {
        uint64 id = _coinIds[_outpointKey(paid.txid, paid.vout)];
        if (id == 0) {
            _credit(paid, committeeId);
            return;
        }
        StoredCoin storage coin = _coins[id];
        bytes32 oldBlock = coin.bitcoinBlock;
        // Change is proven again with its batch.
        if (!_disconnected[oldBlock] || coin.account == address(0)) revert AlreadyCredited(paid.txid, paid.vout);
        _moveUse(oldBlock, paid.blockHash);
        coin.bitcoinBlock = paid.blockHash;
        coin.height = paid.height;
        emit DepositReproven(paid.txid, paid.vout, paid.blockHash);
    }

    function _credit(ProvenOutput memory paid, uint32 committeeId) private {
        _requireRunning();
        if (paid.account == address(0)) revert ZeroAccount();
        if (paid.sats < _minDepositSats) revert DepositTooSmall(paid.sats, _minDepositSats);
        uint64 credited = paid.sats - _depositFeeSats;
        uint64 id = _addCoin(
            NewCoin(
                paid.txid, paid.blockHash, paid.u, paid.height, paid.vout, paid.sats, committeeId, paid.account, credited
            )
        );
        _use(paid.blockHash);
        _depositsOf[paid.account].push(id);
        emit Deposited(paid.account, paid.txid, paid.vout, paid.sats, credited, id);
        _toFeePool(_depositFeeSats);
        _pay(paid.account, uint256(credited) * WEI_PER_SAT);
        _requirePeg();
    }
}
