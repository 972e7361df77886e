// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

contract Counter {
    uint256 public count;

    constructor(uint256 start) {
        count = start;
    }

    function increment() external {
        count += 1;
    }
}
