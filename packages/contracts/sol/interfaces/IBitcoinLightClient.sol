// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batch} from "./IBridge.sol";

/// A transaction, its block's header and both Merkle branches. Hashes are in internal byte order; transactions are without witness.
struct InclusionProof {
    /// The 80 bytes of the block header.
    bytes header;
    /// Position of `transaction` in the block; 0 is the coinbase.
    uint32 index;
    /// The coinbase's witness-stripped bytes: its hash alone could be forged (CVE-2017-12842).
    bytes coinbase;
    /// Siblings from the coinbase (leaf 0) up to the root; as many as `branch` has.
    bytes32[] coinbaseBranch;
    /// The transaction's witness-stripped bytes, never 64 of them.
    bytes transaction;
    /// Siblings from the transaction up to the root.
    bytes32[] branch;
}

/// Which header rules hold (bitcoin.md, section 1).
enum BitcoinNetwork {
    Mainnet,
    Testnet3,
    Testnet4,
    Signet,
    Regtest
}

/// Constructor parameter: the header that the light client starts from.
struct LightClientParams {
    BitcoinNetwork network;
    /// The checkpoint's height.
    uint32 height;
    /// The checkpoint's 80 bytes.
    bytes header;
    /// Chain work up to and with the checkpoint, as Bitcoin counts it.
    uint128 chainWork;
    /// Time of the first block of the checkpoint's retarget period (its own time where height % 2016 == 0).
    uint32 periodStartTime;
    /// nBits of that block (equal to the checkpoint's own, save on the test networks).
    uint32 periodBits;
    /// Times of the (up to 10) blocks before the checkpoint, newest first. Those not given count as early.
    uint32[] previousTimes;
    /// Seconds that a header may be ahead of block.timestamp (7200).
    uint32 maxFutureSeconds;
    /// Headers in one call at most (144).
    uint32 maxHeadersPerCall;
    /// Heights rewritten in one call at most when the best chain changes.
    uint32 maxReorgSteps;
}

/// What is stored of a header.
struct HeaderInfo {
    uint32 time;
    /// nBits of the first block of its retarget period.
    uint32 periodBits;
    uint32 height;
    uint32 periodStartTime;
    /// Chain work up to and with this header.
    uint128 work;
    /// True when it is part of the best chain.
    bool onBestChain;
}

/// An output of a proven transaction.
struct ProvenOutput {
    bytes32 txid;
    bytes32 blockHash;
    uint32 height;
    uint32 vout;
    uint64 sats;
    /// x of the P2TR output's key.
    bytes32 outputKey;
    /// Sibling of the committee's tree root; zero for the plain address.
    bytes32 u;
    address account;
}

/// A proven version of a batch's transaction.
struct ProvenBatch {
    bytes32 txid;
    bytes32 blockHash;
    uint32 height;
    uint32 changeVout;
    uint64 changeSats;
    uint64 feeSats;
}

/// What a deposit address was derived from (protocol.md, section 6).
struct DepositAddress {
    bytes32 internalKey;
    bytes32 treeRoot;
    uint64 chainId;
    uint8 kind;
    address account;
    bytes32 refundKey;
    uint16 csv;
    /// y of Q = P + H_TapTweak(P | root) G.
    bytes32 qy;
}

/// @title Bitcoin's header chain, checked from chain state alone.
/// @notice Storage slot 0 holds the hash (internal byte order) of the best block: blocks of this chain name it as `parentBeaconBlockRoot`.
interface IBitcoinLightClient {
    /// A header was stored; `height` is Bitcoin's.
    event HeaderAdded(bytes32 indexed hash, uint32 indexed height);
    /// The best chain is another one now; emitted when the last height has been rewritten.
    event Reorganised(bytes32 indexed oldBest, bytes32 indexed newBest, uint32 forkHeight);

    /// Not a whole number of 80-byte headers, none, or more than the limit.
    error BadHeadersLength(uint256 length);
    /// Every header is known already and no reorganisation is under way.
    error NothingNew();
    /// The header names a parent that is not stored.
    error UnknownParent(bytes32 parent);
    /// The hash is above the header's target.
    error InsufficientWork(bytes32 hash);
    /// nBits is not what the rules ask for.
    error BadBits(uint32 actual, uint32 expected);
    /// nBits is negative, zero, overflowing or easier than the network's limit.
    error InvalidTarget(uint32 bits);
    /// The version is below 4.
    error BadVersion(int32 version);
    /// Not later than the median of the last 11 blocks.
    error TimeTooEarly(uint32 time);
    /// BIP94: a period's first block lies more than 600 s before its parent.
    error TimeWarp(uint32 time, uint32 parentTime);
    /// Further ahead of block.timestamp than allowed; try again later.
    error TimeTooFarAhead(uint32 time, uint256 limit);
    /// The best chain is being rewritten; call submitHeaders until it is done.
    error ReorganisationUnderWay();
    /// The constructor's checkpoint is malformed.
    error BadCheckpoint();
    /// The header is not exactly 80 bytes.
    error BadHeaderLength(uint256 length);
    /// The block has fewer confirmations than asked for (0: unknown or not on the best chain).
    error NotEnoughConfirmations(uint256 actual, uint256 required);
    /// Coinbase bytes, branch lengths, index or a 64-byte transaction make the proof worthless.
    error BadProof();
    /// The transaction has no such output.
    error NoSuchOutput(uint32 vout);
    error NotTaproot();
    /// The output's key is not the one that the address was derived to.
    error WrongOutputKey();
    error UnsupportedDepositKind(uint8 kind);
    /// Not exactly one output to the plain address, or not exactly one well-formed HWSD output.
    error BadOpReturnDeposit();
    /// Version, locktime, inputs or outputs are not those of the batch; `field` names what differs.
    error NotTheBatch(bytes32 field);
    /// A branch does not lead to the header's Merkle root.
    error BadMerkleBranch();

    /// @notice Adds headers, 80 bytes each; known ones are skipped. Carries a reorganisation under way further first.
    /// @dev When a reorganisation needs more than `maxReorgSteps`, the rest of the headers is left for the next call.
    /// @return added how many headers were stored.
    function submitHeaders(bytes calldata headers) external returns (uint256 added);

    /// @notice The tip of the best chain.
    function getBestBlock() external view returns (bytes32 hash, uint32 height, uint128 work);

    /// @notice A stored header; time is 0 when it is unknown.
    function getHeader(bytes32 hash) external view returns (HeaderInfo memory);

    /// @notice Hash at a height of the best chain, zero outside it.
    function hashAt(uint32 height) external view returns (bytes32);

    /// @notice Blocks on the best chain from this one to the tip, both counted; 0 when it is unknown or elsewhere.
    /// @dev Reverts with ReorganisationUnderWay meanwhile.
    function confirmations(bytes32 hash) external view returns (uint256);

    /// @notice Checks that a transaction is in a block of the best chain with enough confirmations (100 for a coinbase).
    /// @return txid hash of the transaction
    /// @return blockHash hash of the header
    /// @return height Bitcoin height of the block
    function verifyTransaction(InclusionProof calldata proof, uint256 minConfirmations)
        external
        view
        returns (bytes32 txid, bytes32 blockHash, uint32 height);

    /// @notice As verifyTransaction, for output `vout`, which must pay the deposit address.
    function verifyDeposit(
        InclusionProof calldata proof,
        uint256 minConfirmations,
        uint32 vout,
        DepositAddress calldata address_
    ) external view returns (ProvenOutput memory);

    /// @notice As verifyTransaction, for the one output to `outputKey` beside the one `OP_RETURN "HWSD"` output, which names the account.
    function verifyOpReturnDeposit(
        InclusionProof calldata proof,
        uint256 minConfirmations,
        bytes32 outputKey,
        uint64 chainId
    ) external view returns (ProvenOutput memory);

    /// @notice As verifyTransaction, for the outpoint that input `index` spends.
    function verifySpend(InclusionProof calldata proof, uint256 minConfirmations, uint256 index)
        external
        view
        returns (bytes32 txid, uint32 vout);

    /// @notice As verifyTransaction, for a transaction that must be a version of the batch's, with its change to `outputKey`.
    function verifyBatch(
        InclusionProof calldata proof,
        uint256 minConfirmations,
        Batch calldata batch,
        bytes32 outputKey
    ) external view returns (ProvenBatch memory);

    /// @notice True while the best chain is being rewritten.
    function reorganising() external view returns (bool);

    function network() external view returns (BitcoinNetwork);
    function checkpoint() external view returns (bytes32 hash, uint32 height);
    function maxHeadersPerCall() external view returns (uint32);
}
