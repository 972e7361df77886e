// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

struct FeePoolParams {
    /// Kept back for sweeps, handovers and fees above a batch's budget; only what lies above it is paid to validators.
    uint256 reserveWei;
    /// Points for a sealed block.
    uint64 pointsPerBlock;
}

/// @title Collects base fees (credited to its balance by the node) and bridge fees; pays validators by points.
/// @notice A claim pays points / totalPoints of what lies above the reserve, and uses the points up. No loop anywhere.
interface IFeePool {
    event PointsAdded(address indexed session, uint64 points);
    event FeesClaimed(address indexed session, address indexed beneficiary, uint256 amountWei);
    event BridgeFeeCollected(uint256 amountWei);
    event BridgePaid(uint256 amountWei);

    error Unauthorised();
    error NothingToClaim();
    error TransferFailed();

    /// @notice Only 0xff..fe, at the end of every block: `author` is the session address that sealed it.
    function onBlock(address author) external;

    /// @notice Pays a validator's beneficiary by points; anybody may call.
    function claim(address session) external;

    /// @notice Only the bridge: deposit and sweep fees.
    function collect() external payable;

    /// @notice Only the bridge: moves up to `amountWei` to it (whole sats).
    /// @return paidWei what was there to pay.
    function payBridge(uint256 amountWei) external returns (uint256 paidWei);

    function points(address session) external view returns (uint256);
    function totalPoints() external view returns (uint256);
    /// @notice What a claim would pay now.
    function claimable(address session) external view returns (uint256);
    function reserveWei() external view returns (uint256);
}
