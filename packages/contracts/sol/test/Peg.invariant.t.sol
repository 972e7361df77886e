// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Batch, DepositClaim} from "../interfaces/IBridge.sol";
import {BitcoinHeader} from "../lib/BitcoinHeader.sol";
import {BridgeKit} from "./Bridge.t.sol";

/// Random users, relayer and committee.
contract Actor is BridgeKit {
    /// Credits that the bridge accepted; the largest number of them for one outpoint.
    uint256 public credited;
    uint256 public mostCredits;
    mapping(bytes32 outpoint => uint256) private credits;

    constructor() {
        predeployAll();
        (bytes32 txid,) = depositFor(address(0xa0), 50_000_000);
        count(txid);
    }

    /// What must not happen is written down here and asserted by an invariant.
    function count(bytes32 txid) private {
        credited++;
        if (++credits[txid] > mostCredits) mostCredits = credits[txid];
    }

    function account(uint256 who) private pure returns (address) {
        return address(uint160(0xa0 + who % 3));
    }

    function deposit(uint256 who, uint64 sats) external {
        (bytes32 txid,) = depositFor(account(who), 10_000 + sats % 100_000_000);
        count(txid);
    }

    function depositTwice(uint256 who, uint64 sats) external {
        (DepositClaim memory c, bytes memory script) = claimOf(account(who), 0);
        Mined memory b = extend(payment(1, output(10_000 + sats % 1_000_000, script)));
        bytes32 txid = BitcoinHeader.hash(b.proof.transaction);
        for (uint256 i = 0; i < 2; i++) {
            (bool ok,) = address(bridge).call(abi.encodeCall(bridge.deposit, (b.proof, c)));
            if (ok) count(txid);
        }
    }

    function withdraw(uint256 who, uint64 sats, uint64 maxFee) external {
        address from = account(who);
        maxFee = 500 + maxFee % 5000;
        sats = 10_000 + sats % 5_000_000;
        if (from.balance < (uint256(sats) + maxFee) * SAT) return;
        request(from, sats, maxFee);
    }

    function cancelFirst() external {
        (, uint64 first,) = bridge.queue();
        if (first == 0) return;
        vm.prank(bridge.getWithdrawal(first).account);
        bridge.cancel(first);
    }

    function raise(uint64 sats) external {
        (,, uint64 last) = bridge.queue();
        if (last == 0) return;
        vm.prank(address(0xa0));
        bridge.raiseMaxFee{value: (1 + sats % 1000) * SAT}(last);
    }

    function form() external {
        vm.warp(block.timestamp + 11);
        if (bridge.canFormBatch()) formNow();
    }

    function settle(uint64 fee) external {
        uint64[] memory ids = bridge.batchesInFlight();
        if (ids.length == 0) return;
        Batch memory b = bridge.getBatch(ids[ids.length - 1]);
        // A run forgets what formNow said of block numbers and hashes after each call.
        vm.roll(b.formedAtBlock + 1);
        vm.setBlockhash(b.formedAtBlock, hashForming(b));
        Mined memory m = extend(batchTransaction(b, fee % (b.budgetSats + 1), hashForming(b)));
        bridge.settleBatch(b.id, m.proof);
    }

    /// Sum of everything that the bridge says it holds, counted coin by coin.
    function countedCustody() external view returns (uint256 sum) {
        for (uint64 id = 1; bridge.coinById(id).sats != 0; id++) {
            uint8 status = uint8(bridge.coinById(id).status);
            if (status == 1 || status == 2) sum += bridge.coinById(id).sats;
        }
    }

    /// Coins that the bridge lists as deposits of the accounts here.
    function listedDeposits() external view returns (uint256 sum) {
        for (uint256 who = 0; who < 3; who++) {
            sum += bridge.depositsOf(account(who), 0, 100).length;
        }
    }

    function owed() external view returns (uint256) {
        return owedSats();
    }

    function custody() external view returns (uint256) {
        return bridge.reserves().custodySats;
    }
}

contract PegInvariantTest {
    Actor private actor;

    function setUp() public {
        actor = new Actor();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    function invariant_circulating_and_pending_never_exceed_custody() public view {
        require(actor.owed() <= actor.custody(), "the peg is broken");
    }

    function invariant_no_outpoint_is_credited_twice() public view {
        require(actor.mostCredits() == 1, "credited twice");
        require(actor.listedDeposits() == actor.credited(), "a deposit that nobody paid, or one that is lost");
    }

    function invariant_custody_is_the_sum_of_the_coins() public view {
        require(actor.countedCustody() == actor.custody(), "coins do not add up");
    }
}
