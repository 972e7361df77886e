// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Moored} from "../src/Moored.sol";

interface Vm {
    function startBroadcast() external;
    function stopBroadcast() external;
}

/// Deploys Moored; with forge-std it would inherit from Script instead of naming the cheat codes itself.
contract Deploy {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_SCRIPT = true;

    function run() external returns (Moored moored) {
        VM.startBroadcast();
        moored = new Moored();
        VM.stopBroadcast();
    }
}
