// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// OpenZeppelin's token, with ways to fail.
contract TestToken is ERC20 {
    error TooCurious(address caller, uint256 answer);

    constructor() ERC20("Test Token", "TEST") {
        _mint(msg.sender, 1_000_000 ether);
    }

    function failWithReason() external pure {
        revert("not today");
    }

    function failWithError() external view {
        revert TooCurious(msg.sender, 42);
    }

    function divideBy(uint256 divisor) external pure returns (uint256) {
        return 100 / divisor;
    }
}
