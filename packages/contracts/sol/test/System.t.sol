// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFeePool} from "../interfaces/IFeePool.sol";
import {FinalityVote, IValidators, Validator} from "../interfaces/IValidators.sol";
import {BLOCK_HASH_HISTORY, FEE_POOL, SYSTEM, VALIDATORS} from "../lib/SystemAddresses.sol";
import {Taproot} from "../lib/Taproot.sol";
import {Kit} from "./Kit.sol";

contract SystemTest is Kit {
    bytes32 private constant GENESIS_HASH = keccak256("block 0");

    function setUp() public {
        predeployAll();
    }

    function test_the_set_stands_in_ascending_order_and_its_hash_in_slot_0() public view {
        Validator[] memory list = validators.getValidators();
        address[] memory sessions = new address[](list.length);
        uint64[] memory weights = new uint64[](list.length);
        for (uint256 i = 0; i < list.length; i++) {
            assertTrue(i == 0 || list[i - 1].session < list[i].session, "ascending");
            assertTrue(validators.isSession(list[i].session), "is a session");
            (sessions[i], weights[i]) = (list[i].session, 1);
        }
        assertEq(
            vm.load(VALIDATORS, 0), keccak256(abi.encode(uint64(0), sessions, weights)), "next-set hash in slot 0"
        );
        assertEq(validators.count(), VALIDATOR_COUNT, "count");
        assertTrue(!validators.isSession(address(1)), "a stranger is none");
    }

    function closeFirstEpoch() private {
        // PUSH32 hash, MSTORE at 0, RETURN 32 bytes.
        vm.etch(BLOCK_HASH_HISTORY, abi.encodePacked(hex"7f", GENESIS_HASH, hex"5f5260205ff3"));
        vm.roll(20);
        vm.prank(SYSTEM);
        validators.closeEpoch();
    }

    function test_only_the_system_closes_an_epoch_and_only_at_its_end() public {
        vm.roll(20);
        vm.expectRevert(IValidators.Unauthorised.selector);
        validators.closeEpoch();
        vm.roll(19);
        vm.prank(SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(IValidators.NotEpochEnd.selector, 19));
        validators.closeEpoch();
        closeFirstEpoch();
        assertEq(validators.genesisHash(), GENESIS_HASH, "the genesis hash is kept");
        assertEq(validators.epoch(), 0, "block 20 is the last of epoch 0");
        vm.roll(21);
        assertEq(validators.epoch(), 1, "21 the first of epoch 1");
    }

    function vote(uint256 key, uint64 number, bytes32 hash) private pure returns (FinalityVote memory) {
        bytes32 digest = keccak256(
            abi.encodePacked("HWGV", CHAIN_ID, GENESIS_HASH, uint64(0), uint64(7), uint8(1), number, hash)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return FinalityVote(number, hash, abi.encodePacked(r, s, v));
    }

    function test_two_contradicting_votes_are_recorded_once() public {
        FinalityVote memory a = vote(sessionKeys[0], 5, keccak256("a"));
        FinalityVote memory b = vote(sessionKeys[0], 5, keccak256("b"));
        vm.expectRevert(IValidators.GenesisUnknown.selector);
        validators.reportEquivocation(0, 7, 1, a, b);
        // From block 1 on EIP-2935 knows block 0: no end of an epoch is needed.
        vm.etch(BLOCK_HASH_HISTORY, abi.encodePacked(hex"7f", GENESIS_HASH, hex"5f5260205ff3"));
        vm.roll(1);
        vm.expectRevert(IValidators.NoEquivocation.selector);
        validators.reportEquivocation(0, 7, 1, a, a);
        FinalityVote memory other = vote(sessionKeys[1], 5, keccak256("b"));
        vm.expectRevert(IValidators.NoEquivocation.selector);
        validators.reportEquivocation(0, 7, 1, a, other);
        validators.reportEquivocation(0, 7, 1, a, b);
        assertEq(validators.offences(validators.getValidators()[0].session), 1, "recorded");
        vm.expectRevert(IValidators.AlreadyReported.selector);
        validators.reportEquivocation(0, 7, 1, b, a);
    }

    function test_the_pool_pays_by_points_and_uses_them_up() public {
        Validator[] memory list = validators.getValidators();
        vm.expectRevert(IFeePool.Unauthorised.selector);
        pool.onBlock(list[0].session);
        for (uint256 i = 0; i < 4; i++) {
            vm.prank(SYSTEM);
            pool.onBlock(list[i == 3 ? 1 : 0].session);
        }
        vm.deal(FEE_POOL, 4 ether);
        pool.claim(list[0].session);
        assertEq(list[0].beneficiary.balance, 3 ether, "three blocks of four");
        vm.expectRevert(IFeePool.NothingToClaim.selector);
        pool.claim(list[0].session);
        pool.claim(list[1].session);
        assertEq(list[1].beneficiary.balance, 1 ether, "the rest");
        assertEq(pool.totalPoints(), 0, "used up");
    }

    function test_only_the_bridge_moves_bridge_fees() public {
        vm.expectRevert(IFeePool.Unauthorised.selector);
        pool.payBridge(1);
        vm.expectRevert(IFeePool.Unauthorised.selector);
        pool.collect();
    }

    function test_the_tweak_of_bip341s_wallet_vectors_holds_and_no_other() public view {
        // BIP341 wallet-test-vectors.json, scriptPubKey vector with internal key 187791b6…; y lifted from the tweaked key.
        bytes32 p = 0x187791b6f712a8ea41c8ecdd0ee77fab3e85263b37e1ec18a3651926b3a6cf27;
        bytes32 root = 0x5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21;
        bytes32 q = 0x147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3;
        uint256 prime = Taproot.FIELD_PRIME;
        uint256 square = addmod(mulmod(mulmod(uint256(q), uint256(q), prime), uint256(q), prime), 7, prime);
        (, bytes memory out) =
            address(5).staticcall(abi.encode(32, 32, 32, square, (prime + 1) / 4, prime));
        uint256 y = abi.decode(out, (uint256));
        bool even = Taproot.isTweaked(p, root, q, bytes32(y));
        bool odd = Taproot.isTweaked(p, root, q, bytes32(prime - y));
        assertTrue(even != odd, "exactly one y belongs to it");
        assertTrue(!Taproot.isTweaked(p, bytes32(uint256(root) ^ 1), q, bytes32(y)), "another root");
        assertTrue(!Taproot.isTweaked(p, bytes32(uint256(root) ^ 1), q, bytes32(prime - y)), "another root");
    }
}
