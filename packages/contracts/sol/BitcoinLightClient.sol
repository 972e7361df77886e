// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    BitcoinNetwork,
    DepositAddress,
    HeaderInfo,
    IBitcoinLightClient,
    InclusionProof,
    LightClientParams,
    ProvenBatch,
    ProvenOutput
} from "./interfaces/IBitcoinLightClient.sol";
import {Batch, IBridge} from "./interfaces/IBridge.sol";
import {BatchTransaction} from "./lib/BatchTransaction.sol";
import {BitcoinHeader} from "./lib/BitcoinHeader.sol";
import {BitcoinProof} from "./lib/BitcoinProof.sol";
import {BitcoinTransaction} from "./lib/BitcoinTransaction.sol";
import {BRIDGE} from "./lib/SystemAddresses.sol";
import {Taproot} from "./lib/Taproot.sol";

/// @title Bitcoin's header chain, checked from chain state alone (protocol.md, section 5; bitcoin.md, section 1).
/// @dev A header on the best chain costs two slots: its meta and `main[height]`. `prev` is written only off the best chain.
contract BitcoinLightClient is IBitcoinLightClient {
    uint256 private constant PERIOD = 2016;
    uint256 private constant PERIOD_SECONDS = 1_209_600;
    uint256 private constant MEDIAN_SPAN = 11;
    uint256 private constant COINBASE_MATURITY = 100;
    /// BIP94 allows a period's first block to lie this much before its parent.
    uint256 private constant TIME_WARP_GRACE_SECONDS = 600;
    /// The test networks allow the easiest target when a block is this much later than its parent.
    uint256 private constant MIN_DIFFICULTY_AFTER_SECONDS = 1200;
    uint32 private constant MIN_DIFFICULTY_BITS = 0x1d00ffff;
    int32 private constant MIN_VERSION = 4;
    uint8 private constant KIND_PLAIN = 0;
    /// OP_RETURN, a push of 34 bytes, "HWSD", version 1; then chainId u64, kind u8, address 20.
    bytes7 private constant OP_RETURN_HEAD = 0x6a224857534401;
    /// OP_RETURN, a push of 34 bytes, "HWSD": whatever follows, such an output claims to be ours.
    bytes6 private constant OP_RETURN_MAGIC = 0x6a2248575344;
    uint256 private constant OP_RETURN_LENGTH = 36;

    /// Slot 0, fixed: hash of the best block, internal byte order.
    bytes32 private _best;
    /// The chain that becomes the best one; zero when no reorganisation is under way.
    bytes32 private _reorgTip;
    /// Block that is written at `_reorgHeight` next, once `_reorgHeight` is not above the new tip.
    bytes32 private _reorgCursor;
    uint32 private _reorgHeight;
    /// time32 | periodBits32 | minDifficulty1 height31 | periodStartTime32 | work128
    mapping(bytes32 hash => uint256) private _meta;
    mapping(uint256 height => bytes32) private _main;
    mapping(bytes32 hash => bytes32) private _prev;
    uint32[] private _previousTimes;

    BitcoinNetwork public immutable network;
    uint32 public immutable maxHeadersPerCall;
    uint32 private immutable _maxFutureSeconds;
    uint32 private immutable _maxReorgSteps;
    bytes32 private immutable _checkpointHash;
    uint32 private immutable _checkpointHeight;
    uint256 private immutable _powLimit;

    /// What one call of submitHeaders carries from header to header.
    struct Progress {
        bytes32 best;
        uint128 bestWork;
        uint256 stepsLeft;
        bool interrupted;
    }

    /// The header that the next one is checked against, with the times of the last 11 by height % 11.
    struct Parent {
        bytes32 hash;
        uint256 meta;
        uint32[MEDIAN_SPAN] times;
    }

    constructor(LightClientParams memory p) {
        bytes memory header = p.header;
        if (
            header.length != BitcoinHeader.LENGTH || p.previousTimes.length >= MEDIAN_SPAN
                || p.previousTimes.length > p.height || p.height >= 1 << 31 || p.maxHeadersPerCall == 0
                || p.maxReorgSteps == 0
        ) revert BadCheckpoint();
        uint32 bits = BitcoinHeader.bitsOf(header);
        uint32 time = BitcoinHeader.timeOf(header);
        bool minDifficulty = bits != p.periodBits;
        if (minDifficulty && bits != MIN_DIFFICULTY_BITS) revert BadCheckpoint();
        if (p.height % PERIOD == 0 && (minDifficulty || p.periodStartTime != time)) revert BadCheckpoint();
        bytes32 hash = BitcoinHeader.hash(header);
        if (BitcoinHeader.toNumber(hash) > BitcoinHeader.target(bits)) revert BadCheckpoint();

        network = p.network;
        maxHeadersPerCall = p.maxHeadersPerCall;
        _maxFutureSeconds = p.maxFutureSeconds;
        _maxReorgSteps = p.maxReorgSteps;
        _checkpointHash = hash;
        _checkpointHeight = p.height;
        _powLimit = BitcoinHeader.target(
            p.network == BitcoinNetwork.Regtest
                ? 0x207fffff
                : p.network == BitcoinNetwork.Signet ? 0x1e0377ae : MIN_DIFFICULTY_BITS
        );
        _best = hash;
        _meta[hash] = _pack(time, p.periodBits, minDifficulty, p.height, p.periodStartTime, p.chainWork);
        _main[p.height] = hash;
        _previousTimes = p.previousTimes;
    }

    /// @inheritdoc IBitcoinLightClient
    function submitHeaders(bytes calldata headers) external returns (uint256 added) {
        uint256 length = headers.length;
        if (length == 0 || length % BitcoinHeader.LENGTH != 0 || length / BitcoinHeader.LENGTH > maxHeadersPerCall) {
            revert BadHeadersLength(length);
        }
        Progress memory progress;
        progress.stepsLeft = _maxReorgSteps;
        bool progressed = _reorgTip != 0;
        if (progressed) {
            progress.stepsLeft = _rewrite(progress.stepsLeft);
            if (_reorgTip != 0) return 0;
        }
        progress.best = _best;
        progress.bestWork = uint128(_meta[progress.best]);
        bytes32 storedBest = progress.best;
        Parent memory parent;
        for (uint256 offset = 0; offset < length; offset += BitcoinHeader.LENGTH) {
            if (_add(progress, parent, headers[offset:offset + BitcoinHeader.LENGTH])) added++;
            if (progress.interrupted) return added;
        }
        if (progress.best != storedBest) _best = progress.best;
        if (added == 0 && !progressed) revert NothingNew();
    }

    /// Stores one header, on the best chain or off it; false when it is known.
    function _add(Progress memory progress, Parent memory parent, bytes memory header) private returns (bool) {
        bytes32 hash = BitcoinHeader.hash(header);
        if (_meta[hash] != 0) return false;
        bytes32 parentHash = BitcoinHeader.parentOf(header);
        if (parent.hash != parentHash) _load(parent, parentHash);
        uint256 meta = _check(parent, header, hash);
        uint256 height = _heightOf(meta);
        parent.hash = hash;
        parent.meta = meta;
        parent.times[height % MEDIAN_SPAN] = _timeOf(meta);
        _meta[hash] = meta;
        emit HeaderAdded(hash, uint32(height));

        if (parentHash == progress.best) {
            _main[height] = hash;
            progress.best = hash;
            progress.bestWork = uint128(meta);
            return true;
        }
        _prev[hash] = parentHash;
        // First seen wins a tie.
        if (uint128(meta) <= progress.bestWork) return true;
        // The rewriting starts from stored state, so the headers appended in this call must be there.
        _best = progress.best;
        _startRewriting(hash, uint32(height));
        progress.stepsLeft = _rewrite(progress.stepsLeft);
        progress.interrupted = _reorgTip != 0;
        progress.best = hash;
        progress.bestWork = uint128(meta);
        return true;
    }

    // --- rules

    /// Checks a header against its parent; returns its meta word.
    function _check(Parent memory parent, bytes memory header, bytes32 hash) private view returns (uint256) {
        uint32 bits = BitcoinHeader.bitsOf(header);
        uint32 time = BitcoinHeader.timeOf(header);
        uint256 height = _heightOf(parent.meta) + 1;
        uint32 expected = _expectedBits(parent.meta, height, time);
        if (bits != expected) revert BadBits(bits, expected);
        uint256 target = BitcoinHeader.target(bits);
        if (target > _powLimit) revert InvalidTarget(bits);
        if (BitcoinHeader.toNumber(hash) > target) revert InsufficientWork(hash);
        if (BitcoinHeader.versionOf(header) < MIN_VERSION) revert BadVersion(BitcoinHeader.versionOf(header));
        if (!_laterThanMedian(parent.times, height, time)) revert TimeTooEarly(time);
        if (time > block.timestamp + _maxFutureSeconds) {
            revert TimeTooFarAhead(time, block.timestamp + _maxFutureSeconds);
        }
        bool first = height % PERIOD == 0;
        uint32 parentTime = _timeOf(parent.meta);
        if (first && network == BitcoinNetwork.Testnet4 && uint256(time) + TIME_WARP_GRACE_SECONDS < parentTime) {
            revert TimeWarp(time, parentTime);
        }
        uint32 periodBits = first ? bits : _periodBitsOf(parent.meta);
        return _pack(
            time,
            periodBits,
            bits != periodBits,
            height,
            first ? time : uint32(parent.meta >> 128),
            uint128(parent.meta) + BitcoinHeader.work(target)
        );
    }

    /// Rules 2 and 3. Inside a period every block that is not of minimum difficulty has the bits of the period's first block, so no walk is needed.
    function _expectedBits(uint256 parent, uint256 height, uint32 time) private view returns (uint32) {
        uint32 periodBits = _periodBitsOf(parent);
        if (network == BitcoinNetwork.Regtest) return periodBits;
        bool test = network == BitcoinNetwork.Testnet3 || network == BitcoinNetwork.Testnet4;
        if (height % PERIOD != 0) {
            return test && time > uint256(_timeOf(parent)) + MIN_DIFFICULTY_AFTER_SECONDS
                ? MIN_DIFFICULTY_BITS
                : periodBits;
        }
        // BIP94 takes the bits of the period's first block; elsewhere those of the last block count.
        bool fromLast = network == BitcoinNetwork.Testnet3 && (parent >> 191) & 1 != 0;
        uint256 span = _spanOf(parent);
        uint256 target = BitcoinHeader.target(fromLast ? MIN_DIFFICULTY_BITS : periodBits) * span / PERIOD_SECONDS;
        return BitcoinHeader.compact(target > _powLimit ? _powLimit : target);
    }

    function _spanOf(uint256 parent) private pure returns (uint256) {
        uint256 start = uint32(parent >> 128);
        uint256 end = _timeOf(parent);
        uint256 span = end > start ? end - start : 0;
        if (span < PERIOD_SECONDS / 4) return PERIOD_SECONDS / 4;
        return span > PERIOD_SECONDS * 4 ? PERIOD_SECONDS * 4 : span;
    }

    /// time > median  <=>  more than half of the times are earlier: counting is cheaper than sorting.
    function _laterThanMedian(uint32[MEDIAN_SPAN] memory times, uint256 height, uint32 time)
        private
        pure
        returns (bool)
    {
        uint256 span = height < MEDIAN_SPAN ? height : MEDIAN_SPAN;
        uint256 earlier = 0;
        for (uint256 i = 1; i <= span; i++) {
            if (times[(height - i) % MEDIAN_SPAN] < time) earlier++;
        }
        return 2 * earlier > span;
    }

    /// Fills `parent` from storage: its meta and the times of it and of the 10 before.
    function _load(Parent memory parent, bytes32 hash) private view {
        uint256 meta = _meta[hash];
        if (meta == 0) revert UnknownParent(hash);
        parent.hash = hash;
        parent.meta = meta;
        uint256 height = _heightOf(meta);
        bool onMain = _main[height] == hash;
        for (uint256 i = 0; i < MEDIAN_SPAN && i <= height; i++) {
            uint256 level = height - i;
            if (level < _checkpointHeight) {
                uint256 k = _checkpointHeight - level - 1;
                parent.times[level % MEDIAN_SPAN] = k < _previousTimes.length ? _previousTimes[k] : 0;
                continue;
            }
            if (i > 0) {
                hash = onMain ? _main[level] : _prev[hash];
                if (!onMain) onMain = _main[level] == hash;
            }
            parent.times[level % MEDIAN_SPAN] = _timeOf(_meta[hash]);
        }
    }

    // --- reorganisation

    function _startRewriting(bytes32 tip, uint32 height) private {
        uint32 oldHeight = uint32(_heightOf(_meta[_best]));
        _reorgTip = tip;
        _reorgCursor = tip;
        _reorgHeight = oldHeight > height ? oldHeight : height;
    }

    /// Rewrites `main` from the top down, at most `steps` heights, until the fork is reached; the blocks that leave get their `prev`.
    function _rewrite(uint256 steps) private returns (uint256) {
        bytes32 tip = _reorgTip;
        bytes32 cursor = _reorgCursor;
        uint256 height = _reorgHeight;
        uint256 tipHeight = _heightOf(_meta[tip]);
        while (steps > 0) {
            bytes32 old = _main[height];
            if (old == cursor) {
                emit Reorganised(_best, tip, uint32(height));
                _best = tip;
                _reorgTip = 0;
                _reorgCursor = 0;
                _reorgHeight = 0;
                return steps;
            }
            if (old != 0) {
                _prev[old] = _main[height - 1];
                _tell(IBridge.onDisconnected.selector, old);
            }
            if (height > tipHeight) {
                _main[height] = 0;
            } else {
                _main[height] = cursor;
                _tell(IBridge.onReconnected.selector, cursor);
                cursor = _prev[cursor];
            }
            height--;
            steps--;
        }
        _reorgCursor = cursor;
        _reorgHeight = uint32(height);
        return 0;
    }

    /// The bridge counts what it took from each block. Without a bridge (in tests) there is nobody to tell.
    function _tell(bytes4 selector, bytes32 hash) private {
        if (BRIDGE.code.length == 0) return;
        (bool ok, bytes memory reason) = BRIDGE.call(abi.encodeWithSelector(selector, hash));
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }

    // --- views

    /// @inheritdoc IBitcoinLightClient
    function getBestBlock() external view returns (bytes32 hash, uint32 height, uint128 work) {
        hash = _best;
        uint256 meta = _meta[hash];
        return (hash, uint32(_heightOf(meta)), uint128(meta));
    }

    /// @inheritdoc IBitcoinLightClient
    function getHeader(bytes32 hash) external view returns (HeaderInfo memory) {
        uint256 meta = _meta[hash];
        uint256 height = _heightOf(meta);
        return HeaderInfo({
            time: _timeOf(meta),
            periodBits: _periodBitsOf(meta),
            height: uint32(height),
            periodStartTime: uint32(meta >> 128),
            work: uint128(meta),
            onBestChain: meta != 0 && _main[height] == hash
        });
    }

    /// @inheritdoc IBitcoinLightClient
    function hashAt(uint32 height) external view returns (bytes32) {
        return _main[height];
    }

    /// @inheritdoc IBitcoinLightClient
    function confirmations(bytes32 hash) public view returns (uint256) {
        if (_reorgTip != 0) revert ReorganisationUnderWay();
        uint256 meta = _meta[hash];
        uint256 height = _heightOf(meta);
        if (meta == 0 || _main[height] != hash) return 0;
        return _heightOf(_meta[_best]) - height + 1;
    }

    /// @inheritdoc IBitcoinLightClient
    function verifyTransaction(InclusionProof calldata proof, uint256 minConfirmations)
        public
        view
        returns (bytes32 txid, bytes32 blockHash, uint32 height)
    {
        (txid, blockHash) = BitcoinProof.verify(proof);
        uint256 required = minConfirmations == 0 ? 1 : minConfirmations;
        if (proof.index == 0 && required < COINBASE_MATURITY) required = COINBASE_MATURITY;
        uint256 actual = confirmations(blockHash);
        if (actual < required) revert NotEnoughConfirmations(actual, required);
        height = uint32(_heightOf(_meta[blockHash]));
    }

    /// @inheritdoc IBitcoinLightClient
    function verifyDeposit(
        InclusionProof calldata proof,
        uint256 minConfirmations,
        uint32 vout,
        DepositAddress calldata a
    ) external view returns (ProvenOutput memory paid) {
        (paid.txid, paid.blockHash, paid.height) = verifyTransaction(proof, minConfirmations);
        (paid.sats, paid.outputKey) = _taprootOutput(proof.transaction, vout);
        paid.vout = vout;
        paid.account = a.account;
        paid.u =
            Taproot.depositSibling(Taproot.depositDigest(a.chainId, a.kind, a.account, 0), a.refundKey, a.csv);
        if (!Taproot.isTweaked(a.internalKey, Taproot.branch(a.treeRoot, paid.u), paid.outputKey, a.qy)) {
            revert WrongOutputKey();
        }
    }

    /// @inheritdoc IBitcoinLightClient
    function verifyOpReturnDeposit(
        InclusionProof calldata proof,
        uint256 minConfirmations,
        bytes32 outputKey,
        uint64 chainId
    ) external view returns (ProvenOutput memory paid) {
        (paid.txid, paid.blockHash, paid.height) = verifyTransaction(proof, minConfirmations);
        paid.outputKey = outputKey;
        (paid.vout, paid.sats, paid.account) = _opReturnOutputs(proof.transaction, outputKey, chainId);
    }

    /// @inheritdoc IBitcoinLightClient
    function verifyBatch(
        InclusionProof calldata proof,
        uint256 minConfirmations,
        Batch calldata batch,
        bytes32 outputKey
    ) external view returns (ProvenBatch memory version) {
        (version.txid, version.blockHash, version.height) = verifyTransaction(proof, minConfirmations);
        BatchTransaction.read(batch, outputKey, proof.transaction, version);
    }

    /// @inheritdoc IBitcoinLightClient
    function verifySpend(InclusionProof calldata proof, uint256 minConfirmations, uint256 index)
        external
        view
        returns (bytes32 txid, uint32 vout)
    {
        verifyTransaction(proof, minConfirmations);
        return BitcoinTransaction.outpoint(proof.transaction, index);
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

    function _opReturnOutputs(bytes calldata transaction, bytes32 outputKey, uint64 chainId)
        private
        pure
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
                if (bytes7(script[:7]) != OP_RETURN_HEAD || bytes8(script[7:15]) != bytes8(chainId)) {
                    revert BadOpReturnDeposit();
                }
                if (script[15] != bytes1(KIND_PLAIN)) revert UnsupportedDepositKind(uint8(script[15]));
                account = address(bytes20(script[16:36]));
            }
        }
        if (payments != 1 || messages != 1) revert BadOpReturnDeposit();
    }

    /// @inheritdoc IBitcoinLightClient
    function reorganising() external view returns (bool) {
        return _reorgTip != 0;
    }

    /// @inheritdoc IBitcoinLightClient
    function checkpoint() external view returns (bytes32 hash, uint32 height) {
        return (_checkpointHash, _checkpointHeight);
    }

    // --- the meta word

    function _pack(
        uint32 time,
        uint32 periodBits,
        bool minDifficulty,
        uint256 height,
        uint32 periodStartTime,
        uint128 work
    ) private pure returns (uint256) {
        return (uint256(time) << 224) | (uint256(periodBits) << 192) | (minDifficulty ? 1 << 191 : 0) | (height << 160)
            | (uint256(periodStartTime) << 128) | work;
    }

    function _timeOf(uint256 meta) private pure returns (uint32) {
        return uint32(meta >> 224);
    }

    function _periodBitsOf(uint256 meta) private pure returns (uint32) {
        return uint32(meta >> 192);
    }

    function _heightOf(uint256 meta) private pure returns (uint256) {
        return (meta >> 160) & 0x7fffffff;
    }
}
