// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the tour deploys: a counter that keeps who counted last.
contract Counter {
    uint256 public count;
    address public last;

    event Counted(address indexed by, uint256 count);

    function increment() external returns (uint256) {
        last = msg.sender;
        emit Counted(msg.sender, ++count);
        return count;
    }
}
