// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Counter} from "./Counter.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

contract Deploy {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    // Foundry looks for it.
    bool public constant IS_SCRIPT = true;

    function run() external returns (Counter counter) {
        VM.startBroadcast();
        counter = new Counter(7);
        counter.increment();
        VM.stopBroadcast();
    }
}
