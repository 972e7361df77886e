// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FeePoolParams, IFeePool} from "./interfaces/IFeePool.sol";
import {IValidators} from "./interfaces/IValidators.sol";
import {BRIDGE, SYSTEM, VALIDATORS} from "./lib/SystemAddresses.sol";

/// @title Base fees and bridge fees, paid out by points (protocol.md, section 5).
contract FeePool is IFeePool {
    uint256 private constant WEI_PER_SAT = 1e10;

    mapping(address session => uint256) public points;
    uint256 public totalPoints;

    uint256 public immutable reserveWei;
    uint64 private immutable _pointsPerBlock;

    constructor(FeePoolParams memory p) {
        reserveWei = p.reserveWei;
        _pointsPerBlock = p.pointsPerBlock;
    }

    /// @inheritdoc IFeePool
    function onBlock(address author) external {
        if (msg.sender != SYSTEM) revert Unauthorised();
        points[author] += _pointsPerBlock;
        totalPoints += _pointsPerBlock;
        emit PointsAdded(author, _pointsPerBlock);
    }

    /// @inheritdoc IFeePool
    function claim(address session) external {
        uint256 amount = claimable(session);
        address beneficiary = IValidators(VALIDATORS).beneficiaryOf(session);
        if (amount == 0 || beneficiary == address(0)) revert NothingToClaim();
        totalPoints -= points[session];
        points[session] = 0;
        emit FeesClaimed(session, beneficiary, amount);
        (bool ok,) = beneficiary.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }

    /// @inheritdoc IFeePool
    function collect() external payable {
        if (msg.sender != BRIDGE) revert Unauthorised();
        emit BridgeFeeCollected(msg.value);
    }

    /// @inheritdoc IFeePool
    function payBridge(uint256 amountWei) external returns (uint256 paidWei) {
        if (msg.sender != BRIDGE) revert Unauthorised();
        uint256 available = address(this).balance;
        paidWei = amountWei < available ? amountWei : available;
        paidWei -= paidWei % WEI_PER_SAT;
        if (paidWei == 0) return 0;
        emit BridgePaid(paidWei);
        (bool ok,) = BRIDGE.call{value: paidWei}("");
        if (!ok) revert TransferFailed();
    }

    /// @inheritdoc IFeePool
    function claimable(address session) public view returns (uint256) {
        uint256 balance = address(this).balance;
        if (balance <= reserveWei || totalPoints == 0) return 0;
        return (balance - reserveWei) * points[session] / totalPoints;
    }
}
