// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DepositAddress, IBitcoinLightClient, InclusionProof, ProvenOutput} from "../interfaces/IBitcoinLightClient.sol";
import {
    Batch,
    BatchStatus,
    Coin,
    CoinStatus,
    DepositClaim,
    FormBatchStatus,
    IBridge,
    Reserves,
    Withdrawal,
    WithdrawalReason,
    WithdrawalStatus
} from "../interfaces/IBridge.sol";
import {BitcoinHeader} from "../lib/BitcoinHeader.sol";
import {BRIDGE, FEE_POOL} from "../lib/SystemAddresses.sol";
import {Taproot} from "../lib/Taproot.sol";
import {Kit} from "./Kit.sol";

/// Takes no money.
contract Refuser {
    function request(IBridge bridge, bytes calldata script, uint64 maxFee) external payable returns (uint64) {
        return bridge.requestWithdrawal{value: msg.value}(script, maxFee);
    }
}

abstract contract BridgeKit is Kit {
    bytes internal constant P2WPKH = hex"00140123456789abcdef0123456789abcdef01234567";
    uint256 internal constant SAT = 1e10;

    /// The batch's transaction as the spender builds it, with this fee.
    function batchTransaction(Batch memory b, uint64 fee, bytes32 formingHash) internal view returns (bytes memory t) {
        t = abi.encodePacked(hex"02000000", uint8(b.inputs.length));
        for (uint256 i = 0; i < b.inputs.length; i++) {
            t = abi.encodePacked(t, b.inputs[i].txid, le32(b.inputs[i].vout), hex"00fdffffff");
        }
        t = abi.encodePacked(t, uint8(b.requests.length + 2));
        for (uint256 i = 0; i < b.requests.length; i++) {
            t = abi.encodePacked(t, output(b.requests[i].amountSats, b.requests[i].script));
        }
        t = abi.encodePacked(
            t, output(0, abi.encodePacked(hex"6a2d", "HWSR", uint8(1), b.formedAtBlock, formingHash))
        );
        t = abi.encodePacked(
            t, output(b.inputSats - b.payoutSats - fee, p2tr(bridge.committee(b.committeeId).outputKey)), uint32(0)
        );
    }

    function request(address account, uint64 amount, uint64 maxFee) internal returns (uint64) {
        vm.prank(account);
        return bridge.requestWithdrawal{value: (uint256(amount) + maxFee) * SAT}(P2WPKH, maxFee);
    }

    function formNow() internal returns (uint64 id) {
        vm.warp(block.timestamp + 11);
        id = bridge.formBatch();
        // Not from block.number: the optimizer would read it again after the roll.
        uint256 number = bridge.getBatch(id).formedAtBlock;
        vm.roll(number + 1);
        vm.setBlockhash(number, keccak256(abi.encode("block", number)));
    }

    function hashForming(Batch memory b) internal pure returns (bytes32) {
        return keccak256(abi.encode("block", uint256(b.formedAtBlock)));
    }
}

contract DepositTest is BridgeKit {
    address private constant ALICE = address(0xa11ce);

    function setUp() public {
        predeployAll();
    }

    function test_credits_a_payment_to_a_deposit_address() public {
        (bytes32 txid, Mined memory b) = depositFor(ALICE, 1_000_000);
        assertEq(ALICE.balance, 1_000_000 * SAT, "balance");
        assertTrue(bridge.isCredited(txid, 0), "credited");
        Coin memory coin = bridge.getCoin(txid, 0);
        assertEq(coin.u, depositU(ALICE, 0), "u is the commit leaf");
        assertEq(coin.bitcoinBlock, b.hash, "block");
        assertEq(coin.height, 1, "height");
        assertTrue(coin.status == CoinStatus.Available, "available");
        assertEq(bridge.depositsOf(ALICE, 0, 10).length, 1, "listed");
        assertEq(bridge.reserves().custodySats, 1_000_000, "custody");
        assertEq(bridge.reserves().circulatingWei, 1_000_000 * SAT, "circulating");
    }

    function test_refuses_a_reclaimable_one_while_nothing_sweeps_it() public {
        (DepositClaim memory c, bytes memory script) = claimOf(ALICE, bytes32(vm.createWallet(77).publicKeyX));
        Mined memory b = extend(payment(1, output(50_000, script)));
        vm.expectRevert(IBridge.NotYetSupported.selector);
        bridge.deposit(b.proof, c);
        // Nor does it pass for a deposit without a refund key.
        c.refundKey = 0;
        vm.expectRevert(IBridge.WrongOutputKey.selector);
        bridge.deposit(b.proof, c);
        assertTrue(!bridge.isCredited(BitcoinHeader.hash(b.proof.transaction), 0), "not credited");
        assertEq(ALICE.balance + bridge.reserves().custodySats, 0, "nothing released, no custody");
    }

    function test_the_light_client_derives_an_address_with_a_refund_key() public {
        (DepositClaim memory c, bytes memory script) = claimOf(ALICE, bytes32(vm.createWallet(77).publicKeyX));
        Mined memory b = extend(payment(1, output(50_000, script)));
        ProvenOutput memory paid = light.verifyDeposit(
            b.proof, 1, 0, DepositAddress(internalKey, TREE_ROOT, CHAIN_ID, 0, ALICE, c.refundKey, CSV, c.qy)
        );
        assertEq(paid.u, depositU(ALICE, c.refundKey), "u is the branch");
        assertEq(paid.sats, 50_000, "value");
    }

    function test_credits_an_outpoint_once() public {
        (DepositClaim memory c, bytes memory script) = claimOf(ALICE, 0);
        Mined memory b = extend(payment(2, bytes.concat(output(20_000, script), output(30_000, script))));
        bridge.deposit(b.proof, c);
        bytes32 txid = BitcoinHeader.hash(b.proof.transaction);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AlreadyCredited.selector, txid, 0));
        bridge.deposit(b.proof, c);
        c.vout = 1;
        bridge.deposit(b.proof, c);
        assertEq(ALICE.balance, 50_000 * SAT, "both outputs");
        c.vout = 2;
        vm.expectRevert(abi.encodeWithSelector(IBridge.NoSuchOutput.selector, 2));
        bridge.deposit(b.proof, c);
    }

    function test_refuses_below_the_minimum_other_kinds_and_other_accounts() public {
        (DepositClaim memory c, bytes memory script) = claimOf(ALICE, 0);
        Mined memory b = extend(payment(1, output(9_999, script)));
        vm.expectRevert(abi.encodeWithSelector(IBridge.DepositTooSmall.selector, 9_999, 10_000));
        bridge.deposit(b.proof, c);
        b = extend(payment(1, output(10_000, script)));
        c.kind = 1;
        vm.expectRevert(abi.encodeWithSelector(IBridge.UnsupportedDepositKind.selector, 1));
        bridge.deposit(b.proof, c);
        c.kind = 0;
        c.account = address(0xbad);
        vm.expectRevert(IBridge.WrongOutputKey.selector);
        bridge.deposit(b.proof, c);
        c.account = ALICE;
        c.qy = bytes32(Taproot.FIELD_PRIME - uint256(c.qy));
        vm.expectRevert(IBridge.WrongOutputKey.selector);
        bridge.deposit(b.proof, c);
        c.committeeId = 1;
        vm.expectRevert(abi.encodeWithSelector(IBridge.UnknownCommittee.selector, 1));
        bridge.deposit(b.proof, c);
    }

    function test_refuses_an_output_that_is_not_taproot() public {
        (DepositClaim memory c,) = claimOf(ALICE, 0);
        Mined memory b = extend(payment(1, output(20_000, P2WPKH)));
        vm.expectRevert(IBridge.NotTaproot.selector);
        bridge.deposit(b.proof, c);
    }

    function test_refuses_forged_proofs() public {
        (DepositClaim memory c, bytes memory script) = claimOf(ALICE, 0);
        Mined memory b = extend(payment(1, output(20_000, script)));
        InclusionProof memory good = b.proof;

        // Another amount: the hash does not lead to the root.
        bytes memory transaction = bytes.concat(good.transaction);
        transaction[47] ^= 0x01;
        InclusionProof memory p = abi.decode(abi.encode(good), (InclusionProof));
        p.transaction = transaction;
        vm.expectRevert(IBitcoinLightClient.BadMerkleBranch.selector);
        bridge.deposit(p, c);

        // A 64-byte "transaction" could be an inner node.
        p = abi.decode(abi.encode(good), (InclusionProof));
        p.transaction = new bytes(64);
        vm.expectRevert(IBitcoinLightClient.BadProof.selector);
        bridge.deposit(p, c);

        // Branches of unequal length.
        p = abi.decode(abi.encode(good), (InclusionProof));
        p.coinbaseBranch = new bytes32[](2);
        vm.expectRevert(IBitcoinLightClient.BadProof.selector);
        bridge.deposit(p, c);

        // A coinbase with a real prevout, and one of 64 bytes.
        p = abi.decode(abi.encode(good), (InclusionProof));
        p.coinbase[10] = 0x01;
        vm.expectRevert(IBitcoinLightClient.BadProof.selector);
        bridge.deposit(p, c);
        p.coinbase = new bytes(64);
        vm.expectRevert(IBitcoinLightClient.BadProof.selector);
        bridge.deposit(p, c);

        // An index beyond the tree.
        p = abi.decode(abi.encode(good), (InclusionProof));
        p.index = 3;
        vm.expectRevert(IBitcoinLightClient.BadProof.selector);
        bridge.deposit(p, c);

        // A header that nobody submitted.
        p = mine(b.hash, b.time + 600, good.transaction).proof;
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.NotEnoughConfirmations.selector, 0, 1));
        bridge.deposit(p, c);

        bridge.deposit(good, c);
        assertEq(ALICE.balance, 20_000 * SAT, "the good one");
    }

    function test_a_coinbase_needs_100_confirmations() public {
        (DepositClaim memory c,) = claimOf(ALICE, 0);
        Mined memory b = extend("");
        vm.expectRevert(abi.encodeWithSelector(IBitcoinLightClient.NotEnoughConfirmations.selector, 1, 100));
        bridge.deposit(b.proof, c);
    }

    function opReturn(uint64 chainId, uint8 kind) private pure returns (bytes memory) {
        return output(0, abi.encodePacked(hex"6a22", "HWSD", uint8(1), chainId, kind, ALICE));
    }

    function test_credits_the_plain_address_with_one_op_return() public {
        bytes memory plain = p2tr(bridge.committee(0).outputKey);
        Mined memory b = extend(payment(2, bytes.concat(opReturn(CHAIN_ID, 0), output(25_000, plain))));
        bridge.depositByOpReturn(b.proof, 0);
        assertEq(ALICE.balance, 25_000 * SAT, "balance");
        assertEq(bridge.getCoin(BitcoinHeader.hash(b.proof.transaction), 1).u, 0, "plain address");
        // Two messages, two payments, another chain, another kind.
        b = extend(payment(3, bytes.concat(opReturn(CHAIN_ID, 0), opReturn(CHAIN_ID, 0), output(25_000, plain))));
        vm.expectRevert(IBridge.BadOpReturnDeposit.selector);
        bridge.depositByOpReturn(b.proof, 0);
        b = extend(payment(3, bytes.concat(opReturn(CHAIN_ID, 0), output(25_000, plain), output(25_000, plain))));
        vm.expectRevert(IBridge.BadOpReturnDeposit.selector);
        bridge.depositByOpReturn(b.proof, 0);
        b = extend(payment(2, bytes.concat(opReturn(1, 0), output(25_000, plain))));
        vm.expectRevert(IBridge.BadOpReturnDeposit.selector);
        bridge.depositByOpReturn(b.proof, 0);
        b = extend(payment(2, bytes.concat(opReturn(CHAIN_ID, 9), output(25_000, plain))));
        vm.expectRevert(abi.encodeWithSelector(IBridge.UnsupportedDepositKind.selector, 9));
        bridge.depositByOpReturn(b.proof, 0);
    }

    function test_what_a_recipient_refuses_becomes_claimable() public {
        Refuser refuser = new Refuser();
        depositFor(address(refuser), 70_000);
        assertEq(bridge.claimableWei(address(refuser)), 70_000 * SAT, "claimable");
        assertEq(bridge.reserves().claimableWei, 70_000 * SAT, "owed");
        vm.expectRevert(IBridge.TransferFailed.selector);
        bridge.claim(address(refuser));
        vm.etch(address(refuser), "");
        bridge.claim(address(refuser));
        assertEq(address(refuser).balance, 70_000 * SAT, "paid");
        vm.expectRevert(IBridge.NothingToClaim.selector);
        bridge.claim(address(refuser));
    }

    function testFuzz_custody_covers_every_deposit(uint64 sats, address account) public {
        sats = 10_000 + sats % 2_000_000_000_000_000;
        vm.assume(account > address(0xffff) && account.code.length == 0);
        uint256 before = account.balance;
        (DepositClaim memory c, bytes memory script) = claimOf(account, 0);
        Mined memory b = extend(payment(1, output(sats, script)));
        bridge.deposit(b.proof, c);
        assertEq(account.balance - before + bridge.claimableWei(account), uint256(sats) * SAT, "released");
        assertEq(owedSats(), bridge.reserves().custodySats, "owed is custody");
    }
}

contract WithdrawalTest is BridgeKit {
    address private constant ALICE = address(0xa11ce);
    address private constant BOB = address(0xb0b);

    function setUp() public {
        predeployAll();
        depositFor(ALICE, 1_000_000);
        depositFor(BOB, 400_000);
    }

    function test_refuses_what_it_cannot_pay_exactly() public {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AmountTooSmall.selector, 9_999, 10_000));
        bridge.requestWithdrawal{value: 10_999 * SAT}(P2WPKH, 1000);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IBridge.AmountTooSmall.selector, 0, 10_000));
        bridge.requestWithdrawal{value: 900 * SAT}(P2WPKH, 1000);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IBridge.BadValue.selector, 20_000 * SAT + 1));
        bridge.requestWithdrawal{value: 20_000 * SAT + 1}(P2WPKH, 1000);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IBridge.MaxFeeTooLow.selector, 499, 500));
        bridge.requestWithdrawal{value: 20_000 * SAT}(P2WPKH, 499);
    }

    function test_takes_standard_scripts_only_and_none_of_a_committee() public {
        bytes[5] memory good = [
            bytes(abi.encodePacked(hex"76a914", bytes20("x"), hex"88ac")),
            abi.encodePacked(hex"a914", bytes20("x"), hex"87"),
            abi.encodePacked(hex"0014", bytes20("x")),
            abi.encodePacked(hex"0020", bytes32("x")),
            abi.encodePacked(hex"5120", bytes32("x"))
        ];
        for (uint256 i = 0; i < good.length; i++) {
            vm.prank(ALICE);
            bridge.requestWithdrawal{value: 20_000 * SAT}(good[i], 1000);
        }
        bytes[5] memory bad = [
            bytes(""),
            hex"6a",
            abi.encodePacked(hex"5220", bytes32("x")),
            abi.encodePacked(hex"0014", bytes20("x"), hex"00"),
            abi.encodePacked(hex"76a914", bytes20("x"), hex"88ad")
        ];
        for (uint256 i = 0; i < bad.length; i++) {
            vm.prank(ALICE);
            vm.expectRevert(IBridge.NonStandardScript.selector);
            bridge.requestWithdrawal{value: 20_000 * SAT}(bad[i], 1000);
        }
        bytes memory own = p2tr(bridge.committee(0).outputKey);
        vm.prank(ALICE);
        vm.expectRevert(IBridge.CommitteeScript.selector);
        bridge.requestWithdrawal{value: 20_000 * SAT}(own, 1000);
    }

    function test_cancel_gives_everything_back_once_and_only_to_the_requester() public {
        uint256 before = ALICE.balance;
        uint64 id = request(ALICE, 50_000, 1000);
        assertEq(ALICE.balance, before - 51_000 * SAT, "taken");
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotYourWithdrawal.selector, id));
        bridge.cancel(id);
        vm.prank(ALICE);
        bridge.cancel(id);
        assertEq(ALICE.balance, before, "back");
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(IBridge.WrongWithdrawalStatus.selector, id, WithdrawalStatus.Cancelled)
        );
        bridge.cancel(id);
        assertTrue(bridge.formBatchStatus() == FormBatchStatus.QueueEmpty, "queue empty");
    }

    function test_a_batch_is_due_after_the_wait_or_with_enough_requests() public {
        assertTrue(bridge.formBatchStatus() == FormBatchStatus.QueueEmpty, "empty");
        request(ALICE, 50_000, 1000);
        assertTrue(bridge.formBatchStatus() == FormBatchStatus.Waiting, "waiting");
        vm.expectRevert(abi.encodeWithSelector(IBridge.CannotFormBatch.selector, FormBatchStatus.Waiting));
        bridge.formBatch();
        vm.warp(block.timestamp + 10);
        assertTrue(bridge.canFormBatch(), "waited");
        vm.warp(block.timestamp - 10);
        request(BOB, 50_000, 1000);
        assertTrue(bridge.canFormBatch(), "two");
    }

    function test_a_request_that_cannot_carry_the_first_rung_is_passed_over_until_it_is_raised() public {
        // One input of 400 weight units, one P2WPKH payout: 4 (8 + 2 + 31 + 56 + 43) + 2 + 400 = 962 -> 241 vbytes, 482 sat at 2 sat/vB.
        uint256[] memory lengths = new uint256[](1);
        lengths[0] = 22;
        assertEq(bridge.vsizeOf(1, lengths), 241, "vsize by hand");
        uint64[6] memory rates = [uint64(2), 5, 12, 30, 75, 190];
        for (uint256 i = 0; i < 6; i++) {
            assertEq(bridge.quoteWithdrawal().rungFeesSats[i], rates[i] * 253, "a P2TR payout has 12 bytes more");
        }
        // 506 sat for a P2TR payout: 500 does not carry it.
        vm.prank(ALICE);
        uint64 low = bridge.requestWithdrawal{value: 50_500 * SAT}(p2tr(bytes32("x")), 500);
        assertTrue(bridge.getWithdrawal(low).reason == WithdrawalReason.FeeTooLow, "it says so");
        vm.warp(block.timestamp + 11);
        assertTrue(bridge.formBatchStatus() == FormBatchStatus.FeesTooLow, "nothing to form");
        uint64 other = request(BOB, 50_000, 500);
        Batch memory batch = bridge.getBatch(formNow());
        assertEq(batch.requests.length, 1, "one");
        assertEq(batch.requests[0].id, other, "the low one is passed over");
        vm.prank(ALICE);
        bridge.raiseMaxFee{value: 6 * SAT}(low);
        assertTrue(bridge.getWithdrawal(low).reason == WithdrawalReason.WaitingForBatch, "raised");
        assertEq(bridge.getBatch(formNow()).requests[0].id, low, "and batched");
    }

    function test_forms_in_order_takes_the_largest_bucket_and_knows_its_rungs() public {
        uint64 a = request(ALICE, 50_000, 3000);
        uint64 b = request(BOB, 60_000, 2000);
        uint64 id = formNow();
        Batch memory batch = bridge.getBatch(id);
        assertEq(batch.requests.length, 2, "both");
        assertEq(batch.requests[0].id, a, "first in, first out");
        assertEq(batch.requests[1].id, b, "then the other");
        assertEq(batch.inputs.length, 1, "one coin is enough");
        assertEq(batch.inputs[0].sats, 1_000_000, "the larger one");
        assertEq(batch.budgetSats, 4000, "two times the lowest");
        // 4 (8 + 2 + 62 + 56 + 43) + 402 = 1086 -> 272 vbytes: 544, 1360, 3264, 8160.
        assertEq(batch.vsize, 272, "vsize by hand");
        assertEq(batch.payableRungs, 3, "three rungs within 4000");
        assertEq(bridge.batchesInFlight()[0], id, "in flight");
        assertTrue(bridge.getWithdrawal(a).reason == WithdrawalReason.WaitingForBitcoin, "signed or being signed");
        vm.deal(address(this), 1 ether);
        bridge.raiseMaxFee{value: 7000 * SAT}(b);
        batch = bridge.getBatch(id);
        assertEq(batch.budgetSats, 6000, "read anew: 2 * 3000");
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IBridge.WrongWithdrawalStatus.selector, a, WithdrawalStatus.Batched));
        bridge.cancel(a);
    }

    function test_not_covered_shortens_the_batch() public {
        request(BOB, 380_000, 1000);
        uint64 id = formNow();
        assertEq(bridge.getBatch(id).inputs[0].sats, 1_000_000, "takes the large coin");
        // 400,000 are left: 350,000 fits, both do not.
        uint64 a = request(ALICE, 350_000, 1000);
        uint64 b = request(ALICE, 300_000, 1000);
        id = formNow();
        assertEq(bridge.getBatch(id).requests.length, 1, "the head alone");
        assertEq(bridge.getBatch(id).requests[0].id, a, "which is the oldest");
        vm.warp(block.timestamp + 11);
        assertTrue(bridge.formBatchStatus() == FormBatchStatus.NotCovered, "nothing left");
        assertTrue(bridge.getWithdrawal(b).reason == WithdrawalReason.NotCovered, "and it says so");
    }

    function test_settles_exactly_and_refunds_what_is_left() public {
        uint64 a = request(ALICE, 50_000, 3000);
        uint64 b = request(BOB, 60_000, 2000);
        uint64 id = formNow();
        Batch memory batch = bridge.getBatch(id);
        uint256 alice = ALICE.balance;
        uint256 bob = BOB.balance;
        Mined memory m = extend(batchTransaction(batch, 1361, hashForming(batch)));
        bridge.settleBatch(id, m.proof);
        // share = ceil(1361 / 2) = 681
        assertEq(ALICE.balance, alice + 2319 * SAT, "3000 - 681");
        assertEq(BOB.balance, bob + 1319 * SAT, "2000 - 681");
        Withdrawal memory w = bridge.getWithdrawal(a);
        assertTrue(w.status == WithdrawalStatus.Settled, "settled");
        assertEq(w.feeSats, 681, "fee");
        assertEq(w.txid, BitcoinHeader.hash(m.proof.transaction), "txid");
        assertEq(bridge.getWithdrawal(b).vout, 1, "vout");
        Reserves memory r = bridge.reserves();
        assertEq(r.custodySats, 1_400_000 - 110_000 - 1361, "custody");
        assertEq(r.pendingSats + r.maxFeeSats, 0, "nothing pending");
        assertEq(r.custodySats - owedSats(), 1, "the remainder of the share stays");
        assertEq(bridge.batchesInFlight().length, 0, "none in flight");
        Coin memory change = bridge.getCoin(w.txid, 3);
        assertEq(change.sats, 1_000_000 - 110_000 - 1361, "change");
        assertEq(change.u, 0, "plain");
        vm.expectRevert(abi.encodeWithSelector(IBridge.WrongBatchStatus.selector, id, BatchStatus.Settled));
        bridge.settleBatch(id, m.proof);
        // The change can be spent by the next batch.
        request(ALICE, 500_000, 3000);
        assertEq(bridge.getBatch(formNow()).inputs[0].txid, w.txid, "change is custody again");
    }

    function test_settles_no_other_transaction() public {
        request(ALICE, 50_000, 3000);
        uint64 id = formNow();
        Batch memory batch = bridge.getBatch(id);
        bytes memory good = batchTransaction(batch, 1000, hashForming(batch));
        assertUnsettled(id, batchTransaction(batch, 1000, keccak256("another")), "blockHash");
        bytes memory bad = bytes.concat(good);
        bad[0] = 0x01;
        assertUnsettled(id, bad, "head");
        // The input's txid, the payout's value, the checkpoint's number.
        uint8[3] memory positions = [6, 47, 100];
        for (uint256 i = 0; i < positions.length; i++) {
            bad = bytes.concat(good);
            bad[positions[i]] ^= 0x01;
            assertUnsettled(id, bad, "head");
        }
        bad = bytes.concat(good);
        bad[bad.length - 1] = 0x01;
        assertUnsettled(id, bad, "change");
        bad = bytes.concat(good);
        bad[bad.length - 10] ^= 0x01;
        assertUnsettled(id, bad, "change");
        assertUnsettled(id, bytes.concat(good, hex"00"), "length");
        Mined memory m = extend(good);
        bridge.settleBatch(id, m.proof);
        assertTrue(bridge.getBatch(id).status == BatchStatus.Settled, "the good one");
    }

    function assertUnsettled(uint64 id, bytes memory transaction, bytes32 field) private {
        Mined memory m = extend(transaction);
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotTheBatch.selector, field));
        bridge.settleBatch(id, m.proof);
    }

    function test_a_fee_above_the_budget_comes_from_the_pool_else_it_is_shortfall() public {
        request(ALICE, 50_000, 1000);
        uint64 id = formNow();
        Batch memory batch = bridge.getBatch(id);
        Mined memory m = extend(batchTransaction(batch, 5000, hashForming(batch)));
        vm.deal(FEE_POOL, 3000 * SAT);
        // Given out of nothing, the pool's coins would count as circulating backed by nobody.
        bridge.settleBatch(id, m.proof);
        assertEq(FEE_POOL.balance, 0, "all it had");
        assertEq(bridge.reserves().shortfallSats, 1000, "4000 missing, 3000 paid");
        assertTrue(bridge.reserves().paused, "paused");
    }

    function testFuzz_refunds_add_up(uint64[4] memory amounts, uint64[4] memory maxFees, uint64 fee) public {
        depositFor(ALICE, 100_000_000);
        uint256 before = ALICE.balance;
        uint64 lowest = type(uint64).max;
        uint64 sum = 0;
        for (uint256 i = 0; i < 4; i++) {
            amounts[i] = 10_000 + amounts[i] % 1_000_000;
            maxFees[i] = 2000 + maxFees[i] % 20_000;
            if (maxFees[i] < lowest) lowest = maxFees[i];
            sum += amounts[i];
            request(ALICE, amounts[i], maxFees[i]);
        }
        uint64 id = formNow();
        Batch memory batch = bridge.getBatch(id);
        assertEq(batch.budgetSats, 4 * lowest, "budget");
        fee = fee % (batch.budgetSats + 1);
        Mined memory m = extend(batchTransaction(batch, fee, hashForming(batch)));
        bridge.settleBatch(id, m.proof);
        uint256 share = (uint256(fee) + 3) / 4;
        assertEq(before - ALICE.balance, (sum + 4 * share) * SAT, "each pays amount and share");
        assertEq(bridge.reserves().custodySats - owedSats(), 4 * share - fee, "the remainder");
    }
}

contract PauseTest is BridgeKit {
    address private constant ALICE = address(0xa11ce);
    bytes32 private genesis;

    function setUp() public {
        predeployAll();
        genesis = BitcoinHeader.hash(genesisHeader);
    }

    function test_a_disconnected_deposit_pauses_until_it_is_proven_again() public {
        (DepositClaim memory c, bytes memory script) = claimOf(ALICE, 0);
        Mined memory b = extend(payment(1, output(100_000, script)));
        bridge.deposit(b.proof, c);
        uint64 id = request(ALICE, 20_000, 1000);
        // Two blocks on genesis push the deposit's block out; the second holds the same transaction.
        Mined memory x = mine(genesis, b.time, "");
        Mined memory y = mine(x.hash, b.time + 600, b.proof.transaction);
        light.submitHeaders(bytes.concat(x.header, y.header));
        Reserves memory r = bridge.reserves();
        assertTrue(r.paused && r.pauseReasons == 1 && r.affectedUses == 1, "paused");
        vm.prank(ALICE);
        vm.expectRevert(IBridge.BridgePaused.selector);
        bridge.requestWithdrawal{value: 20_000 * SAT}(P2WPKH, 1000);
        assertTrue(bridge.formBatchStatus() == FormBatchStatus.Paused, "no batch");
        assertTrue(bridge.getWithdrawal(id).reason == WithdrawalReason.BridgePaused, "reason");
        vm.prank(ALICE);
        bridge.cancel(id);
        uint256 balance = ALICE.balance;
        bridge.deposit(y.proof, c);
        assertTrue(!bridge.reserves().paused, "resumed");
        assertEq(ALICE.balance, balance, "credited once");
        assertEq(bridge.depositsOf(ALICE, 0, 1)[0].bitcoinBlock, y.hash, "the new block");
        vm.expectPartialRevert(IBridge.AlreadyCredited.selector);
        bridge.deposit(y.proof, c);
    }

    function test_no_batch_takes_a_reorganised_coin_until_it_is_proven_again() public {
        (DepositClaim memory c, bytes memory script) = claimOf(ALICE, 0);
        Mined memory b = extend(payment(1, output(500_000, script)));
        bridge.deposit(b.proof, c);
        request(ALICE, 50_000, 1000);
        Mined memory x = mine(genesis, b.time, "");
        Mined memory y = mine(x.hash, b.time + 600, b.proof.transaction);
        light.submitHeaders(bytes.concat(x.header, y.header));
        uint64 pauseId = bridge.reserves().pauseId;
        for (uint256 i = 0; i < 3; i++) {
            resumeBy(i, pauseId);
        }
        assertTrue(!bridge.reserves().paused, "resumed by votes, without the proof");
        vm.warp(block.timestamp + 11);
        assertTrue(bridge.formBatchStatus() == FormBatchStatus.NotCovered, "the only coin does not count");
        (bytes32 txid,) = depositFor(address(0xb0b), 200_000);
        Batch memory batch = bridge.getBatch(formNow());
        assertEq(batch.inputs.length, 1, "one input");
        assertEq(batch.inputs[0].txid, txid, "the smaller coin, which is on the best chain");
        bridge.deposit(y.proof, c);
        request(ALICE, 50_000, 1000);
        assertEq(bridge.getBatch(formNow()).inputs[0].sats, 500_000, "proven again, it is taken");
    }

    function test_a_block_that_comes_back_resumes_the_bridge() public {
        (, Mined memory b) = depositFor(ALICE, 100_000);
        (bytes memory headers,) = branchOn(genesis, b.time, 2);
        light.submitHeaders(headers);
        assertTrue(bridge.reserves().paused, "paused");
        (headers,) = branchOn(b.hash, b.time, 2);
        light.submitHeaders(headers);
        assertTrue(!bridge.reserves().paused, "resumed");
        assertEq(bridge.reserves().affectedUses, 0, "none affected");
    }

    function test_a_settled_batch_is_replaced_by_another_version() public {
        depositFor(ALICE, 1_000_000);
        request(ALICE, 50_000, 3000);
        uint64 id = formNow();
        Batch memory batch = bridge.getBatch(id);
        (bytes32 base,,) = light.getBestBlock();
        Mined memory m = extend(batchTransaction(batch, 600, hashForming(batch)));
        bridge.settleBatch(id, m.proof);
        bytes32 oldTxid = bridge.getBatch(id).txid;
        Mined memory x = mine(base, m.time, "");
        Mined memory y = mine(x.hash, m.time + 600, batchTransaction(batch, 500, hashForming(batch)));
        light.submitHeaders(bytes.concat(x.header, y.header));
        assertTrue(bridge.reserves().paused, "paused");
        bridge.settleBatch(id, y.proof);
        assertTrue(!bridge.reserves().paused, "resumed");
        assertEq(bridge.reserves().custodySats, 1_000_000 - 50_000 - 500, "custody by the new version");
        assertTrue(bridge.getCoin(oldTxid, 2).status == CoinStatus.Lost, "old change");
        assertTrue(bridge.getCoin(bridge.getBatch(id).txid, 2).status == CoinStatus.Available, "new change");
    }

    function test_a_spend_outside_a_batch_is_written_down_and_pauses() public {
        (bytes32 txid,) = depositFor(ALICE, 300_000);
        bytes memory theft = abi.encodePacked(
            hex"0200000001", txid, uint32(0), hex"00ffffffff01", output(299_000, P2WPKH), uint32(0)
        );
        Mined memory m = extend(theft);
        bridge.reportSpend(m.proof, 0);
        Reserves memory r = bridge.reserves();
        assertEq(r.custodySats, 0, "custody");
        assertEq(r.shortfallSats, 300_000, "shortfall");
        assertEq(r.pauseReasons, 10, "spent and shortfall");
        vm.expectPartialRevert(IBridge.WrongCoinStatus.selector);
        bridge.reportSpend(m.proof, 0);
        m = extend(payment(1, output(1, P2WPKH)));
        vm.expectPartialRevert(IBridge.NoSuchCoin.selector);
        bridge.reportSpend(m.proof, 0);
    }

    function haltBy(uint256 index, uint64 pauseId) private {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(sessionKeys[index] + 0x1000, bridge.haltDigest(pauseId));
        bridge.halt(pauseId, v, r, s);
    }

    function resumeBy(uint256 index, uint64 pauseId) private {
        vm.prank(vm.createWallet(sessionKeys[index]).addr);
        bridge.voteResume(pauseId);
    }

    function test_two_of_four_halt_and_three_resume() public {
        haltBy(0, 0);
        assertTrue(!bridge.reserves().paused, "one is not enough");
        vm.expectPartialRevert(IBridge.AlreadyVoted.selector);
        this.haltAgain();
        haltBy(1, 0);
        assertTrue(bridge.reserves().paused && bridge.reserves().pauseReasons == 4, "f + 1 = 2");
        assertEq(bridge.reserves().pauseId, 1, "the first pause");
        vm.expectRevert(abi.encodeWithSelector(IBridge.WrongPauseId.selector, 0, 1));
        this.haltAgain();
        resumeBy(0, 1);
        resumeBy(1, 1);
        assertTrue(bridge.reserves().paused, "two do not resume");
        vm.expectRevert(IBridge.Unauthorised.selector);
        bridge.voteResume(1);
        resumeBy(2, 1);
        assertTrue(!bridge.reserves().paused, "t = 3 do");
        vm.expectRevert(IBridge.NotPaused.selector);
        bridge.voteResume(1);
    }

    function haltAgain() external {
        haltBy(0, 0);
    }

    function test_a_stranger_cannot_halt_or_tell_of_blocks() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xbad, bridge.haltDigest(0));
        vm.expectRevert(IBridge.Unauthorised.selector);
        bridge.halt(0, v, r, s);
        vm.expectRevert(IBridge.Unauthorised.selector);
        bridge.onDisconnected(genesis);
        vm.expectRevert(IBridge.Unauthorised.selector);
        bridge.onReconnected(genesis);
        vm.deal(address(this), 1 ether);
        (bool ok,) = BRIDGE.call{value: 1}("");
        assertTrue(!ok, "takes no stray value");
    }

    function test_what_is_not_supported_yet_says_so() public {
        Mined memory m = extend("");
        vm.expectRevert(IBridge.NotYetSupported.selector);
        bridge.failBatch(1, m.proof);
    }
}
