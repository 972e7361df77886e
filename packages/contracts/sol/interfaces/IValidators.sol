// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

struct Validator {
    /// Address of the session key: seals blocks, signs finality votes. What Aura and GRANDPA know the validator by.
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

/// Keys to put in place of a validator's; zero or empty where the old one stays.
struct KeyChange {
    address session;
    bytes managementKey;
    bytes bitcoinKey;
}

/// Signatures by new keys over what introduces them: proofs of possession. Empty where there is no new key.
struct KeyProofs {
    bytes session;
    bytes management;
    bytes bitcoin;
}

/// One validator's vote on a proposal.
struct ManagementVote {
    /// Address of the voter's management key.
    address management;
    bytes signature;
}

/// One of two contradicting finality votes (consensus.md, section 2.0).
struct FinalityVote {
    uint64 targetNumber;
    bytes32 targetHash;
    bytes signature;
}

/// What a session address may be held to: it sealed and voted in these sets and blocks, both ends included. An end that is open is
/// type(uint48).max; a start of type(uint48).max says that it waits for the end of the epoch (or was replaced before it).
struct Membership {
    /// Id of the validator, counted from 1 in the order of arrival; it survives every change of keys.
    uint64 validatorId;
    uint48 firstSet;
    uint48 lastSet;
    uint48 firstBlock;
    uint48 lastBlock;
}

enum LeaveReason {
    Left,
    Removed,
    Offence
}

/// @title The validators: keys, epochs, the next set's hash, evidence.
/// @notice Storage slot 0 holds keccak256(abi.encode(uint64 setId, address[] sessions, uint64[] weights)) of the set that is in force for the
/// next block: light clients prove it under the state root of an epoch's last block. Changes are collected during an epoch and take effect in
/// `closeEpoch`, nowhere else; setId grows by one exactly when the list of session addresses differs afterwards. At most 100 validators (what
/// custody can carry), so that every change of an epoch fits the system call's 30M gas. The set is never empty.
///
/// **Signatures** are 65 bytes r | s | v with low s and v 0, 1, 27 or 28. Those of management keys, and the proofs of possession of new keys, are
/// EIP-712 typed data of the domain
///
///     EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)
///     name "Hawser Validators", version "1", the chain's id, this contract
///
/// and one of the types
///
///     RotateKeys(address management,uint64 nonce,address session,bytes managementKey,bytes bitcoinKey)
///     SetBeneficiary(address management,uint64 nonce,address beneficiary)
///     Leave(address management,uint64 nonce)
///     VoteAdd(address management,address session,address beneficiary,bytes managementKey,bytes bitcoinKey,uint64 deadline)
///     VoteRemove(address management,address session,uint64 deadline)
///     Join(address session,address beneficiary,bytes managementKey,bytes bitcoinKey)
///
/// `management` is the address of the signing management key that is in force, `nonce` what `nonceOf` answers: it grows with each of the validator's
/// acts. Votes have no nonce, so that they can be signed in any order: one counts once for its proposal, by the validator's id, and a proposal
/// passes once. So that two networks of one chain id cannot replay each other's acts, do not use management keys twice. Nor session keys: a seal
/// binds the chain id and the block, not block 0, so two blocks of two such networks, sealed by one key for one slot, are evidence against it here
/// and there. One session key, one network.
///
/// **Keys** are never used twice: one that any validator ever had or announced, is refused (old votes are signed by it; evidence must stay
/// attributable). A bitcoin key counts as its x alone. The bridge keeps its first committee for now: a new bitcoin key takes part in custody only once
/// committees can be handed over.
interface IValidators {
    event EpochClosed(uint64 indexed epoch, uint64 setId, bytes32 nextSetHash);
    /// @notice In closeEpoch: a session address takes or leaves its seat. Zero before: joined; zero after: left.
    event SeatChanged(uint64 indexed validatorId, address indexed before, address indexed afterwards);
    event KeysChanging(uint64 indexed validatorId, address session, bytes managementKey, bytes bitcoinKey);
    event BeneficiaryChanging(uint64 indexed validatorId, address beneficiary);
    event Joining(uint64 indexed validatorId, address session, address beneficiary, bytes managementKey, bytes bitcoinKey);
    event Leaving(uint64 indexed validatorId, address indexed session, LeaveReason reason);
    event Voted(bytes32 indexed proposal, uint64 indexed validatorId);
    event Passed(bytes32 indexed proposal);
    event Equivocation(address indexed session, uint64 indexed setId, uint64 round, uint8 kind);
    event SealEquivocation(address indexed session, uint64 indexed timestamp, bytes32 first, bytes32 second);

    error BadParams();
    error Unauthorised();
    error NotEpochEnd(uint256 number);
    error UnknownValidator(address session);
    /// No current validator has this management key.
    error UnknownManagement(address management);
    /// Not 65 bytes, high s, or not by the key that should have signed.
    error BadSignature(address expected);
    /// Some validator has, had or announced the key with this address (of a bitcoin key: with this x).
    error KeyInUse();
    error NothingChanges();
    /// The validator leaves the set at the end of this epoch already.
    error AlreadyLeaving();
    error LastValidator();
    error TooManyValidators();
    error TooManyVotes();
    error DeadlinePassed(uint64 deadline);
    error AlreadyPassed(bytes32 proposal);
    /// The two votes or blocks do not contradict one another, or their signers differ.
    error NoEquivocation();
    error AlreadyReported();
    /// The hash of block 0 is not known and EIP-2935 does not have it (before block 1, or none asked for 8,191 blocks).
    error GenesisUnknown();
    /// Not the RLP of a block header of 58 to 1,024 bytes and at most 64 fields.
    error BadHeader();

    // --- the end of an epoch

    /// @notice Only 0xff..fe, at the end of an epoch's last block.
    function closeEpoch() external;

    // --- acts of a management key; anybody may submit them

    /// @notice Replaces the keys that `keys` names at the end of the epoch. `authorisation` is the RotateKeys signature of the management key in force;
    /// each new key signs the same digest. A second rotation in one epoch takes the place of the first only in the keys that it names; the keys replaced
    /// before they came into force stay used.
    function rotateKeys(address management, KeyChange calldata keys, bytes calldata authorisation, KeyProofs calldata proofs)
        external;

    /// @notice Another beneficiary from the end of the epoch on.
    function setBeneficiary(address management, address beneficiary, bytes calldata authorisation) external;

    /// @notice Gives the seat up at the end of the epoch.
    function leaveSet(address management, bytes calldata authorisation) external;

    // --- proposals: as many management keys of the current validators as finality needs

    /// @notice Counts votes for adding a validator; with n - (n - 1) / 3 of n validators (3 of 4, 5 of 6, 5 of 7) it joins at the end of the epoch. That
    /// is the weight that finality needs too (consensus.md, section 2.1): a change that fewer could make would hand the chain to them, more would let f
    /// absent ones forbid every change. Votes come in one or many transactions until block `deadline` (included); only those of validators of the current
    /// set count, each once. Votes known already are skipped; a call that brings no new one reverts, unless the known ones have become enough because
    /// seats were given up. `proofs`: each of the candidate's keys signs its Join.
    function addValidator(
        Validator calldata candidate,
        uint64 deadline,
        KeyProofs calldata proofs,
        ManagementVote[] calldata votes
    ) external;

    /// @notice The same for removing the validator that has (or had) this session address.
    function removeValidator(address session, uint64 deadline, ManagementVote[] calldata votes) external;

    // --- evidence; an offender is marked for ever and leaves at the end of the epoch, unless nobody would be left

    /// @notice Records two contradicting votes of one validator in one round; kind 0 prevote, 1 precommit. Once per (session, setId, round).
    function reportEquivocation(
        uint64 setId_,
        uint64 round,
        uint8 kind,
        FinalityVote calldata first,
        FinalityVote calldata second
    ) external;

    /// @notice Records two different blocks that one validator sealed for one slot (RLP of their headers, and their seals). Once per (session, slot).
    function reportSealEquivocation(
        bytes calldata headerA,
        bytes calldata sealA,
        bytes calldata headerB,
        bytes calldata sealB
    ) external;

    // --- the current set

    /// @notice Ascending by session address.
    function getValidators() external view returns (Validator[] memory);
    /// @notice By the current session address.
    function getValidator(address session) external view returns (Validator memory);
    /// @notice Ids in the order of `getValidators`.
    function validatorIds() external view returns (uint64[] memory);
    function count() external view returns (uint256);
    /// @notice Whether the address has a seat now.
    function isSession(address session) external view returns (bool);
    /// @notice Id of the validator that has a seat by this session address now; zero when there is none.
    function currentId(address session) external view returns (uint64);
    /// @notice Beneficiary of the validator that has or had this session address, the last one when it has left; zero when there is none.
    function beneficiaryOf(address session) external view returns (address);
    /// @notice Current session address of the current validator whose management key in force has this address; zero when there is none.
    function sessionOfManagement(address management) external view returns (address);
    function setId() external view returns (uint64);
    function epochLength() external view returns (uint64);
    /// @notice (number - 1) / epochLength of the current block.
    function epoch() external view returns (uint64);
    function nextSetHash() external view returns (bytes32);

    // --- what comes, what was

    /// @notice The set as closeEpoch would make it now, ascending by session address, and its id.
    function getNextValidators() external view returns (uint64 nextSetId, Validator[] memory);
    /// @notice Nonce of the next act of a management key in force.
    function nonceOf(address management) external view returns (uint64);
    function membershipOf(address session) external view returns (Membership memory);
    /// @notice Whether the session address voted in that set.
    function wasMember(address session, uint64 setId_) external view returns (bool);
    /// @notice Recorded offences of the validator that has or had this session address.
    function offences(address session) external view returns (uint256);
    function addProposal(Validator calldata candidate, uint64 deadline) external view returns (bytes32 proposal);
    function removeProposal(address session, uint64 deadline) external view returns (bytes32 proposal);
    /// @notice Votes on a proposal that count now (of current validators), and whether it has passed.
    function votesOn(bytes32 proposal) external view returns (uint256 votes, bool passed);
    function hasVoted(bytes32 proposal, uint64 validatorId) external view returns (bool);
    /// @notice EIP-712 domain separator.
    function domainSeparator() external view returns (bytes32);
    /// @notice Hash of block 0; zero until the first report or the end of the first epoch has asked EIP-2935 for it.
    function genesisHash() external view returns (bytes32);
}
