// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFeePool} from "../interfaces/IFeePool.sol";
import {
    FinalityVote,
    IValidators,
    KeyChange,
    KeyProofs,
    ManagementVote,
    Membership,
    Validator,
    ValidatorsParams
} from "../interfaces/IValidators.sol";
import {Secp256k1} from "../lib/Secp256k1.sol";
import {BLOCK_HASH_HISTORY, FEE_POOL, SYSTEM, VALIDATORS} from "../lib/SystemAddresses.sol";
import {ValidatorsKit} from "./ValidatorsKit.sol";

contract ValidatorsTest is ValidatorsKit {
    bytes32 private constant GENESIS_HASH = keccak256("block 0");

    function setUp() public {
        predeployAll();
        vm.etch(BLOCK_HASH_HISTORY, abi.encodePacked(hex"7f", GENESIS_HASH, hex"5f5260205ff3"));
        vm.roll(1);
    }

    // --- rotation

    function test_all_three_keys_change_at_the_end_of_the_epoch_and_not_before() public {
        bytes32 before = validators.nextSetHash();
        address old = addressOf(sessionKeys[0]);
        rotate(managementOf(0), 0, 0x77, 0x78, 0x79);
        assertTrue(validators.isSession(old) && !validators.isSession(addressOf(0x77)), "not before the end");
        assertEq(validators.nextSetHash(), before, "slot 0 moves in closeEpoch alone");
        (uint64 nextSetId, Validator[] memory next) = validators.getNextValidators();
        closeAt(20);
        assertEq(validators.setId(), 1, "another set");
        assertEq(nextSetId, 1, "foretold");
        assertEq(keccak256(abi.encode(next)), keccak256(abi.encode(validators.getValidators())), "foretold in full");
        assertEq(validators.nextSetHash(), expectedHash(), "slot 0");
        assertTrue(!validators.isSession(old) && validators.isSession(addressOf(0x77)), "afterwards");
        Validator memory v = validators.getValidator(addressOf(0x77));
        assertEq(keccak256(v.managementKey), keccak256(compressed(0x78)), "management");
        assertEq(keccak256(v.bitcoinKey), keccak256(compressed(0x79)), "bitcoin");
        assertEq(uint256(uint160(v.beneficiary)), uint160(validators.beneficiaryOf(old)), "beneficiary stays, by the old address too");
        assertTrue(validators.wasMember(old, 0) && !validators.wasMember(old, 1), "the old one in set 0 alone");
        assertTrue(!validators.wasMember(addressOf(0x77), 0) && validators.wasMember(addressOf(0x77), 1), "the new in set 1");
        assertTrue(!validators.wasMember(addressOf(0x77), 2), "sets to come have no members");
        assertEq(uint160(validators.sessionOfManagement(addressOf(managementOf(0)))), 0, "the old management key is nobody's");
        assertEq(validators.nonceOf(addressOf(0x78)), 1, "the nonce goes on");
        Membership memory m = validators.membershipOf(old);
        assertEq(m.lastBlock, 20, "sealed until the last block of the epoch");
        assertEq(validators.membershipOf(addressOf(0x77)).firstBlock, 21, "from the first of the next");
    }

    function test_other_keys_and_the_beneficiary_leave_the_set_alone() public {
        bytes32 before = validators.nextSetHash();
        rotate(managementOf(0), 0, 0, 0x78, 0x79);
        setBeneficiary(managementOf(0), 1, address(0xabc));
        closeAt(20);
        assertEq(validators.setId(), 0, "the same set");
        assertEq(validators.nextSetHash(), before, "slot 0");
        Validator memory v = validators.getValidator(addressOf(sessionKeys[0]));
        assertEq(uint160(v.beneficiary), 0xabc, "beneficiary");
        assertEq(keccak256(v.bitcoinKey), keccak256(compressed(0x79)), "bitcoin");
        leaveSet(0x78, 2);
    }

    function test_two_rotations_of_one_epoch_are_merged() public {
        rotate(managementOf(0), 0, 0x77, 0, 0x79);
        rotate(managementOf(0), 1, 0x7a, 0, 0);
        closeAt(20);
        assertTrue(validators.isSession(addressOf(0x7a)) && !validators.isSession(addressOf(0x77)), "the later session");
        assertEq(keccak256(validators.getValidator(addressOf(0x7a)).bitcoinKey), keccak256(compressed(0x79)), "the other stays");
        assertTrue(!validators.wasMember(addressOf(0x77), 1), "never in force");
        this.refuseRotation(0, 2, 0x77, 0, 0, IValidators.KeyInUse.selector);
    }

    function refuseRotation(uint256 index, uint64 nonce, uint256 s, uint256 m, uint256 b, bytes4 why) external {
        (KeyChange memory keys, bytes memory authorisation, KeyProofs memory proofs) =
            rotation(managementOf(index), nonce, s, m, b);
        address management = addressOf(managementOf(index));
        vm.expectPartialRevert(why);
        validators.rotateKeys(management, keys, authorisation, proofs);
    }

    function test_no_key_is_used_twice() public {
        uint256 other = sessionKeys[1];
        this.refuseRotation(0, 0, other, 0, 0, IValidators.KeyInUse.selector);
        this.refuseRotation(0, 0, sessionKeys[0], 0, 0, IValidators.KeyInUse.selector);
        this.refuseRotation(0, 0, 0, other + 0x1000, 0, IValidators.KeyInUse.selector);
        this.refuseRotation(0, 0, 0, 0, other + 0x2000, IValidators.KeyInUse.selector);
        // The negated key has the same x.
        this.refuseRotation(0, 0, 0, 0, CURVE_ORDER - other - 0x2000, IValidators.KeyInUse.selector);
        rotate(managementOf(1), 0, 0x77, 0x78, 0x79);
        this.refuseRotation(0, 0, 0x77, 0, 0, IValidators.KeyInUse.selector);
        this.refuseRotation(0, 0, 0, 0x78, 0, IValidators.KeyInUse.selector);
        this.refuseRotation(0, 0, 0, 0, 0x79, IValidators.KeyInUse.selector);
        closeAt(20);
        this.refuseRotation(0, 0, other, 0, 0, IValidators.KeyInUse.selector);
    }

    function test_a_rotation_needs_every_signature_and_the_next_nonce() public {
        this.refuseRotation(0, 1, 0x77, 0, 0, IValidators.BadSignature.selector);
        this.refuseRotation(0, 0, 0, 0, 0, IValidators.NothingChanges.selector);
        address management = addressOf(managementOf(0));
        (KeyChange memory keys, bytes memory a, KeyProofs memory good) = rotation(managementOf(0), 0, 0x77, 0x78, 0x79);
        (,, KeyProofs memory bad) = rotation(managementOf(0), 1, 0x77, 0x78, 0x79);
        bytes memory missing = abi.encodePacked(IValidators.BadSignature.selector, abi.encode(addressOf(0x77)));
        vm.expectRevert(missing);
        validators.rotateKeys(management, keys, a, KeyProofs(bad.session, good.management, good.bitcoin));
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.rotateKeys(management, keys, a, KeyProofs(good.session, bad.management, good.bitcoin));
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.rotateKeys(management, keys, a, KeyProofs(good.session, good.management, bad.bitcoin));
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.rotateKeys(management, keys, "", good);
        vm.expectPartialRevert(IValidators.UnknownManagement.selector);
        validators.rotateKeys(address(0xbad), keys, a, good);
        validators.rotateKeys(management, keys, a, good);
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.rotateKeys(management, keys, a, good);
    }

    function test_a_malleated_signature_is_refused() public {
        bytes32 digest = typedDigest(abi.encode(BENEFICIARY, addressOf(managementOf(0)), uint64(0), address(0xabc)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(managementOf(0), digest);
        address management = addressOf(managementOf(0));
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.setBeneficiary(management, address(0xabc), abi.encodePacked(r, CURVE_ORDER - uint256(s), 55 - v));
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.setBeneficiary(management, address(0xabc), abi.encodePacked(r, s, v, v));
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.setBeneficiary(management, address(0xabc), abi.encodePacked(r, s, v + 2));
        validators.setBeneficiary(management, address(0xabc), abi.encodePacked(r, s, v - 27));
    }

    function test_a_key_that_is_none_is_refused() public {
        KeyChange memory keys;
        keys.managementKey = hex"05";
        bytes32 digest = typedDigest(
            abi.encode(ROTATE, addressOf(managementOf(0)), uint64(0), address(0), keccak256(hex"05"), keccak256(""))
        );
        address management = addressOf(managementOf(0));
        KeyProofs memory none;
        vm.expectRevert(Secp256k1.BadPublicKey.selector);
        validators.rotateKeys(management, keys, sign65(managementOf(0), digest), none);
    }

    function test_a_beneficiary_that_is_the_same_or_none_is_refused() public {
        address same = validators.beneficiaryOf(addressOf(sessionKeys[0]));
        this.refuseBeneficiary(same, IValidators.NothingChanges.selector);
        this.refuseBeneficiary(address(0), IValidators.BadParams.selector);
    }

    function refuseBeneficiary(address to, bytes4 why) external {
        address management = addressOf(managementOf(0));
        bytes32 digest = typedDigest(abi.encode(BENEFICIARY, management, uint64(0), to));
        vm.expectRevert(why);
        validators.setBeneficiary(management, to, sign65(managementOf(0), digest));
    }

    // --- leaving

    function test_all_but_the_last_may_leave() public {
        for (uint256 i = 0; i < 3; i++) {
            leaveSet(managementOf(i), 0);
        }
        this.refuseLeave(3, 0, IValidators.LastValidator.selector);
        this.refuseLeave(0, 1, IValidators.AlreadyLeaving.selector);
        this.refuseRotation(0, 1, 0x77, 0, 0, IValidators.AlreadyLeaving.selector);
        setBeneficiary(managementOf(0), 1, address(0xabc));
        closeAt(20);
        assertEq(validators.count(), 1, "one left");
        assertEq(validators.nextSetHash(), expectedHash(), "slot 0");
        assertEq(uint160(validators.beneficiaryOf(addressOf(sessionKeys[0]))), 0xabc, "its last beneficiary");
        this.refuseLeave(0, 2, IValidators.UnknownManagement.selector);
    }

    function refuseLeave(uint256 index, uint64 nonce, bytes4 why) external {
        address management = addressOf(managementOf(index));
        bytes memory signature = sign65(managementOf(index), typedDigest(abi.encode(LEAVE, management, nonce)));
        vm.expectPartialRevert(why);
        validators.leaveSet(management, signature);
    }

    function test_points_of_who_left_or_rotated_stay_claimable() public {
        (address leaver, address rotated) = (addressOf(sessionKeys[0]), addressOf(sessionKeys[1]));
        vm.prank(SYSTEM);
        pool.onBlock(leaver);
        vm.prank(SYSTEM);
        pool.onBlock(rotated);
        leaveSet(managementOf(0), 0);
        rotate(managementOf(1), 0, 0x77, 0, 0);
        setBeneficiary(managementOf(1), 1, address(0xabc));
        closeAt(20);
        vm.deal(FEE_POOL, 2 ether);
        pool.claim(leaver);
        assertEq(validators.beneficiaryOf(leaver).balance, 1 ether, "who left");
        pool.claim(rotated);
        assertEq(address(0xabc).balance, 1 ether, "who rotated, to its beneficiary of now");
    }

    // --- proposals

    function test_three_of_four_add_a_validator_in_two_calls() public {
        (Validator memory c, KeyProofs memory proofs) = candidate(0x9000);
        bytes32 proposal = validators.addProposal(c, DEADLINE);
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(0, 2, c));
        (uint256 votes, bool passed) = validators.votesOn(proposal);
        assertTrue(votes == 2 && !passed, "two are not enough");
        assertTrue(validators.hasVoted(proposal, validators.currentId(addressOf(sessionKeys[0]))), "has voted");
        ManagementVote[] memory again = votesToAdd(1, 2, c);
        vm.expectRevert(IValidators.NothingChanges.selector);
        validators.addValidator(c, DEADLINE, proofs, again);
        // A vote that somebody submitted before is skipped.
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(1, 3, c));
        (votes, passed) = validators.votesOn(proposal);
        assertTrue(votes == 3 && passed, "three are");
        ManagementVote[] memory late = votesToAdd(3, 4, c);
        vm.expectPartialRevert(IValidators.AlreadyPassed.selector);
        validators.addValidator(c, DEADLINE, proofs, late);
        assertEq(validators.count(), 4, "not before the end");
        closeAt(20);
        assertEq(validators.count(), 5, "joined");
        assertEq(validators.setId(), 1, "another set");
        assertEq(validators.nextSetHash(), expectedHash(), "slot 0");
        leaveSet(0x9000 + 0x1000, 0);
    }

    function test_a_validator_that_is_joining_has_no_rights_yet() public {
        (Validator memory c, KeyProofs memory proofs) = candidate(0x9000);
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(0, 3, c));
        assertEq(uint160(validators.sessionOfManagement(addressOf(0xa000))), 0, "no management key");
        assertTrue(!validators.wasMember(c.session, 0) && validators.currentId(c.session) == 0, "no member");
        (Validator memory d,) = candidate(0x9000);
        d.beneficiary = address(0xd);
        bytes32 digest = typedDigest(
            abi.encode(JOIN, d.session, d.beneficiary, keccak256(d.managementKey), keccak256(d.bitcoinKey))
        );
        proofs = KeyProofs(sign65(0x9000, digest), sign65(0xa000, digest), sign65(0xb000, digest));
        ManagementVote[] memory votes = votesToAdd(0, 3, d);
        vm.expectRevert(IValidators.KeyInUse.selector);
        validators.addValidator(d, DEADLINE, proofs, votes);
    }

    function test_a_candidate_proves_that_it_has_its_keys() public {
        (Validator memory c, KeyProofs memory good) = candidate(0x9000);
        (, KeyProofs memory bad) = candidate(0x9001);
        ManagementVote[] memory votes = votesToAdd(0, 3, c);
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.addValidator(c, DEADLINE, KeyProofs(bad.session, good.management, good.bitcoin), votes);
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.addValidator(c, DEADLINE, KeyProofs(good.session, bad.management, good.bitcoin), votes);
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.addValidator(c, DEADLINE, KeyProofs(good.session, good.management, bad.bitcoin), votes);
    }

    function test_votes_end_with_the_deadline_and_belong_to_it() public {
        (Validator memory c, KeyProofs memory proofs) = candidate(0x9000);
        ManagementVote[] memory votes = votesToAdd(0, 3, c);
        vm.expectPartialRevert(IValidators.BadSignature.selector);
        validators.addValidator(c, DEADLINE + 1, proofs, votes);
        vm.roll(DEADLINE + 1);
        vm.expectPartialRevert(IValidators.DeadlinePassed.selector);
        validators.addValidator(c, DEADLINE, proofs, votes);
        vm.roll(DEADLINE);
        validators.addValidator(c, DEADLINE, proofs, votes);
    }

    function test_a_vote_counts_by_validator_not_by_key_and_while_it_has_a_seat() public {
        (Validator memory c, KeyProofs memory proofs) = candidate(0x9000);
        bytes32 proposal = validators.addProposal(c, DEADLINE);
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(0, 2, c));
        rotate(managementOf(0), 0, 0x77, 0x78, 0);
        leaveSet(managementOf(1), 0);
        closeAt(20);
        (uint256 votes,) = validators.votesOn(proposal);
        assertEq(votes, 1, "the vote of one that left is gone");
        ManagementVote[] memory again = new ManagementVote[](1);
        again[0] = voteToAdd(0x78, c, DEADLINE);
        vm.expectRevert(IValidators.NothingChanges.selector);
        validators.addValidator(c, DEADLINE, proofs, again);
        again[0] = voteToAdd(managementOf(0), c, DEADLINE);
        vm.expectPartialRevert(IValidators.UnknownManagement.selector);
        validators.addValidator(c, DEADLINE, proofs, again);
        // Finality needs all three of three, and so does this.
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(2, 3, c));
        (, bool passed) = validators.votesOn(proposal);
        assertTrue(!passed, "two of three");
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(3, 4, c));
        (, passed) = validators.votesOn(proposal);
        assertTrue(passed, "three of three");
    }

    function assertPassesWith(uint256 needed, uint256 n) private {
        replaceValidators(manyParams(n));
        (Validator memory c, KeyProofs memory proofs) = candidate(0x9000);
        if (needed > 1) validators.addValidator(c, DEADLINE, proofs, votesToAdd(0, needed - 1, c));
        (, bool passed) = validators.votesOn(validators.addProposal(c, DEADLINE));
        assertTrue(!passed, "one fewer");
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(needed - 1, needed, c));
        (, passed) = validators.votesOn(validators.addProposal(c, DEADLINE));
        assertTrue(passed, "enough");
    }

    // What finality needs of as many (consensus.md, section 2.1).
    function test_one_of_one_is_enough() public {
        assertPassesWith(1, 1);
    }

    function test_two_of_two_are_enough() public {
        assertPassesWith(2, 2);
    }

    function test_three_of_three_are_enough_and_no_fewer() public {
        assertPassesWith(3, 3);
    }

    function test_five_of_six_are_enough_and_no_fewer() public {
        assertPassesWith(5, 6);
    }

    function test_five_of_seven_are_enough_and_no_fewer() public {
        assertPassesWith(5, 7);
    }

    function test_seats_that_are_given_up_make_known_votes_enough() public {
        (Validator memory c, KeyProofs memory proofs) = candidate(0x9000);
        bytes32 proposal = validators.addProposal(c, DEADLINE);
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(0, 2, c));
        leaveSet(managementOf(3), 0);
        closeAt(20);
        ManagementVote[] memory none;
        vm.expectRevert(IValidators.NothingChanges.selector);
        validators.addValidator(c, DEADLINE, proofs, none);
        leaveSet(managementOf(2), 0);
        closeAt(40);
        assertEq(validators.count(), 2, "two are left");
        // Known votes are skipped, and none is as good.
        validators.addValidator(c, DEADLINE, proofs, votesToAdd(0, 1, c));
        (, bool passed) = validators.votesOn(proposal);
        assertTrue(passed, "two of two");
        closeAt(60);
        assertEq(validators.count(), 3, "joined");
    }

    function test_a_removal_too_passes_by_known_votes_when_seats_were_given_up() public {
        replaceValidators(manyParams(7));
        address session = addressOf(sessionKeys[0]);
        validators.removeValidator(session, DEADLINE, votesToRemove(1, 5, session));
        ManagementVote[] memory none;
        vm.expectRevert(IValidators.NothingChanges.selector);
        validators.removeValidator(session, DEADLINE, none);
        leaveSet(managementOf(5), 0);
        leaveSet(managementOf(6), 0);
        closeAt(20);
        validators.removeValidator(session, DEADLINE, none);
        closeAt(40);
        assertTrue(validators.count() == 4 && !validators.isSession(session), "four of five");
    }

    function votesToRemove(uint256 from, uint256 to, address session) private returns (ManagementVote[] memory votes) {
        votes = new ManagementVote[](to - from);
        for (uint256 i = from; i < to; i++) {
            votes[i - from] = voteToRemove(managementOf(i), session, DEADLINE);
        }
    }

    function test_three_of_four_remove_a_validator_by_an_old_address_too() public {
        address session = addressOf(sessionKeys[3]);
        rotate(managementOf(3), 0, 0x77, 0, 0);
        closeAt(20);
        validators.removeValidator(session, DEADLINE, votesToRemove(0, 2, session));
        assertEq(validators.getValidators().length, 4, "two of four are not enough");
        validators.removeValidator(session, DEADLINE, votesToRemove(2, 3, session));
        closeAt(40);
        assertEq(validators.count(), 3, "removed");
        assertTrue(!validators.isSession(addressOf(0x77)), "that one");
        assertEq(validators.nextSetHash(), expectedHash(), "slot 0");
        ManagementVote[] memory votes = votesToRemove(0, 2, session);
        vm.expectPartialRevert(IValidators.UnknownValidator.selector);
        validators.removeValidator(session, DEADLINE, votes);
    }

    function test_the_last_validator_is_not_removed_and_nobody_twice() public {
        address session = addressOf(sessionKeys[3]);
        leaveSet(managementOf(3), 0);
        ManagementVote[] memory votes = votesToRemove(0, 3, session);
        vm.expectRevert(IValidators.AlreadyLeaving.selector);
        validators.removeValidator(session, DEADLINE, votes);
        for (uint256 i = 0; i < 2; i++) {
            leaveSet(managementOf(i), 0);
        }
        session = addressOf(sessionKeys[2]);
        votes = votesToRemove(0, 3, session);
        vm.expectRevert(IValidators.LastValidator.selector);
        validators.removeValidator(session, DEADLINE, votes);
    }

    function test_a_set_of_a_hundred_and_no_more() public {
        replaceValidators(manyParams(100));
        (Validator memory c, KeyProofs memory proofs) = candidate(0x9000);
        ManagementVote[] memory votes = votesToAdd(0, 67, c);
        vm.expectRevert(IValidators.TooManyValidators.selector);
        validators.addValidator(c, DEADLINE, proofs, votes);
        votes = new ManagementVote[](101);
        vm.expectRevert(IValidators.TooManyVotes.selector);
        validators.addValidator(c, DEADLINE, proofs, votes);
        ManagementVote[] memory few = votesToAdd(0, 66, c);
        validators.addValidator(c, DEADLINE, proofs, few);
        assertEq(validators.count(), 100, "66 of 100 pass nothing");
    }

    // --- the constructor

    function redeploy(ValidatorsParams memory p) external {
        replaceValidators(p);
    }

    function test_a_genesis_of_none_or_too_many_is_refused() public {
        ValidatorsParams memory p = manyParams(0);
        vm.expectRevert(IValidators.BadParams.selector);
        this.redeploy(p);
        p = manyParams(101);
        vm.expectRevert(IValidators.BadParams.selector);
        this.redeploy(p);
    }

    function test_a_genesis_out_of_order_or_with_a_key_twice_is_refused() public {
        ValidatorsParams memory p = freshParams();
        (p.validators[0], p.validators[1]) = (p.validators[1], p.validators[0]);
        vm.expectRevert(IValidators.BadParams.selector);
        this.redeploy(p);
        p = freshParams();
        p.validators[1].bitcoinKey = p.validators[0].bitcoinKey;
        vm.expectRevert(IValidators.KeyInUse.selector);
        this.redeploy(p);
        p = freshParams();
        p.validators[1].managementKey = p.validators[0].managementKey;
        vm.expectRevert(IValidators.KeyInUse.selector);
        this.redeploy(p);
        p = freshParams();
        p.epochLength = 0;
        vm.expectRevert(IValidators.BadParams.selector);
        this.redeploy(p);
        p = freshParams();
        p.validators[1].beneficiary = address(0);
        vm.expectRevert(IValidators.BadParams.selector);
        this.redeploy(p);
        this.redeploy(freshParams());
    }

    function freshParams() private returns (ValidatorsParams memory p) {
        (p.chainId, p.epochLength, p.validators) = (CHAIN_ID, 20, new Validator[](2));
        (p.validators[0],) = candidate(0x9100);
        (p.validators[1],) = candidate(0x9101);
        if (p.validators[0].session > p.validators[1].session) {
            (p.validators[0], p.validators[1]) = (p.validators[1], p.validators[0]);
        }
    }

    // --- evidence

    function signedVote(uint256 key, uint64 setId, uint64 round, uint8 kind, bytes32 hash)
        private
        pure
        returns (FinalityVote memory)
    {
        bytes32 digest =
            keccak256(abi.encodePacked("HWGV", CHAIN_ID, GENESIS_HASH, setId, round, kind, uint64(5), hash));
        return FinalityVote(5, hash, sign65(key, digest));
    }

    function report(uint256 key, uint64 setId, uint64 round, uint8 kind) public {
        validators.reportEquivocation(
            setId, round, kind, signedVote(key, setId, round, kind, "a"), signedVote(key, setId, round, kind, "b")
        );
    }

    function refuseReport(uint256 key, uint64 setId, uint64 round, uint8 kind, bytes4 why) private {
        (FinalityVote memory a, FinalityVote memory b) =
            (signedVote(key, setId, round, kind, "a"), signedVote(key, setId, round, kind, "b"));
        vm.expectPartialRevert(why);
        validators.reportEquivocation(setId, round, kind, a, b);
    }

    function test_an_offender_is_marked_and_dropped_at_the_end_of_the_epoch() public {
        address session = addressOf(sessionKeys[0]);
        report(sessionKeys[0], 0, 7, 0);
        assertEq(validators.genesisHash(), GENESIS_HASH, "learned in the first epoch");
        assertTrue(validators.isSession(session), "in force until the end");
        refuseReport(sessionKeys[0], 0, 7, 1, IValidators.AlreadyReported.selector);
        refuseReport(sessionKeys[0], 0, 8, 2, IValidators.NoEquivocation.selector);
        refuseReport(sessionKeys[0], 1, 7, 0, IValidators.UnknownValidator.selector);
        refuseReport(0xbad, 0, 7, 0, IValidators.UnknownValidator.selector);
        report(sessionKeys[0], 0, 8, 1);
        assertEq(validators.offences(session), 2, "counted");
        closeAt(20);
        assertTrue(!validators.isSession(session), "dropped");
        assertEq(validators.nextSetHash(), expectedHash(), "slot 0");
        report(sessionKeys[0], 0, 9, 1);
        assertEq(validators.offences(session), 3, "evidence survives leaving");
        refuseReport(sessionKeys[0], 1, 7, 0, IValidators.UnknownValidator.selector);
    }

    function test_evidence_survives_rotation() public {
        rotate(managementOf(0), 0, 0x77, 0x78, 0);
        closeAt(20);
        refuseReport(sessionKeys[0], 1, 7, 0, IValidators.UnknownValidator.selector);
        refuseReport(0x77, 0, 7, 0, IValidators.UnknownValidator.selector);
        report(sessionKeys[0], 0, 7, 0);
        closeAt(40);
        assertTrue(!validators.isSession(addressOf(0x77)), "the new address is dropped for the old one's offence");
        assertEq(validators.offences(addressOf(0x77)), 1, "one validator");
    }

    function test_the_last_validator_stays_marked() public {
        for (uint256 i = 0; i < 4; i++) {
            report(sessionKeys[i], 0, 7, 0);
        }
        closeAt(20);
        assertEq(validators.count(), 1, "never empty");
        assertEq(validators.offences(addressOf(sessionKeys[3])), 1, "marked");
        assertTrue(validators.isSession(addressOf(sessionKeys[3])), "stays");
    }

    function test_a_malleated_vote_is_no_evidence() public {
        FinalityVote memory a = signedVote(sessionKeys[0], 0, 7, 0, "a");
        FinalityVote memory b = signedVote(sessionKeys[0], 0, 7, 0, "b");
        bytes32 digest =
            keccak256(abi.encodePacked("HWGV", CHAIN_ID, GENESIS_HASH, uint64(0), uint64(7), uint8(0), uint64(5), bytes32("b")));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(sessionKeys[0], digest);
        b.signature = abi.encodePacked(r, CURVE_ORDER - uint256(s), 55 - v);
        vm.expectRevert(IValidators.NoEquivocation.selector);
        validators.reportEquivocation(0, 7, 0, a, b);
        b.signature = abi.encodePacked(r, s, v - 27);
        validators.reportEquivocation(0, 7, 0, a, b);
    }

    // --- seals

    function header(uint64 number, uint64 timestamp, bytes32 parent) private pure returns (bytes memory) {
        bytes memory fields = bytes.concat(
            abi.encodePacked(hex"a0", parent, hex"a0", bytes32(0), hex"94", address(1)),
            abi.encodePacked(hex"a0", bytes32(0), hex"a0", bytes32(0), hex"a0", bytes32(0), hex"b90100", new bytes(256)),
            abi.encodePacked(hex"80", uint8(0x84), uint32(number), hex"8401c9c380", hex"80", uint8(0x84), uint32(timestamp)),
            abi.encodePacked(hex"80a0", bytes32(0), hex"880000000000000000")
        );
        return abi.encodePacked(hex"f9", uint16(fields.length), fields);
    }

    uint64 private constant N = 0x01000005;
    uint64 private constant T = 0x60000000;

    function seal(uint256 key, bytes memory raw) private pure returns (bytes memory) {
        return sign65(key, keccak256(abi.encodePacked("HWAS", CHAIN_ID, keccak256(raw))));
    }

    function reportSeals(uint256 keyA, bytes memory a, uint256 keyB, bytes memory b) private {
        validators.reportSealEquivocation(a, seal(keyA, a), b, seal(keyB, b));
    }

    function refuseSeals(uint256 keyA, bytes memory a, uint256 keyB, bytes memory b, bytes4 why) private {
        (bytes memory sealA, bytes memory sealB) = (seal(keyA, a), seal(keyB, b));
        vm.expectPartialRevert(why);
        validators.reportSealEquivocation(a, sealA, b, sealB);
    }

    function test_two_blocks_sealed_for_one_slot_are_an_offence() public {
        uint256 key = sessionKeys[0];
        (bytes memory a, bytes memory b) = (header(N, T, "a"), header(N + 1, T, "b"));
        refuseSeals(key, a, key, a, IValidators.NoEquivocation.selector);
        refuseSeals(key, a, sessionKeys[1], b, IValidators.NoEquivocation.selector);
        refuseSeals(key, a, key, header(N, T + 1, "b"), IValidators.NoEquivocation.selector);
        refuseSeals(0xbad, a, 0xbad, b, IValidators.UnknownValidator.selector);
        reportSeals(key, a, key, b);
        refuseSeals(key, a, key, header(N, T, "c"), IValidators.AlreadyReported.selector);
        reportSeals(key, header(N, T + 3, "a"), key, header(N, T + 3, "b"));
        assertEq(validators.offences(addressOf(key)), 2, "one for each slot");
        closeAt(20);
        assertTrue(!validators.isSession(addressOf(key)), "dropped");
    }

    function test_a_session_is_held_only_to_blocks_of_its_time() public {
        // The numbers of `header` need four bytes: an epoch ends there.
        uint64 end = 0x01000000 + 4;
        rotate(managementOf(0), 0, 0x77, 0, 0);
        refuseSeals(0x77, header(N, T, "a"), 0x77, header(N, T, "b"), IValidators.UnknownValidator.selector);
        closeAt(end);
        uint256 old = sessionKeys[0];
        refuseSeals(old, header(end, T, "a"), old, header(end + 1, T, "b"), IValidators.UnknownValidator.selector);
        refuseSeals(0x77, header(end + 1, T, "a"), 0x77, header(end, T, "b"), IValidators.UnknownValidator.selector);
        reportSeals(old, header(end, T, "a"), old, header(end, T, "b"));
        reportSeals(0x77, header(end + 1, T, "a"), 0x77, header(end + 1, T, "b"));
    }

    function test_bytes_that_are_no_header_are_refused() public {
        uint256 key = sessionKeys[0];
        bytes memory good = header(N, T, "a");
        bytes[] memory bad = new bytes[](8);
        bad[0] = "";
        bad[1] = bytes.concat(good, hex"00");
        bad[2] = new bytes(1025);
        // A list inside; a length that runs out; a number with a leading zero; too few fields; a length with a leading zero; eleven fields.
        bad[3] = header(N, T, "b");
        bad[3][3] = 0xc0;
        bad[4] = header(N, T, "b");
        bad[4][bad[4].length - 9] = 0x89;
        bad[5] = header(0x00ffffff, T, "b");
        bad[6] = abi.encodePacked(hex"f83aa0", bytes32(0), hex"98", bytes24(0));
        bad[7] = abi.encodePacked(hex"f9003fa0", bytes32(0), hex"9d", new bytes(29));
        for (uint256 i = 0; i < bad.length; i++) {
            refuseSeals(key, bad[i], key, good, IValidators.BadHeader.selector);
            refuseSeals(key, good, key, bad[i], IValidators.BadHeader.selector);
        }
        reportSeals(key, good, key, header(N, T, "b"));
    }
}
