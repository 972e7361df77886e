// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinNetwork, IBitcoinLightClient, LightClientParams} from "../interfaces/IBitcoinLightClient.sol";
import {BitcoinHeader} from "../lib/BitcoinHeader.sol";
import {BITCOIN_LIGHT_CLIENT} from "../lib/SystemAddresses.sol";
import {Kit} from "./Kit.sol";

contract LightClientTest is Kit {
    bytes32 private genesis;
    uint32 private constant T0 = 1_700_000_000;

    function setUp() public {
        genesisHeader = mineHeader(0, keccak256("genesis"), T0);
        genesis = BitcoinHeader.hash(genesisHeader);
        predeployLight(BitcoinNetwork.Regtest, 1000);
    }

    function test_slot_0_holds_the_best_hash() public {
        assertEq(vm.load(BITCOIN_LIGHT_CLIENT, 0), genesis, "the checkpoint");
        (bytes memory headers, bytes32 tip) = branchOn(genesis, T0, 3);
        assertEq(light.submitHeaders(headers), 3, "added");
        assertEq(vm.load(BITCOIN_LIGHT_CLIENT, 0), tip, "the tip");
        (bytes32 best, uint32 height, uint128 work) = light.getBestBlock();
        assertEq(best, tip, "best");
        assertEq(height, 3, "height");
        assertEq(work, 8, "two per regtest block");
        assertEq(light.confirmations(tip), 1, "the tip has one confirmation");
        assertEq(light.confirmations(genesis), 4, "the checkpoint has four");
    }

    function test_a_call_that_adds_nothing_reverts_and_known_headers_are_skipped() public {
        (bytes memory headers, bytes32 tip) = branchOn(genesis, T0, 2);
        light.submitHeaders(headers);
        vm.expectRevert(IBitcoinLightClient.NothingNew.selector);
        light.submitHeaders(headers);
        Mined memory next = mine(tip, T0 + 5000, "");
        assertEq(light.submitHeaders(bytes.concat(headers, next.header)), 1, "only the new one");
    }

    function test_refuses_lengths_that_are_no_headers() public {
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.BadHeadersLength.selector, 79));
        light.submitHeaders(new bytes(79));
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.BadHeadersLength.selector, 0));
        light.submitHeaders("");
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.BadHeadersLength.selector, 145 * 80));
        light.submitHeaders(new bytes(145 * 80));
    }

    function test_refuses_an_unknown_parent_wrong_bits_old_version_and_too_little_work() public {
        bytes memory orphan = mineHeader(keccak256("nobody"), 0, T0 + 600);
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.UnknownParent.selector, keccak256("nobody")));
        light.submitHeaders(orphan);

        bytes memory easy = abi.encodePacked(hex"00000020", genesis, bytes32(0), le32(T0 + 600), hex"ffff7f21", uint32(0));
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.BadBits.selector, 0x217fffff, 0x207fffff));
        light.submitHeaders(easy);

        bytes memory old;
        for (uint32 nonce = 0;; nonce++) {
            old = abi.encodePacked(hex"03000000", genesis, bytes32(0), le32(T0 + 600), hex"ffff7f20", nonce);
            if (BitcoinHeader.toNumber(BitcoinHeader.hash(old)) <= 0x7fffff << 232) break;
        }
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.BadVersion.selector, int32(3)));
        light.submitHeaders(old);

        bytes memory weak;
        for (uint32 nonce = 0;; nonce++) {
            weak = abi.encodePacked(hex"00000020", genesis, bytes32(0), le32(T0 + 600), hex"ffff7f20", nonce);
            if (BitcoinHeader.toNumber(BitcoinHeader.hash(weak)) > 0x7fffff << 232) break;
        }
        vm.expectRevert(
            abi.encodeWithSelector(IBitcoinLightClient.InsufficientWork.selector, BitcoinHeader.hash(weak))
        );
        light.submitHeaders(weak);
    }

    function test_time_must_be_later_than_the_median_and_not_too_far_ahead() public {
        // Times 600 .. 6600: of the last 11 the median is the sixth, 3600 after the start.
        (bytes memory headers, bytes32 tip) = branchOn(genesis, T0, 11);
        light.submitHeaders(headers);
        bytes memory early = mineHeader(tip, 0, T0 + 3600);
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.TimeTooEarly.selector, T0 + 3600));
        light.submitHeaders(early);
        light.submitHeaders(mineHeader(tip, 0, T0 + 3601));

        vm.warp(T0);
        bytes memory late = mineHeader(tip, 0, T0 + 7201);
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.TimeTooFarAhead.selector, T0 + 7201, T0 + 7200));
        light.submitHeaders(late);
        light.submitHeaders(mineHeader(tip, 0, T0 + 7200));
    }

    function test_first_seen_wins_a_tie_and_more_work_reorganises() public {
        (bytes memory a, bytes32 tipA) = branchOn(genesis, T0, 6);
        (bytes memory b, bytes32 tipB) = branchOn(genesis, T0, 6);
        light.submitHeaders(a);
        light.submitHeaders(b);
        (bytes32 best,,) = light.getBestBlock();
        assertEq(best, tipA, "first seen");
        assertEq(light.confirmations(tipB), 0, "off the best chain");
        Mined memory more = mine(tipB, T0 + 9000, "");
        light.submitHeaders(more.header);
        (best,,) = light.getBestBlock();
        assertEq(best, more.hash, "more work");
        assertEq(light.confirmations(tipA), 0, "left the best chain");
        assertEq(light.confirmations(tipB), 2, "joined it");
        assertEq(light.hashAt(6), tipB, "rewritten");
        // And back: the branch that left is found through prev.
        (bytes memory back, bytes32 tipBack) = branchOn(tipA, T0 + 9000, 2);
        light.submitHeaders(back);
        (best,,) = light.getBestBlock();
        assertEq(best, tipBack, "back");
        assertEq(light.confirmations(tipA), 3, "tip A again");
    }

    function test_a_deep_reorganisation_takes_several_calls_and_confirmations_revert_meanwhile() public {
        predeployLight(BitcoinNetwork.Regtest, 3);
        (bytes memory a, bytes32 tipA) = branchOn(genesis, T0, 8);
        (bytes memory b, bytes32 tipB) = branchOn(genesis, T0, 9);
        light.submitHeaders(a);
        light.submitHeaders(b);
        assertTrue(light.reorganising(), "under way");
        vm.expectRevert(IBitcoinLightClient.ReorganisationUnderWay.selector);
        light.confirmations(tipA);
        light.submitHeaders(b);
        assertTrue(light.reorganising(), "nine heights, three a call");
        light.submitHeaders(b);
        assertTrue(light.reorganising(), "the fork is not seen yet");
        light.submitHeaders(b);
        assertTrue(!light.reorganising(), "done");
        assertEq(light.confirmations(tipB), 1, "new tip");
        vm.expectRevert(IBitcoinLightClient.NothingNew.selector);
        light.submitHeaders(b);
    }

    function testFuzz_best_chain_has_the_most_work_whatever_the_order(uint256 seed) public {
        bytes32[3] memory tips = [genesis, genesis, genesis];
        uint256[3] memory lengths;
        uint256 best = 0;
        uint256 bestLength = 0;
        for (uint256 i = 0; i < 14; i++) {
            uint256 which = (seed >> (i * 8)) % 3;
            Mined memory b = mine(tips[which], T0 + uint32(600 * (lengths[which] + 1)), "");
            light.submitHeaders(b.header);
            tips[which] = b.hash;
            lengths[which]++;
            if (lengths[which] > bestLength) (best, bestLength) = (which, lengths[which]);
        }
        (bytes32 tip, uint32 height,) = light.getBestBlock();
        assertEq(tip, tips[best], "tip");
        assertEq(height, bestLength, "height");
        for (uint32 h = height; h > 0; h--) {
            assertEq(light.confirmations(light.hashAt(h)), height - h + 1, "main is one chain");
        }
        assertEq(light.hashAt(height + 1), 0, "nothing above the tip");
    }

    // --- real headers

    string private constant VECTORS = "../../../shared/vectors/bitcoin/";

    /// Hex with or without 0x.
    function headerAt(string memory json, string memory before, uint256 index, string memory behind)
        private
        pure
        returns (bytes memory)
    {
        string memory text = vm.parseJsonString(json, string.concat(before, vm.toString(index), behind));
        return vm.parseBytes(bytes(text).length == 160 ? string.concat("0x", text) : text);
    }

    function mainnetLight(LightClientParams memory p) private {
        p.network = BitcoinNetwork.Mainnet;
        p.chainWork = 1;
        p.maxFutureSeconds = 7200;
        p.maxHeadersPerCall = 144;
        p.maxReorgSteps = 100;
        predeploy(BITCOIN_LIGHT_CLIENT, "BitcoinLightClient", abi.encode(p));
    }

    function test_accepts_real_mainnet_headers_at_a_bounded_price() public {
        string memory path = string.concat(VECTORS, "mainnet-headers-665280.json");
        if (!vm.exists(path)) vm.skip(true, "shared/vectors/bitcoin is absent");
        string memory json = vm.readFile(path);
        LightClientParams memory p;
        p.height = 665280;
        p.header = headerAt(json, "$.headers[", 0, "].headerHex");
        p.periodStartTime = BitcoinHeader.timeOf(p.header);
        p.periodBits = BitcoinHeader.bitsOf(p.header);
        mainnetLight(p);
        bytes memory all;
        uint256 count = 127;
        for (uint256 i = 1; i <= count; i++) {
            all = bytes.concat(all, headerAt(json, "$.headers[", i, "].headerHex"));
        }
        uint256 before = gasleft();
        assertEq(light.submitHeaders(all), count, "all of them");
        assertTrue((before - gasleft()) / count < 60_000, "gas a header");
        (bytes32 best, uint32 height,) = light.getBestBlock();
        assertEq(height, vm.parseJsonUint(json, "$.toHeight"), "height");
        assertEq(
            BitcoinHeader.toNumber(best),
            uint256(bytes32(vm.parseBytes(string.concat("0x", vm.parseJsonString(json, "$.tipHashDisplay"))))),
            "tip"
        );
    }

    function test_follows_the_real_retarget_at_554400_and_refuses_the_old_bits() public {
        string memory path = string.concat(VECTORS, "mainnet-retarget-554400.json");
        if (!vm.exists(path)) vm.skip(true, "shared/vectors/bitcoin is absent");
        string memory json = vm.readFile(path);
        LightClientParams memory p;
        p.height = uint32(vm.parseJsonUint(json, "$.genesis.height"));
        p.header = vm.parseBytes(vm.parseJsonString(json, "$.genesis.hex"));
        p.periodStartTime = BitcoinHeader.timeOf(vm.parseBytes(vm.parseJsonString(json, "$.oldPeriodStart.hex")));
        p.periodBits = BitcoinHeader.bitsOf(p.header);
        mainnetLight(p);
        uint256 i = 0;
        for (; vm.keyExistsJson(json, string.concat("$.chain[", vm.toString(i), "]")); i++) {
            bytes memory header = headerAt(json, "$.chain[", i, "].hex");
            if (p.height + i + 1 == 554400) {
                bytes memory wrong = bytes.concat(header);
                // nBits of the old period.
                for (uint256 k = 72; k < 76; k++) {
                    wrong[k] = p.header[k];
                }
                vm.expectPartialRevert(IBitcoinLightClient.BadBits.selector);
                light.submitHeaders(wrong);
            }
            light.submitHeaders(header);
        }
        (, uint32 height,) = light.getBestBlock();
        assertEq(height, p.height + i, "height");
        assertTrue(height > 554400, "over the boundary");
    }
}
