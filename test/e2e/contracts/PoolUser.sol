// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface IToken {
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

interface IPool {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(address recipient, int24 lower, int24 upper, uint128 liquidity, bytes calldata data)
        external
        returns (uint256 amount0, uint256 amount1);
    function swap(address recipient, bool zeroForOne, int256 amount, uint160 limit, bytes calldata data)
        external
        returns (int256 amount0, int256 amount1);
}

/// Mints and swaps in a Uniswap v3 pool and pays, when the pool calls back, with tokens of whoever asked.
contract PoolUser {
    function mint(IPool pool, int24 lower, int24 upper, uint128 liquidity) external {
        pool.mint(msg.sender, lower, upper, liquidity, abi.encode(msg.sender));
    }

    function swap(IPool pool, bool zeroForOne, int256 amount, uint160 limit) external {
        pool.swap(msg.sender, zeroForOne, amount, limit, abi.encode(msg.sender));
    }

    function uniswapV3MintCallback(uint256 owed0, uint256 owed1, bytes calldata data) external {
        pay(int256(owed0), int256(owed1), data);
    }

    function uniswapV3SwapCallback(int256 delta0, int256 delta1, bytes calldata data) external {
        pay(delta0, delta1, data);
    }

    function pay(int256 owed0, int256 owed1, bytes calldata data) private {
        address payer = abi.decode(data, (address));
        IPool pool = IPool(msg.sender);
        if (owed0 > 0) IToken(pool.token0()).transferFrom(payer, msg.sender, uint256(owed0));
        if (owed1 > 0) IToken(pool.token1()).transferFrom(payer, msg.sender, uint256(owed1));
    }
}
