// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FinalityVote, IValidators, KeyChange, KeyProofs, ManagementVote, Validator} from "../interfaces/IValidators.sol";
import {BLOCK_HASH_HISTORY, VALIDATORS} from "../lib/SystemAddresses.sol";
import {ValidatorsKit} from "./ValidatorsKit.sol";

/// Random acts of a set of four that grows and shrinks. Their secret keys are looked up by what the contract shows of them.
contract ValidatorsActor is ValidatorsKit {
    bytes32 private constant GENESIS_HASH = keccak256("block 0");
    uint256 private fresh = 0x500000;
    uint64 private rounds;
    mapping(address session => uint256 key) private keyOf;
    mapping(bytes32 managementKeyHash => uint256 key) private managementKeyOf;

    bool public broken;
    uint256 public closed;
    uint256 public tries;
    uint256 public changes;

    constructor() {
        predeployAll();
        vm.etch(BLOCK_HASH_HISTORY, abi.encodePacked(hex"7f", GENESIS_HASH, hex"5f5260205ff3"));
        vm.roll(1);
        for (uint256 i = 0; i < sessionKeys.length; i++) {
            know(sessionKeys[i], sessionKeys[i] + 0x1000);
        }
    }

    function know(uint256 session, uint256 management) private {
        keyOf[addressOf(session)] = session;
        managementKeyOf[keccak256(compressed(management))] = management;
    }

    function pick(uint256 who) private view returns (Validator memory v) {
        Validator[] memory list = validators.getValidators();
        return list[who % list.length];
    }

    function keyFrom(bytes memory managementKey) private view returns (uint256) {
        return managementKeyOf[keccak256(managementKey)];
    }

    function tryCall(bytes memory data) private {
        (bytes32 before, uint64 setId) = (validators.nextSetHash(), validators.setId());
        (bool ok,) = VALIDATORS.call(data);
        tries++;
        if (ok) changes++;
        // Outside closeEpoch nothing of the set in force moves.
        if (validators.nextSetHash() != before || validators.setId() != setId || expectedHash() != before) broken = true;
    }

    function rotateSome(uint256 who, uint8 which) external {
        uint256 management = keyFrom(pick(who).managementKey);
        uint256 s = which % 2 == 1 ? ++fresh : 0;
        uint256 m = which % 4 > 1 ? ++fresh : 0;
        uint256 b = which % 8 > 3 ? ++fresh : 0;
        (KeyChange memory keys, bytes memory a, KeyProofs memory proofs) =
            rotation(management, validators.nonceOf(addressOf(management)), s, m, b);
        if (s != 0) know(s, management);
        if (m != 0) managementKeyOf[keccak256(keys.managementKey)] = m;
        tryCall(abi.encodeCall(IValidators.rotateKeys, (addressOf(management), keys, a, proofs)));
    }

    function beneficiary(uint256 who, address to) external {
        uint256 management = keyFrom(pick(who).managementKey);
        uint64 nonce = validators.nonceOf(addressOf(management));
        bytes memory a = sign65(management, typedDigest(abi.encode(BENEFICIARY, addressOf(management), nonce, to)));
        tryCall(abi.encodeCall(IValidators.setBeneficiary, (addressOf(management), to, a)));
    }

    function goAway(uint256 who) external {
        uint256 management = keyFrom(pick(who).managementKey);
        uint64 nonce = validators.nonceOf(addressOf(management));
        bytes memory a = sign65(management, typedDigest(abi.encode(LEAVE, addressOf(management), nonce)));
        tryCall(abi.encodeCall(IValidators.leaveSet, (addressOf(management), a)));
    }

    function add(uint256 voters) external {
        (Validator memory c, KeyProofs memory proofs) = candidate(++fresh << 32);
        know(fresh << 32, (fresh << 32) + 0x1000);
        Validator[] memory list = validators.getValidators();
        ManagementVote[] memory votes = new ManagementVote[](voters % 3 == 0 ? voters % (list.length + 1) : list.length);
        for (uint256 i = 0; i < votes.length; i++) {
            votes[i] = voteToAdd(keyFrom(list[i].managementKey), c, type(uint64).max);
        }
        (, Validator[] memory before) = validators.getNextValidators();
        tryCall(abi.encodeCall(IValidators.addValidator, (c, type(uint64).max, proofs, votes)));
        (, Validator[] memory afterwards) = validators.getNextValidators();
        // As finality has it: fewer than a third may be absent.
        bool enough = 3 * (list.length - votes.length) < list.length;
        if ((afterwards.length == before.length + 1) != enough) broken = true;
    }

    function remove(uint256 who, uint256 voters, uint64 deadline) external {
        Validator[] memory list = validators.getValidators();
        address session = pick(who).session;
        ManagementVote[] memory votes = new ManagementVote[](voters % (list.length + 1));
        for (uint256 i = 0; i < votes.length; i++) {
            votes[i] = voteToRemove(keyFrom(list[i].managementKey), session, deadline);
        }
        tryCall(abi.encodeCall(IValidators.removeValidator, (session, deadline, votes)));
    }

    function offend(uint256 who) external {
        address session = pick(who).session;
        bytes memory place = abi.encodePacked("HWGV", CHAIN_ID, GENESIS_HASH, validators.setId(), ++rounds, uint8(0));
        FinalityVote memory a = FinalityVote(
            1, "a", sign65(keyOf[session], keccak256(abi.encodePacked(place, uint64(1), bytes32("a"))))
        );
        FinalityVote memory b = FinalityVote(
            1, "b", sign65(keyOf[session], keccak256(abi.encodePacked(place, uint64(1), bytes32("b"))))
        );
        uint256 before = validators.offences(session);
        tryCall(abi.encodeCall(IValidators.reportEquivocation, (validators.setId(), rounds, 0, a, b)));
        if (validators.offences(session) != before + 1) broken = true;
    }

    function close() public {
        Validator[] memory old = validators.getValidators();
        uint64 setId = validators.setId();
        (uint64 nextSetId, Validator[] memory foretold) = validators.getNextValidators();
        closeAt(20 * ++closed);
        Validator[] memory list = validators.getValidators();
        bool differs = list.length != old.length;
        for (uint256 i = 0; i < list.length; i++) {
            if (i < old.length && old[i].session != list[i].session) differs = true;
            if (i > 0 && list[i - 1].session >= list[i].session) broken = true;
            if (!validators.wasMember(list[i].session, validators.setId())) broken = true;
        }
        for (uint256 i = 0; i < old.length; i++) {
            if (!validators.wasMember(old[i].session, setId)) broken = true;
        }
        if (validators.setId() != (differs ? setId + 1 : setId) || nextSetId != validators.setId()) broken = true;
        if (keccak256(abi.encode(list)) != keccak256(abi.encode(foretold))) broken = true;
    }

    function check() external view {
        Validator[] memory list = validators.getValidators();
        assertTrue(list.length > 0 && list.length <= 100 && list.length == validators.count(), "never empty, never too many");
        assertEq(validators.nextSetHash(), expectedHash(), "slot 0");
        assertEq(vm.load(VALIDATORS, 0), expectedHash(), "slot 0, raw");
        for (uint256 i = 0; i < list.length; i++) {
            for (uint256 k = 0; k < i; k++) {
                assertTrue(
                    keccak256(list[i].managementKey) != keccak256(list[k].managementKey)
                        && keccak256(list[i].bitcoinKey) != keccak256(list[k].bitcoinKey),
                    "a key twice"
                );
            }
        }
        assertTrue(!broken, "an act broke a rule");
    }
}

contract ValidatorsInvariantTest {
    ValidatorsActor private actor;

    function setUp() public {
        actor = new ValidatorsActor();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    /// A failure that is shrunk to a few acts, or replayed, may have none that succeeds.
    function afterInvariant() public view {
        require(actor.changes() > 0 || actor.tries() < 10, "no act succeeded");
    }

    function invariant_the_set_is_sorted_hashed_and_never_empty() public view {
        actor.check();
    }
}
