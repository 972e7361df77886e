// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InclusionProof} from "./IBitcoinLightClient.sol";

/// A committee as the chain spec and later confirmations give it.
struct CommitteeParams {
    /// x of P, the BIP327 aggregate of the sorted bitcoin keys.
    bytes32 internalKey;
    /// R, the root of the custody tree (bitcoin.md, section 3).
    bytes32 treeRoot;
    /// x of Q = P + H_TapTweak(P | R) G: the plain address is OP_1 <outputKey>.
    bytes32 outputKey;
    /// y of that very Q (not normalised to even).
    bytes32 outputKeyY;
    uint16 n;
    uint16 t;
    /// Weight units of one input that is spent by its deepest subset leaf (CHECKSIGADD leaf above n = 15).
    uint32 inputWeight;
}

/// Constructor parameter; protocol.md, sections 6 to 8. Not used yet: reclaimMinLeft, sweepFeeSats, sweepAfterBlocks, failConfirmations, anchorSpentConfirmations, oldCommitteeBlocks
/// (sweep batches, failBatch and later committees do not exist yet).
struct BridgeParams {
    uint64 chainId;
    /// 21,000,000 BTC in wei: what the bridge holds at genesis.
    uint256 supplyWei;
    uint64 minDepositSats;
    uint32 depositConfirmations;
    /// Relative lock of the RECLAIM leaf, in blocks (17 to 65,535).
    uint16 reclaimCsv;
    /// Blocks that must be left of it when the deposit is credited.
    uint16 reclaimMinLeft;
    uint64 depositFeeSats;
    uint64 sweepFeeSats;
    uint16 sweepAfterBlocks;
    uint64 minWithdrawalSats;
    uint64 minMaxFeeSats;
    uint32 batchWaitSeconds;
    uint16 batchMinRequests;
    uint16 maxBatchRequests;
    uint16 maxBatchInputs;
    uint16 maxBatchesInFlight;
    /// Queued requests that formBatch looks at, at most.
    uint16 maxQueueScan;
    /// Covered beyond payouts and budget, so that the change is never dust (10,000).
    uint64 changeReserveSats;
    uint32 failConfirmations;
    uint32 anchorSpentConfirmations;
    uint32 oldCommitteeBlocks;
    /// Gas of the call that pays a refund or a deposit out (10,000), and what must be left before it (20,000).
    uint32 payoutGas;
    uint32 payoutMinGasLeft;
    /// Fee rates in sat/vB, strictly ascending, 1 to 8 of them.
    uint32[] rungs;
    CommitteeParams committee;
}

/// What a deposit's address was derived from.
struct DepositClaim {
    /// The output that pays the deposit address.
    uint32 vout;
    uint32 committeeId;
    /// 0 (plain); others are refused for now.
    uint8 kind;
    address account;
    /// x-only key of the RECLAIM leaf, zero for an address without one. Must be zero until sweeps exist.
    bytes32 refundKey;
    /// y of Q = P + H_TapTweak(P | root) G (not normalised to even).
    bytes32 qy;
}

enum CoinKind {
    Plain,
    Asset,
    Reserve,
    Exit
}

/// None: never credited. Available: may enter a batch. InBatch: input of a batch in flight. Spent: by a settled batch. Lost: spent otherwise or replaced.
enum CoinStatus {
    None,
    Available,
    InBatch,
    Spent,
    Lost
}

struct Coin {
    uint64 id;
    bytes32 txid;
    uint32 vout;
    uint64 sats;
    uint32 committeeId;
    CoinKind kind;
    CoinStatus status;
    /// Bitcoin height of its block, and that block's hash.
    uint32 height;
    bytes32 bitcoinBlock;
    /// First Bitcoin height at which a reclaim can be mined; 0 when not reclaimable.
    uint32 csvHeight;
    /// Sibling of R in the coin's taproot tree; zero for the committee's plain address.
    bytes32 u;
    /// Not selected before this Bitcoin height.
    uint32 holdUntil;
    /// The batch that has it as an input, or had; 0 for none.
    uint64 batchId;
    /// Number of the block of this chain that recorded it.
    uint64 createdAtBlock;
    /// Credited account and what it was given; zero for change.
    address account;
    uint64 creditedSats;
}

/// Queued: in the queue, may be cancelled. Batched: part of a batch in flight. Settled: paid. Cancelled: taken back.
enum WithdrawalStatus {
    None,
    Queued,
    Batched,
    Settled,
    Cancelled
}

/// Why a withdrawal stands where it stands.
/// WaitingForBatch: the next batch takes it. FeeTooLow: its maxFee cannot carry the first rung. NotCovered: not enough available custody.
/// BridgePaused: nothing is batched now. WaitingForBitcoin: signed or being signed. Batches: too many in flight.
enum WithdrawalReason {
    None,
    WaitingForBatch,
    FeeTooLow,
    NotCovered,
    BridgePaused,
    TooManyBatches,
    WaitingForBitcoin
}

struct Withdrawal {
    uint64 id;
    WithdrawalStatus status;
    WithdrawalReason reason;
    address account;
    /// What the receiver gets, exactly.
    uint64 amountSats;
    uint64 maxFeeSats;
    /// Paid of maxFee; set when settled.
    uint64 feeSats;
    bytes script;
    uint64 requestedAtBlock;
    uint64 requestedAtTime;
    /// 0 until batched.
    uint64 batchId;
    /// Hash of the Bitcoin transaction; set when settled.
    bytes32 txid;
    /// Its output that pays this request.
    uint32 vout;
}

struct WithdrawalQuote {
    uint64 minAmountSats;
    uint64 minMaxFeeSats;
    /// vbytes of a transaction with one input that pays one P2TR or P2WSH output.
    uint64 vsize;
    /// What it costs at each rung.
    uint64[] rungFeesSats;
    uint32 queued;
    bool paused;
}

enum BatchStatus {
    None,
    InFlight,
    Settled,
    Failed
}

struct BatchInput {
    bytes32 txid;
    uint32 vout;
    uint64 sats;
    uint32 committeeId;
    /// Sibling of R in the input's taproot tree; zero for the plain address.
    bytes32 u;
    /// First Bitcoin height at which a reclaim can be mined; 0 when not reclaimable.
    uint32 csvHeight;
}

struct BatchRequest {
    uint64 id;
    address account;
    uint64 amountSats;
    uint64 maxFeeSats;
    bytes script;
}

struct Batch {
    uint64 id;
    BatchStatus status;
    /// The block that formed it: its number (and final hash) stand in the checkpoint output.
    uint64 formedAtBlock;
    uint64 formedAtTime;
    /// The committee that gets the change.
    uint32 committeeId;
    /// Number of requests times the lowest maxFee among them, read anew when one is raised.
    uint64 budgetSats;
    /// vbytes by the formula of `vsizeOf`.
    uint64 vsize;
    uint64 inputSats;
    uint64 payoutSats;
    /// How many of the rungs the budget carries: rungs[0 .. payableRungs - 1] are signed.
    uint8 payableRungs;
    BatchInput[] inputs;
    BatchRequest[] requests;
    /// Set when settled: the transaction that was mined, its block and its fee.
    bytes32 txid;
    bytes32 bitcoinBlock;
    uint64 feeSats;
    uint64 settledAtBlock;
}

/// Ready: formBatch works now. The others say why not.
enum FormBatchStatus {
    Ready,
    QueueEmpty,
    Waiting,
    TooManyInFlight,
    Paused,
    NotCovered,
    FeesTooLow
}

/// Pending: confirmed by too few. Active: takes deposits and change. Old: replaced, its deposits are moved on. Expired: no longer credited.
enum CommitteeStatus {
    None,
    Pending,
    Active,
    Old,
    Expired
}

struct Committee {
    uint32 id;
    CommitteeStatus status;
    bytes32 internalKey;
    bytes32 treeRoot;
    bytes32 outputKey;
    uint16 n;
    uint16 t;
    uint32 inputWeight;
    /// Bitcoin height from which deposits to it are no longer credited; 0 for none.
    uint32 expiresAtHeight;
}

struct Reserves {
    uint64 custodySats;
    uint256 circulatingWei;
    /// Amounts of the requests that are queued or batched.
    uint64 pendingSats;
    /// Their maxFees.
    uint64 maxFeeSats;
    uint256 claimableWei;
    uint64 shortfallSats;
    bool paused;
    /// Sum of the PAUSE_ bits: 1 disconnected Bitcoin block, 2 custody spent outside a batch, 4 halted by validators, 8 shortfall.
    uint8 pauseReasons;
    /// Number of pauses begun so far; halt and resume votes name it.
    uint64 pauseId;
    /// Deposits and settlements that must be proven again.
    uint64 affectedUses;
}

/// @title The two-way peg: deposits, custody coins, withdrawals, batches (protocol.md, sections 1 and 5 to 8).
/// @notice Amounts in sat unless they end in Wei; 1 sat = 10^10 wei. Bitcoin hashes are in internal byte order.
interface IBridge {
    event Deposited(
        address indexed account, bytes32 indexed txid, uint32 vout, uint64 valueSats, uint64 creditedSats, uint64 coinId
    );
    event DepositReproven(bytes32 indexed txid, uint32 vout, bytes32 bitcoinBlock);
    event ClaimableAdded(address indexed account, uint256 amountWei);
    event Claimed(address indexed account, uint256 amountWei);
    event WithdrawalRequested(
        uint64 indexed id, address indexed account, uint64 amountSats, uint64 maxFeeSats, bytes scriptPubKey
    );
    event MaxFeeRaised(uint64 indexed id, uint64 maxFeeSats);
    event WithdrawalCancelled(uint64 indexed id, address indexed account);
    event WithdrawalSettled(
        uint64 indexed id, address indexed account, bytes32 indexed txid, uint32 vout, uint64 amountSats, uint64 feeSats
    );
    event BatchFormed(uint64 indexed id, uint64[] requestIds, uint64[] coinIds, uint64 budgetSats);
    event BatchSettled(uint64 indexed id, bytes32 indexed txid, bytes32 bitcoinBlock, uint64 feeSats, uint64 changeSats);
    event BatchReproven(uint64 indexed id, bytes32 indexed txid, bytes32 bitcoinBlock);
    event CustodySpent(bytes32 indexed txid, uint64 indexed coinId, uint64 sats);
    event ShortfallRecorded(uint64 shortfallSats);
    event Paused(uint64 indexed pauseId, uint8 reason);
    event Resumed(uint64 indexed pauseId);
    event HaltVoted(uint64 indexed pauseId, address indexed session, uint256 votes);
    event ResumeVoted(uint64 indexed pauseId, address indexed session, uint256 votes);

    error BridgePaused();
    error NotYetSupported();
    error Unauthorised();
    error BadParams();
    /// The tweak of the committee's key or of a deposit's address does not hold.
    error WrongOutputKey();
    error UnknownCommittee(uint32 committeeId);
    error CommitteeExpired(uint32 committeeId);
    error UnsupportedDepositKind(uint8 kind);
    error ZeroAccount();
    error AlreadyCredited(bytes32 txid, uint32 vout);
    error NoSuchOutput(uint32 vout);
    error NotTaproot();
    error DepositTooSmall(uint64 valueSats, uint64 minSats);
    /// Fewer blocks are left before the depositor may reclaim than the bridge needs. Kept for sweeps: not thrown before they exist.
    error ReclaimTooNear(uint256 blocksLeft, uint256 required);
    /// Not exactly one output to the plain address, or not exactly one well-formed HWSD output.
    error BadOpReturnDeposit();
    /// Afterwards custody would not cover what is owed.
    error PegBroken(uint256 owedSats, uint256 custodySats);
    /// The script is not P2PKH, P2SH, P2WPKH, P2WSH or P2TR.
    error NonStandardScript();
    /// The script belongs to a committee.
    error CommitteeScript();
    /// Not a whole number of sats, or too many.
    error BadValue(uint256 valueWei);
    error AmountTooSmall(uint256 amountSats, uint64 minSats);
    error MaxFeeTooLow(uint64 maxFeeSats, uint64 minSats);
    error NotYourWithdrawal(uint64 id);
    error WrongWithdrawalStatus(uint64 id, WithdrawalStatus status);
    error CannotFormBatch(FormBatchStatus status);
    error WrongBatchStatus(uint64 id, BatchStatus status);
    /// Version, locktime, inputs or outputs are not those of the batch; `field` names what differs.
    error NotTheBatch(bytes32 field);
    /// The change of the version recorded before is already input of a batch.
    error ChangeInUse(uint64 coinId);
    error NoSuchCoin(bytes32 txid, uint32 vout);
    error WrongCoinStatus(uint64 coinId, CoinStatus status);
    error NothingToClaim();
    error TransferFailed();
    error NotPaused();
    error WrongPauseId(uint64 actual, uint64 expected);
    error AlreadyVoted(address session);
    error BadSignature();
    error NotEnoughGas();

    // --- deposits (section 6)

    /// @notice Credits a payment to a deposit address derived from committee and account.
    /// A claim with a refund key reverts with NotYetSupported: its output could be taken back after the credit, as nothing sweeps it in time.
    /// @dev For an outpoint whose recorded Bitcoin block was disconnected it records the new block instead, also while paused.
    function deposit(InclusionProof calldata proof, DepositClaim calldata claim_) external;

    /// @notice Credits a payment to the committee's plain address with one `OP_RETURN <"HWSD" | 1 | chainId u64 | kind u8 | address 20>` output.
    function depositByOpReturn(InclusionProof calldata proof, uint32 committeeId) external;

    /// @notice Pays out what could not be delivered to `account` before; anybody may call.
    function claim(address account) external;

    // --- withdrawals (section 7)

    /// @notice Queues a payment of msg.value - maxFee to a standard script.
    function requestWithdrawal(bytes calldata scriptPubKey, uint64 maxFeeSats) external payable returns (uint64 id);

    /// @notice Adds msg.value (whole sats) to the request's maxFee; until it is settled.
    function raiseMaxFee(uint64 id) external payable;

    /// @notice Takes a queued request back, the whole of it; works while paused.
    function cancel(uint64 id) external;

    /// @notice Forms the next batch; anybody may call. Reverts with CannotFormBatch when it is not due or cannot be formed.
    function formBatch() external returns (uint64 id);

    /// @notice Records that a batch's transaction is `depositConfirmations` deep, refunds what is left of the maxFees.
    /// @dev For a settled batch whose Bitcoin block was disconnected it records the new block, and the other version if it is one.
    function settleBatch(uint64 id, InclusionProof calldata proof) external;

    /// @notice An input of the batch was spent otherwise. Reverts with NotYetSupported for now.
    function failBatch(uint64 id, InclusionProof calldata proof) external;

    /// @notice Records that a coin outside any batch was spent by `proof.transaction`'s input `inputIndex`: custody is written down, the bridge pauses.
    function reportSpend(InclusionProof calldata proof, uint32 inputIndex) external;

    // --- committees (section 8)

    /// @notice A member confirms a new committee. Reverts with NotYetSupported for now.
    function confirmCommittee(CommitteeParams calldata committee_) external;

    // --- pause (section 5)

    /// @notice Only the light client: a block left the best chain.
    function onDisconnected(bytes32 blockHash) external;

    /// @notice Only the light client: a block that had left the best chain is on it again.
    function onReconnected(bytes32 blockHash) external;

    /// @notice A validator's management key asks for a halt: signature (r, s, v in 27/28) over `haltDigest(pauseId)`; f + 1 of them pause. Votes count by validator, whatever its keys,
    /// and while it has a seat: those of validators that left, and a number that changed, are seen at the next vote.
    function halt(uint64 pauseId, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Called by a validator's session key; t = floor(2n/3) + 1 of them resume the bridge; counted as in `halt`.
    function voteResume(uint64 pauseId) external;

    /// @notice keccak256("Hawser/halt" | chainId u64 | pauseId u64), big endian; pauseId as `reserves()` has it.
    function haltDigest(uint64 pauseId) external view returns (bytes32);

    // --- views

    function committee(uint32 id) external view returns (Committee memory);
    function currentCommitteeId() external view returns (uint32);
    function reserves() external view returns (Reserves memory);
    function claimableWei(address account) external view returns (uint256);
    function isCredited(bytes32 txid, uint32 vout) external view returns (bool);
    function getCoin(bytes32 txid, uint32 vout) external view returns (Coin memory);
    function coinById(uint64 id) external view returns (Coin memory);
    /// @notice Coins credited to an account, oldest first; at most 100.
    function depositsOf(address account, uint256 offset, uint256 limit) external view returns (Coin[] memory);
    function getWithdrawal(uint64 id) external view returns (Withdrawal memory);
    /// @notice An account's requests, oldest first; at most 100.
    function withdrawalsOf(address account, uint256 offset, uint256 limit) external view returns (Withdrawal[] memory);
    function quoteWithdrawal() external view returns (WithdrawalQuote memory);
    /// @notice Number of queued requests and the first and last of them (0 for none).
    function queue() external view returns (uint32 length, uint64 first, uint64 last);
    function getBatch(uint64 id) external view returns (Batch memory);
    function batchesInFlight() external view returns (uint64[] memory ids);
    /// @notice Id that the next batch gets; ids start at 1.
    function nextBatchId() external view returns (uint64);
    function canFormBatch() external view returns (bool);
    /// @notice As canFormBatch, with the reason.
    function formBatchStatus() external view returns (FormBatchStatus);
    /// @notice vbytes of a batch transaction: ceil(weight / 4), weight = 4 (8 + varints) + 2 + inputs * inputWeight + 4 * sum(9 + script length) over payouts, checkpoint (47) and change (34).
    function vsizeOf(uint256 inputs, uint256[] calldata payoutScriptLengths) external view returns (uint64);
}
