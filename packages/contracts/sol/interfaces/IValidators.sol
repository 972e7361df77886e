// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

struct Validator {
    /// Address of the session key: seals blocks, signs finality votes. The validator's id.
    address session;
    /// Receives tips and fees.
    address beneficiary;
    /// Compressed management key, 33 bytes: offline, acts by signatures that anybody may submit.
    bytes managementKey;
    /// Compressed bitcoin key, 33 bytes: MuSig2 signing of custody transactions only.
    bytes bitcoinKey;
}

struct ValidatorsParams {
    uint64 chainId;
    /// Blocks in an epoch; its last block has number % epochLength == 0.
    uint64 epochLength;
    /// Ascending by session address, without duplicates.
    Validator[] validators;
}

/// One of two contradicting finality votes (consensus.md, section 2.0).
struct FinalityVote {
    uint64 targetNumber;
    bytes32 targetHash;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title The validators: keys, epochs, the next set's hash, evidence.
/// @notice Storage slot 0 holds keccak256(abi.encode(uint64 setId, address[] sessions, uint64[] weights)) of the next epoch's set: light clients
/// prove it under the state root of an epoch's last block. The list is static for now. Later the management key will replace keys and beneficiary by
/// signature, changes are collected during an epoch and take effect at its end; setId grows by one only when the set of session keys differs.
interface IValidators {
    event EpochClosed(uint64 indexed epoch, uint64 setId, bytes32 nextSetHash);
    event Equivocation(address indexed session, uint64 indexed setId, uint64 round, uint8 kind);

    error BadParams();
    error Unauthorised();
    error NotEpochEnd(uint256 number);
    error UnknownValidator(address session);
    /// The two votes do not contradict one another, or their signers differ.
    error NoEquivocation();
    error AlreadyReported();
    /// The hash of block 0 is recorded at the end of the first epoch.
    error GenesisUnknown();

    /// @notice Only 0xff..fe, at the end of an epoch's last block.
    function closeEpoch() external;

    /// @notice Records two contradicting votes of one validator in one round; kind 0 prevote, 1 precommit.
    function reportEquivocation(
        uint64 setId_,
        uint64 round,
        uint8 kind,
        FinalityVote calldata first,
        FinalityVote calldata second
    ) external;

    function getValidators() external view returns (Validator[] memory);
    function getValidator(address session) external view returns (Validator memory);
    function count() external view returns (uint256);
    function isSession(address session) external view returns (bool);
    /// @notice Beneficiary of a session address; zero when it is none.
    function beneficiaryOf(address session) external view returns (address);
    /// @notice Session address of the validator whose management key has this address; zero when there is none.
    function sessionOfManagement(address management) external view returns (address);
    function setId() external view returns (uint64);
    function epochLength() external view returns (uint64);
    /// @notice (number - 1) / epochLength of the current block.
    function epoch() external view returns (uint64);
    function nextSetHash() external view returns (bytes32);
    /// @notice Recorded equivocations of a validator.
    function offences(address session) external view returns (uint256);
    /// @notice Hash of block 0, zero before the first epoch has ended.
    function genesisHash() external view returns (bytes32);
}
