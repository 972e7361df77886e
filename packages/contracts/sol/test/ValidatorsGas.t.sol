// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {KeyProofs, Validator} from "../interfaces/IValidators.sol";
import {SYSTEM} from "../lib/SystemAddresses.sol";
import {ValidatorsKit} from "./ValidatorsKit.sol";

/// What closeEpoch costs at most. Everything is prepared in setUp, so that a test begins with cold slots and their values as they stand on disk: a
/// slot that was written in the same transaction would be too cheap.
abstract contract ValidatorsGas is ValidatorsKit {
    event GasUsed(uint256 gas);

    function prepare() internal virtual;

    function setUp() public {
        predeployAll();
        replaceValidators(manyParams(100));
        vm.roll(1);
        prepare();
        vm.roll(20);
    }

    function test_the_end_of_the_epoch_takes_less_than_half_of_the_system_calls_gas() public {
        vm.prank(SYSTEM);
        uint256 before = gasleft();
        validators.closeEpoch{gas: 30_000_000}();
        uint256 gas = before - gasleft();
        emit GasUsed(gas);
        assertTrue(gas > 3_000_000, "not the largest change");
        assertTrue(gas < 15_000_000, "more than half of what there is");
        assertEq(validators.setId(), 1, "another set");
        assertEq(validators.count(), 100, "as many");
        assertEq(validators.nextSetHash(), expectedHash(), "slot 0");
    }
}

contract ValidatorsRotateAllTest is ValidatorsGas {
    function prepare() internal override {
        for (uint256 i = 0; i < 100; i++) {
            rotate(managementOf(i), 0, 0x200000 + i, 0x210000 + i, 0x220000 + i);
            setBeneficiary(managementOf(i), 1, address(uint160(0xabc00 + i)));
        }
    }
}

contract ValidatorsExchangeAllTest is ValidatorsGas {
    function prepare() internal override {
        for (uint256 i = 1; i < 100; i++) {
            setBeneficiary(managementOf(i), 0, address(uint160(0xabc00 + i)));
            leaveSet(managementOf(i), 1);
        }
        for (uint256 i = 1; i < 100; i++) {
            (Validator memory c, KeyProofs memory proofs) = candidate(0x300000 + i);
            validators.addValidator(c, DEADLINE, proofs, votesToAdd(0, 67, c));
        }
        rotate(managementOf(0), 0, 0x200000, 0x210000, 0x220000);
    }
}
