// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBitcoinLightClient} from "../interfaces/IBitcoinLightClient.sol";
import {
    BatchStatus,
    BridgeParams,
    CoinKind,
    CoinStatus,
    CommitteeParams,
    IBridge,
    WithdrawalStatus
} from "../interfaces/IBridge.sol";
import {IFeePool} from "../interfaces/IFeePool.sol";
import {BITCOIN_LIGHT_CLIENT, FEE_POOL} from "../lib/SystemAddresses.sol";
import {Taproot} from "../lib/Taproot.sol";

/// @title What every part of the bridge shares: parameters, storage, the coin and request lists, payouts, the peg.
abstract contract BridgeStorage is IBridge {
    IBitcoinLightClient internal constant LIGHT = IBitcoinLightClient(BITCOIN_LIGHT_CLIENT);
    uint256 internal constant WEI_PER_SAT = 1e10;
    /// Rates are packed into one immutable word of eight 32-bit numbers.
    uint256 internal constant MAX_RUNGS = 8;
    /// Below it a csv would be pushed as OP_1 to OP_16.
    uint16 internal constant MIN_CSV = 17;
    /// A coin's bucket is floor(log2 sats), and 21e14 < 2^51.
    uint256 internal constant BUCKETS = 51;
    /// Length of a P2TR or P2WSH script, and of the checkpoint's.
    uint256 internal constant CHANGE_SCRIPT_LENGTH = 34;
    uint256 internal constant CHECKPOINT_SCRIPT_LENGTH = 47;

    uint8 internal constant PAUSE_DISCONNECTED = 1;
    uint8 internal constant PAUSE_CUSTODY_SPENT = 2;
    uint8 internal constant PAUSE_HALTED = 4;
    uint8 internal constant PAUSE_SHORTFALL = 8;

    struct StoredCoin {
        bytes32 txid;
        bytes32 u;
        bytes32 bitcoinBlock;
        uint64 sats;
        uint32 committeeId;
        uint32 vout;
        uint32 height;
        /// Always 0: no reclaimable coin is credited before sweeps exist.
        uint32 csvHeight;
        uint32 holdUntil;
        CoinKind kind;
        CoinStatus status;
        uint64 prev;
        uint64 next;
        uint64 batchId;
        uint64 createdAtBlock;
        address account;
        uint64 creditedSats;
    }

    struct NewCoin {
        bytes32 txid;
        bytes32 blockHash;
        bytes32 u;
        uint32 height;
        uint32 vout;
        uint64 sats;
        uint32 committeeId;
        address account;
        uint64 creditedSats;
    }

    struct StoredRequest {
        address account;
        uint64 amountSats;
        WithdrawalStatus status;
        uint64 maxFeeSats;
        uint64 feeSats;
        uint64 prev;
        uint64 next;
        uint64 batchId;
        uint64 requestedAtBlock;
        uint64 requestedAtTime;
        uint32 vout;
        bytes script;
    }

    struct StoredBatch {
        BatchStatus status;
        uint32 committeeId;
        uint64 formedAtBlock;
        uint64 formedAtTime;
        uint64 vsize;
        uint64 inputSats;
        uint64 payoutSats;
        uint64 feeSats;
        uint64 settledAtBlock;
        uint64 changeCoin;
        bytes32 txid;
        bytes32 bitcoinBlock;
        uint64[] requestIds;
        uint64[] coinIds;
    }

    struct List {
        uint64 first;
        uint64 last;
    }

    uint256 internal _custodySats;
    uint256 internal _pendingSats;
    uint256 internal _maxFeeSats;
    uint256 internal _shortfallSats;

    uint256 internal _claimableTotalWei;

    uint256 internal _pauseReasons;
    uint256 internal _pauseId;
    uint256 internal _affectedUses;
    uint256 internal _committees;
    uint256 internal _queueLength;

    uint256 internal _lastCoinId;
    uint256 internal _lastRequestId;
    uint256 internal _lastBatchId;
    /// Bit i is set when bucket i holds a coin.
    uint256 internal _buckets;

    List internal _queue;
    uint64[] internal _inFlight;
    mapping(uint256 id => StoredCoin) internal _coins;
    mapping(bytes32 outpoint => uint64 coinId) internal _coinIds;
    mapping(uint256 bucket => List) internal _bucketLists;
    mapping(uint256 id => StoredRequest) internal _requests;
    mapping(uint256 id => StoredBatch) internal _batches;
    mapping(uint256 id => CommitteeParams) internal _committee;
    mapping(bytes32 outputKey => bool) internal _isCommitteeKey;
    mapping(address account => uint256 wei_) internal _claimable;
    mapping(address account => uint64[] coinIds) internal _depositsOf;
    mapping(address account => uint64[] requestIds) internal _withdrawalsOf;
    /// Deposits and settlements taken from a Bitcoin block.
    mapping(bytes32 blockHash => uint256) internal _uses;
    mapping(bytes32 blockHash => bool) internal _disconnected;
    /// keccak256(pauseId, resume?, validator's id) of the votes given.
    mapping(bytes32 vote => bool) internal _voted;

    uint256 private transient _entered;

    uint64 internal immutable _chainId;
    uint256 internal immutable _supplyWei;
    uint64 internal immutable _minDepositSats;
    uint32 internal immutable _depositConfirmations;
    uint16 internal immutable _reclaimCsv;
    uint64 internal immutable _depositFeeSats;
    uint64 internal immutable _minWithdrawalSats;
    uint64 internal immutable _minMaxFeeSats;
    uint32 internal immutable _batchWaitSeconds;
    uint16 internal immutable _batchMinRequests;
    uint16 internal immutable _maxBatchRequests;
    uint16 internal immutable _maxBatchInputs;
    uint16 internal immutable _maxBatchesInFlight;
    uint16 internal immutable _maxQueueScan;
    uint64 internal immutable _changeReserveSats;
    uint32 internal immutable _payoutGas;
    uint32 internal immutable _payoutMinGasLeft;
    uint256 internal immutable _packedRungs;
    uint256 internal immutable _rungCount;

    modifier nonReentrant() {
        _enter();
        _;
        _entered = 0;
    }

    function _enter() private {
        if (_entered != 0) revert Unauthorised();
        _entered = 1;
    }

    function _requireRunning() internal view {
        if (_pauseReasons != 0) revert BridgePaused();
    }

    constructor(BridgeParams memory p) {
        uint256 count = p.rungs.length;
        if (
            count == 0 || count > MAX_RUNGS || p.rungs[0] == 0 || p.reclaimCsv < MIN_CSV
                || p.reclaimMinLeft > p.reclaimCsv || p.maxBatchRequests == 0 || p.maxBatchInputs == 0
                || p.batchMinRequests == 0 || p.changeReserveSats == 0 || p.depositConfirmations == 0
                || p.minDepositSats <= p.depositFeeSats + p.sweepFeeSats || p.supplyWei > type(uint64).max * WEI_PER_SAT
        ) revert BadParams();
        uint256 packed = 0;
        for (uint256 i = 0; i < count; i++) {
            if (i > 0 && p.rungs[i] <= p.rungs[i - 1]) revert BadParams();
            packed |= uint256(p.rungs[i]) << (32 * i);
        }
        CommitteeParams memory c = p.committee;
        if (c.n == 0 || c.t == 0 || c.t > c.n || c.inputWeight == 0) revert BadParams();
        if (!Taproot.isTweaked(c.internalKey, c.treeRoot, c.outputKey, c.outputKeyY)) revert WrongOutputKey();
        _committee[0] = c;
        _isCommitteeKey[c.outputKey] = true;
        _committees = 1;

        _packedRungs = packed;
        _rungCount = count;
        _chainId = p.chainId;
        _supplyWei = p.supplyWei;
        _minDepositSats = p.minDepositSats;
        _depositConfirmations = p.depositConfirmations;
        _reclaimCsv = p.reclaimCsv;
        _depositFeeSats = p.depositFeeSats;
        _minWithdrawalSats = p.minWithdrawalSats;
        _minMaxFeeSats = p.minMaxFeeSats;
        _batchWaitSeconds = p.batchWaitSeconds;
        _batchMinRequests = p.batchMinRequests;
        _maxBatchRequests = p.maxBatchRequests;
        _maxBatchInputs = p.maxBatchInputs;
        _maxBatchesInFlight = p.maxBatchesInFlight;
        _maxQueueScan = p.maxQueueScan;
        _changeReserveSats = p.changeReserveSats;
        _payoutGas = p.payoutGas;
        _payoutMinGasLeft = p.payoutMinGasLeft;
    }

    // --- the peg (section 1)

    function _circulatingWei() internal view returns (uint256) {
        uint256 balance = address(this).balance;
        return balance < _supplyWei ? _supplyWei - balance : 0;
    }

    /// ceil((circulating + unsettled amounts + their maxFees + claimable) / 10^10)
    function _owedSats() internal view returns (uint256) {
        uint256 owedWei =
            _circulatingWei() + (_pendingSats + _maxFeeSats) * WEI_PER_SAT + _claimableTotalWei;
        return (owedWei + WEI_PER_SAT - 1) / WEI_PER_SAT;
    }

    function _requirePeg() internal view {
        uint256 owed = _owedSats();
        if (owed > _custodySats) revert PegBroken(owed, _custodySats);
    }

    /// Stores what is missing now; pauses when something is.
    function _recordShortfall() internal {
        uint256 owed = _owedSats();
        uint256 shortfall = owed > _custodySats ? owed - _custodySats : 0;
        if (shortfall == _shortfallSats) return;
        _shortfallSats = shortfall;
        emit ShortfallRecorded(uint64(shortfall));
        if (shortfall != 0) _pause(PAUSE_SHORTFALL);
    }

    function _pause(uint8 reason) internal {
        // A new cause while paused is a new pause: votes given before do not know of it.
        _pauseReasons |= reason;
        _pauseId++;
        emit Paused(uint64(_pauseId), reason);
    }

    // --- payouts

    /// Sends with bounded gas; what is refused becomes claimable.
    function _pay(address account, uint256 amountWei) internal {
        if (amountWei == 0) return;
        if (gasleft() > _payoutMinGasLeft) {
            bool ok;
            uint256 gasLimit = _payoutGas;
            // No return data is copied: its length is the receiver's choice.
            assembly ("memory-safe") {
                ok := call(gasLimit, account, amountWei, 0, 0, 0, 0)
            }
            if (ok) return;
        }
        _claimable[account] += amountWei;
        _claimableTotalWei += amountWei;
        emit ClaimableAdded(account, amountWei);
    }

    function _toFeePool(uint256 feeSats) internal {
        if (feeSats != 0) IFeePool(FEE_POOL).collect{value: feeSats * WEI_PER_SAT}();
    }

    // --- coins

    function _outpointKey(bytes32 txid, uint32 vout) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(txid, vout));
    }

    /// Records an outpoint as custody and makes it available.
    function _addCoin(NewCoin memory n) internal returns (uint64 id) {
        id = uint64(++_lastCoinId);
        _coinIds[_outpointKey(n.txid, n.vout)] = id;
        StoredCoin storage coin = _coins[id];
        coin.txid = n.txid;
        coin.u = n.u;
        coin.bitcoinBlock = n.blockHash;
        coin.sats = n.sats;
        coin.committeeId = n.committeeId;
        coin.vout = n.vout;
        coin.height = n.height;
        coin.status = CoinStatus.Available;
        coin.createdAtBlock = uint64(block.number);
        coin.account = n.account;
        coin.creditedSats = n.creditedSats;
        _custodySats += n.sats;
        _linkCoin(id, coin);
    }

    function _bucketOf(StoredCoin storage coin) private view returns (uint256 bucket) {
        unchecked {
            for (uint256 rest = coin.sats >> 1; rest != 0; rest >>= 1) {
                bucket++;
            }
        }
    }

    function _linkCoin(uint64 id, StoredCoin storage coin) private {
        uint256 bucket = _bucketOf(coin);
        List storage list = _bucketLists[bucket];
        uint64 last = list.last;
        if (last == 0) {
            list.first = id;
            _buckets |= 1 << bucket;
        } else {
            _coins[last].next = id;
            coin.prev = last;
        }
        list.last = id;
    }

    function _unlinkCoin(StoredCoin storage coin) internal {
        uint256 bucket = _bucketOf(coin);
        List storage list = _bucketLists[bucket];
        (uint64 prev, uint64 next) = (coin.prev, coin.next);
        if (prev == 0) list.first = next;
        else _coins[prev].next = next;
        if (next == 0) list.last = prev;
        else _coins[next].prev = prev;
        (coin.prev, coin.next) = (0, 0);
        if (list.first == 0) _buckets &= ~(1 << bucket);
    }

    // --- uses of Bitcoin blocks

    function _use(bytes32 blockHash) internal {
        _uses[blockHash]++;
    }

    /// Something taken from a disconnected block was proven again in another one.
    function _moveUse(bytes32 from, bytes32 to) internal {
        _uses[from]--;
        _uses[to]++;
        _lessAffected(1);
    }

    function _lessAffected(uint256 count) internal {
        _affectedUses -= count;
        if (_affectedUses == 0 && _pauseReasons & PAUSE_DISCONNECTED != 0) {
            _pauseReasons ^= PAUSE_DISCONNECTED;
            if (_pauseReasons == 0) emit Resumed(uint64(_pauseId));
        }
    }

    // --- sizes and rates

    function _rung(uint256 index) internal view returns (uint256) {
        return uint32(_packedRungs >> (32 * index));
    }

    function _bestHeight() internal view returns (uint32 height) {
        (, height,) = LIGHT.getBestBlock();
    }
}
