// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBitcoinLightClient, InclusionProof} from "../interfaces/IBitcoinLightClient.sol";
import {CoinStatus, CommitteeParams, DepositClaim, IBridge} from "../interfaces/IBridge.sol";
import {BitcoinTransaction} from "../lib/BitcoinTransaction.sol";
import {BITCOIN_LIGHT_CLIENT} from "../lib/SystemAddresses.sol";
import {Taproot} from "../lib/Taproot.sol";
import {BridgeStorage} from "./BridgeStorage.sol";

/// @title Deposits and lost custody (protocol.md, sections 6 and 7).
abstract contract BridgeDeposits is BridgeStorage {
    uint8 private constant KIND_PLAIN = 0;
    /// OP_RETURN, a push of 34 bytes, "HWSD", version 1; then chainId u64, kind u8, address 20.
    bytes7 private constant OP_RETURN_HEAD = 0x6a224857534401;
    /// OP_RETURN, a push of 34 bytes, "HWSD": whatever follows, such an output claims to be ours.
    bytes6 private constant OP_RETURN_MAGIC = 0x6a2248575344;
    uint256 private constant OP_RETURN_LENGTH = 36;

    /// Where a proven transaction stands.
    struct Place {
        bytes32 txid;
        bytes32 blockHash;
        uint32 height;
    }

    /// @inheritdoc IBridge
    function deposit(InclusionProof calldata proof, DepositClaim calldata claim_) external nonReentrant {
        Place memory place = _prove(proof);
        if (_reprove(place, claim_.vout)) return;
        if (claim_.kind != KIND_PLAIN) revert UnsupportedDepositKind(claim_.kind);
        if (claim_.account == address(0)) revert ZeroAccount();
        CommitteeParams storage c = _creditingCommittee(claim_.committeeId);
        (uint64 sats, bytes32 outputKey) = _taprootOutput(proof.transaction, claim_.vout);
        bytes32 u = Taproot.depositSibling(
            Taproot.depositDigest(_chainId, claim_.kind, claim_.account, 0), claim_.refundKey, _reclaimCsv
        );
        if (!Taproot.isTweaked(c.internalKey, Taproot.branch(c.treeRoot, u), outputKey, claim_.qy)) {
            revert WrongOutputKey();
        }
        uint32 csvHeight = 0;
        if (claim_.refundKey != 0) {
            csvHeight = place.height + _reclaimCsv;
            uint256 best = _bestHeight();
            uint256 left = csvHeight > best ? csvHeight - best : 0;
            if (left < _reclaimMinLeft) revert ReclaimTooNear(left, _reclaimMinLeft);
        }
        _credit(place, claim_.vout, sats, claim_.committeeId, u, csvHeight, claim_.account);
    }

    /// @inheritdoc IBridge
    function depositByOpReturn(InclusionProof calldata proof, uint32 committeeId) external nonReentrant {
        Place memory place = _prove(proof);
        CommitteeParams storage c = _creditingCommittee(committeeId);
        (uint32 vout, uint64 sats, address account) = _opReturnOutputs(proof.transaction, c.outputKey);
        if (_reprove(place, vout)) return;
        if (account == address(0)) revert ZeroAccount();
        _credit(place, vout, sats, committeeId, 0, 0, account);
    }

    /// @inheritdoc IBridge
    function reportSpend(InclusionProof calldata proof, uint32 inputIndex) external {
        _prove(proof);
        (bytes32 txid, uint32 vout) = BitcoinTransaction.outpoint(proof.transaction, inputIndex);
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

    function _prove(InclusionProof calldata proof) internal view returns (Place memory place) {
        (place.txid, place.blockHash, place.height) =
            IBitcoinLightClient(BITCOIN_LIGHT_CLIENT).verifyTransaction(proof, _depositConfirmations);
    }

    function _creditingCommittee(uint32 id) private view returns (CommitteeParams storage) {
        if (id >= _committees) revert UnknownCommittee(id);
        return _committee[id];
    }

    /// True when the outpoint was credited from a block that is disconnected now: the new block takes its place.
    function _reprove(Place memory place, uint32 vout) private returns (bool) {
        uint64 id = _coinIds[_outpointKey(place.txid, vout)];
        if (id == 0) {
            if (_pauseReasons != 0) revert BridgePaused();
            return false;
        }
        StoredCoin storage coin = _coins[id];
        bytes32 oldBlock = coin.bitcoinBlock;
        // Change is proven again with its batch.
        if (!_disconnected[oldBlock] || coin.account == address(0)) revert AlreadyCredited(place.txid, vout);
        _moveUse(oldBlock, place.blockHash);
        coin.bitcoinBlock = place.blockHash;
        coin.height = place.height;
        if (coin.csvHeight != 0) coin.csvHeight = place.height + _reclaimCsv;
        emit DepositReproven(place.txid, vout, place.blockHash);
        return true;
    }

    function _credit(
        Place memory place,
        uint32 vout,
        uint64 sats,
        uint32 committeeId,
        bytes32 u,
        uint32 csvHeight,
        address account
    ) private {
        if (sats < _minDepositSats) revert DepositTooSmall(sats, _minDepositSats);
        (uint64 id, StoredCoin storage coin) = _addCoin(place.txid, vout, sats, committeeId, u);
        coin.height = place.height;
        coin.bitcoinBlock = place.blockHash;
        coin.csvHeight = csvHeight;
        _linkCoin(id, coin);
        _use(place.blockHash);
        uint64 feeSats = _depositFeeSats + (csvHeight == 0 ? 0 : _sweepFeeSats);
        uint64 credited = sats - feeSats;
        coin.account = account;
        coin.creditedSats = credited;
        _depositsOf[account].push(id);
        emit Deposited(account, place.txid, vout, sats, credited, id);
        _toFeePool(feeSats);
        _pay(account, uint256(credited) * WEI_PER_SAT);
        _requirePeg();
    }

    function _taprootOutput(bytes calldata transaction, uint32 vout) private pure returns (uint64, bytes32) {
        (uint256 count, uint256 position) = BitcoinTransaction.outputCount(transaction);
        if (vout >= count) revert NoSuchOutput(vout);
        for (uint256 i = 0;; i++) {
            (uint64 sats, bytes calldata script, uint256 next) = BitcoinTransaction.outputAt(transaction, position);
            if (i == vout) {
                bytes32 key = BitcoinTransaction.taprootKey(script);
                if (key == 0) revert NotTaproot();
                return (sats, key);
            }
            position = next;
        }
        revert NoSuchOutput(vout);
    }

    /// Exactly one output to the plain address and exactly one HWSD output, else nobody could say who is meant.
    function _opReturnOutputs(bytes calldata transaction, bytes32 outputKey)
        private
        view
        returns (uint32 vout, uint64 sats, address account)
    {
        (uint256 count, uint256 position) = BitcoinTransaction.outputCount(transaction);
        uint256 payments = 0;
        uint256 messages = 0;
        for (uint256 i = 0; i < count; i++) {
            (uint64 value, bytes calldata script, uint256 next) = BitcoinTransaction.outputAt(transaction, position);
            position = next;
            if (BitcoinTransaction.taprootKey(script) == outputKey) {
                payments++;
                (vout, sats) = (uint32(i), value);
            } else if (script.length == OP_RETURN_LENGTH && bytes6(script[:6]) == OP_RETURN_MAGIC) {
                messages++;
                if (bytes7(script[:7]) != OP_RETURN_HEAD || bytes8(script[7:15]) != bytes8(_chainId)) {
                    revert BadOpReturnDeposit();
                }
                if (script[15] != bytes1(KIND_PLAIN)) revert UnsupportedDepositKind(uint8(script[15]));
                account = address(bytes20(script[16:36]));
            }
        }
        if (payments != 1 || messages != 1) revert BadOpReturnDeposit();
    }
}
