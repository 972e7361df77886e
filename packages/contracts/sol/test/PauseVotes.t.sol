// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "../interfaces/IBridge.sol";
import {ValidatorsKit} from "./ValidatorsKit.sol";

/// Votes on a pause while the set changes.
contract PauseVotesTest is ValidatorsKit {
    function setUp() public {
        predeployAll();
        vm.roll(1);
    }

    function haltBy(uint256 management, uint64 pauseId) public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(management, bridge.haltDigest(pauseId));
        bridge.halt(pauseId, v, r, s);
    }

    function resumeBy(uint256 session) private {
        vm.prank(addressOf(session));
        bridge.voteResume(1);
    }

    function refuseResume(uint256 session, bytes4 why) private {
        address from = addressOf(session);
        vm.expectPartialRevert(why);
        vm.prank(from);
        bridge.voteResume(1);
    }

    function paused() private view returns (bool) {
        return bridge.reserves().paused;
    }

    function test_who_changed_its_keys_does_not_halt_twice() public {
        haltBy(managementOf(0), 0);
        rotate(managementOf(0), 0, 0x77, 0x78, 0);
        closeAt(20);
        vm.expectPartialRevert(IBridge.AlreadyVoted.selector);
        this.haltBy(0x78, 0);
        vm.expectPartialRevert(IBridge.Unauthorised.selector);
        this.haltBy(managementOf(0), 0);
        assertTrue(!paused(), "one of four");
    }

    function test_who_left_does_not_count_any_more() public {
        haltBy(managementOf(0), 0);
        leaveSet(managementOf(0), 0);
        closeAt(20);
        // n = 3: f + 1 = 1.
        haltBy(managementOf(1), 0);
        assertTrue(paused(), "the threshold follows the count");
        resumeBy(sessionKeys[1]);
        resumeBy(sessionKeys[2]);
        rotate(managementOf(1), 0, 0x77, 0, 0);
        leaveSet(managementOf(2), 0);
        closeAt(40);
        refuseResume(0x77, IBridge.AlreadyVoted.selector);
        refuseResume(sessionKeys[1], IBridge.Unauthorised.selector);
        refuseResume(sessionKeys[2], IBridge.Unauthorised.selector);
        // n = 2: t = 2, and of the two earlier votes one counts.
        assertTrue(paused(), "still paused");
        resumeBy(sessionKeys[3]);
        assertTrue(!paused(), "both of two");
    }

    function test_a_vote_of_one_that_left_does_not_make_up_the_number() public {
        haltBy(managementOf(0), 0);
        haltBy(managementOf(1), 0);
        resumeBy(sessionKeys[0]);
        resumeBy(sessionKeys[1]);
        leaveSet(managementOf(0), 0);
        closeAt(20);
        resumeBy(sessionKeys[2]);
        assertTrue(paused(), "three votes, two of them of the three that are left");
        resumeBy(sessionKeys[3]);
        assertTrue(!paused(), "all three");
    }
}
