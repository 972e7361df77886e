// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinNetwork, IBitcoinLightClient, InclusionProof, LightClientParams} from "../interfaces/IBitcoinLightClient.sol";
import {BridgeParams, CommitteeParams, DepositClaim, IBridge} from "../interfaces/IBridge.sol";
import {FeePoolParams, IFeePool} from "../interfaces/IFeePool.sol";
import {IValidators, Validator, ValidatorsParams} from "../interfaces/IValidators.sol";
import {BitcoinHeader} from "../lib/BitcoinHeader.sol";
import {BitcoinTransaction} from "../lib/BitcoinTransaction.sol";
import {BITCOIN_LIGHT_CLIENT, BRIDGE, FEE_POOL, SYSTEM, VALIDATORS} from "../lib/SystemAddresses.sol";
import {Taproot} from "../lib/Taproot.sol";
import {Vm} from "./Vm.sol";

/// Assertions, a regtest chain that is mined in the test, and the four contracts deployed as the genesis builder does it.
abstract contract Kit {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 internal constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 internal constant SUPPLY = 21_000_000 ether;
    uint64 internal constant CHAIN_ID = 18443;
    uint16 internal constant CSV = 144;
    uint256 internal constant VALIDATOR_COUNT = 4;
    bytes32 internal constant TREE_ROOT = keccak256("a custody tree");
    bytes32 internal constant TAP_TWEAK = 0xe80fe1639c9ca050e3af1b39c143c63e429cbceb15d940fbb5c5a1f4af57c5e9;

    IBitcoinLightClient internal constant light = IBitcoinLightClient(BITCOIN_LIGHT_CLIENT);
    IBridge internal constant bridge = IBridge(BRIDGE);
    IValidators internal constant validators = IValidators(VALIDATORS);
    IFeePool internal constant pool = IFeePool(FEE_POOL);

    struct Mined {
        bytes header;
        bytes32 hash;
        uint32 time;
        InclusionProof proof;
    }

    uint256 internal committeeKey;
    bytes32 internal internalKey;
    uint256 internal salt;
    bytes internal genesisHeader;
    /// Session, management keys are 0x1000 + i and 0x2000 + i before sorting by session address.
    uint256[] internal sessionKeys;

    function assertTrue(bool condition, string memory what) internal pure {
        require(condition, what);
    }

    function assertEq(uint256 a, uint256 b, string memory what) internal pure {
        if (a != b) revert(string.concat(what, ": ", vm.toString(a), " != ", vm.toString(b)));
    }

    function assertEq(bytes32 a, bytes32 b, string memory what) internal pure {
        require(a == b, what);
    }

    // --- deployment

    /// Puts initcode (what scripts/compile.mjs wrote: the tests run what is shipped) and arguments at the fixed address, calls it there, stores
    /// what it returns.
    function predeploy(address at_, string memory name, bytes memory arguments) internal {
        string memory artifact = vm.readFile(string.concat("src/generated/", name, ".json"));
        vm.etch(at_, bytes.concat(vm.parseJsonBytes(artifact, "$.bytecode"), arguments));
        (bool ok, bytes memory runtime) = at_.call("");
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(runtime, 32), mload(runtime))
            }
        }
        vm.etch(at_, runtime);
    }

    function predeployAll() internal {
        (committeeKey, internalKey) = evenKey(uint256(keccak256("committee")) % CURVE_ORDER);
        genesisHeader = mineHeader(0, keccak256("genesis"), 1_700_000_000);
        predeployLight(BitcoinNetwork.Regtest, 1000);
        predeploy(VALIDATORS, "Validators", abi.encode(validatorParams()));
        predeploy(FEE_POOL, "FeePool", abi.encode(FeePoolParams(0, 1)));
        predeploy(BRIDGE, "Bridge", abi.encode(bridgeParams()));
        vm.deal(BRIDGE, SUPPLY);
    }

    function predeployLight(BitcoinNetwork network, uint32 steps) internal {
        LightClientParams memory p;
        p.network = network;
        p.header = genesisHeader;
        p.chainWork = 2;
        p.periodStartTime = BitcoinHeader.timeOf(genesisHeader);
        p.periodBits = BitcoinHeader.bitsOf(genesisHeader);
        p.maxFutureSeconds = 7200;
        p.maxHeadersPerCall = 144;
        p.maxReorgSteps = steps;
        predeploy(BITCOIN_LIGHT_CLIENT, "BitcoinLightClient", abi.encode(p));
    }

    function validatorParams() internal returns (ValidatorsParams memory p) {
        p.chainId = CHAIN_ID;
        p.epochLength = 20;
        p.validators = new Validator[](VALIDATOR_COUNT);
        delete sessionKeys;
        for (uint256 i = 0; i < VALIDATOR_COUNT; i++) {
            uint256 key = 0x1000 + i;
            Validator memory v = Validator({
                session: vm.createWallet(key).addr,
                beneficiary: address(uint160(0xbe00 + i)),
                managementKey: compressed(key + 0x1000),
                bitcoinKey: compressed(key + 0x2000)
            });
            uint256 k = i;
            sessionKeys.push(key);
            for (; k > 0 && p.validators[k - 1].session > v.session; k--) {
                p.validators[k] = p.validators[k - 1];
                sessionKeys[k] = sessionKeys[k - 1];
            }
            p.validators[k] = v;
            sessionKeys[k] = key;
        }
    }

    function bridgeParams() internal returns (BridgeParams memory p) {
        p.chainId = CHAIN_ID;
        p.supplyWei = SUPPLY;
        p.minDepositSats = 10_000;
        p.depositConfirmations = 1;
        p.reclaimCsv = CSV;
        p.reclaimMinLeft = 72;
        p.sweepFeeSats = 1000;
        p.sweepAfterBlocks = 4;
        p.minWithdrawalSats = 10_000;
        p.minMaxFeeSats = 500;
        p.batchWaitSeconds = 10;
        p.batchMinRequests = 2;
        p.maxBatchRequests = 50;
        p.maxBatchInputs = 50;
        p.maxBatchesInFlight = 8;
        p.maxQueueScan = 100;
        p.changeReserveSats = 10_000;
        p.failConfirmations = 1;
        p.anchorSpentConfirmations = 100;
        p.oldCommitteeBlocks = 100;
        p.payoutGas = 10_000;
        p.payoutMinGasLeft = 20_000;
        p.rungs = new uint32[](6);
        (p.rungs[0], p.rungs[1], p.rungs[2], p.rungs[3], p.rungs[4], p.rungs[5]) = (2, 5, 12, 30, 75, 190);
        (bytes32 qx, bytes32 qy) = tweaked(TREE_ROOT);
        p.committee = CommitteeParams(internalKey, TREE_ROOT, qx, qy, 4, 3, 400);
    }

    // --- keys

    /// A secret key whose public key has an even y, and its x.
    function evenKey(uint256 secret) internal returns (uint256, bytes32) {
        Vm.Wallet memory w = vm.createWallet(secret);
        return (w.publicKeyY % 2 == 0 ? secret : CURVE_ORDER - secret, bytes32(w.publicKeyX));
    }

    /// Q = P + H_TapTweak(P | root) G, through the secret key: another way than the contract's.
    function tweaked(bytes32 root) internal returns (bytes32, bytes32) {
        uint256 t = uint256(sha256(abi.encodePacked(TAP_TWEAK, TAP_TWEAK, internalKey, root)));
        Vm.Wallet memory w = vm.createWallet(addmod(committeeKey, t, CURVE_ORDER));
        return (bytes32(w.publicKeyX), bytes32(w.publicKeyY));
    }

    function compressed(uint256 secret) internal returns (bytes memory) {
        Vm.Wallet memory w = vm.createWallet(secret);
        return abi.encodePacked(uint8(2 + (w.publicKeyY % 2)), w.publicKeyX);
    }

    // --- mining

    function le32(uint32 v) internal pure returns (uint32) {
        return BitcoinTransaction.little32(v);
    }

    function le64(uint64 v) internal pure returns (uint64) {
        return BitcoinTransaction.little64(v);
    }

    function mineHeader(bytes32 parent, bytes32 root, uint32 time) internal pure returns (bytes memory header) {
        for (uint32 nonce = 0;; nonce++) {
            header = abi.encodePacked(hex"00000020", parent, root, le32(time), hex"ffff7f20", nonce);
            if (BitcoinHeader.toNumber(BitcoinHeader.hash(header)) <= 0x7fffff << 232) return header;
        }
    }

    function coinbaseTransaction(uint256 nonce) internal pure returns (bytes memory) {
        return abi.encodePacked(
            hex"0200000001", bytes32(0), hex"ffffffff20", bytes32(nonce), hex"ffffffff01", uint64(0), hex"016a", uint32(0)
        );
    }

    /// A block on `parent` that holds `transaction` (none when empty) as its second one.
    function mine(bytes32 parent, uint32 time, bytes memory transaction) internal returns (Mined memory b) {
        bytes memory coinbase = coinbaseTransaction(++salt);
        bytes32 root = BitcoinHeader.hash(coinbase);
        b.proof.coinbase = coinbase;
        b.proof.transaction = coinbase;
        if (transaction.length > 0) {
            b.proof.index = 1;
            b.proof.transaction = transaction;
            b.proof.coinbaseBranch = new bytes32[](1);
            b.proof.branch = new bytes32[](1);
            b.proof.coinbaseBranch[0] = BitcoinHeader.hash(transaction);
            b.proof.branch[0] = root;
            root = BitcoinHeader.hash(abi.encodePacked(root, b.proof.coinbaseBranch[0]));
        }
        b.header = mineHeader(parent, root, time);
        b.proof.header = b.header;
        b.hash = BitcoinHeader.hash(b.header);
        b.time = time;
    }

    /// Mines on the best block and submits.
    function extend(bytes memory transaction) internal returns (Mined memory b) {
        (bytes32 best,,) = light.getBestBlock();
        b = mine(best, light.getHeader(best).time + 600, transaction);
        light.submitHeaders(b.header);
    }

    /// Headers of a branch of empty blocks on `parent`.
    function branchOn(bytes32 parent, uint32 time, uint256 length)
        internal
        returns (bytes memory headers, bytes32 tip)
    {
        tip = parent;
        for (uint256 i = 0; i < length; i++) {
            Mined memory b = mine(tip, time + uint32(600 * (i + 1)), "");
            headers = bytes.concat(headers, b.header);
            tip = b.hash;
        }
    }

    // --- transactions

    function output(uint64 sats, bytes memory script) internal pure returns (bytes memory) {
        return abi.encodePacked(le64(sats), uint8(script.length), script);
    }

    /// A transaction of one foreign input with these outputs, joined.
    function payment(uint8 count, bytes memory outputs) internal returns (bytes memory) {
        return abi.encodePacked(
            hex"0200000001", keccak256(abi.encode("funds", ++salt)), uint32(0), hex"00fdffffff", count, outputs, uint32(0)
        );
    }

    function p2tr(bytes32 key) internal pure returns (bytes memory) {
        return abi.encodePacked(hex"5120", key);
    }

    // The leaves of protocol.md, section 6, put together here once more.
    function depositU(address account, bytes32 refundKey) internal pure returns (bytes32) {
        bytes32 d = tagged("Hawser/deposit", abi.encodePacked(CHAIN_ID, uint8(0), account, bytes32(0)));
        bytes32 commit = tagged("TapLeaf", abi.encodePacked(hex"c02220", d, hex"6a"));
        if (refundKey == 0) return commit;
        // 144 CSV DROP <key> CHECKSIG: 3 + 1 + 1 + 33 + 1 = 39 bytes.
        bytes32 reclaim = tagged("TapLeaf", abi.encodePacked(hex"c027029000b27520", refundKey, hex"ac"));
        return tagBranch(reclaim, commit);
    }

    function tagBranch(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return tagged("TapBranch", a < b ? abi.encodePacked(a, b) : abi.encodePacked(b, a));
    }

    function tagged(string memory tag, bytes memory data) internal pure returns (bytes32) {
        bytes32 h = sha256(bytes(tag));
        return sha256(abi.encodePacked(h, h, data));
    }

    function claimOf(address account, bytes32 refundKey)
        internal
        returns (DepositClaim memory c, bytes memory script)
    {
        (bytes32 qx, bytes32 qy) = tweaked(tagBranch(TREE_ROOT, depositU(account, refundKey)));
        c.account = account;
        c.refundKey = refundKey;
        c.qy = qy;
        script = p2tr(qx);
    }

    /// Pays a deposit address of `account`, mines and credits it.
    function depositFor(address account, uint64 sats) internal returns (bytes32 txid, Mined memory b) {
        (DepositClaim memory c, bytes memory script) = claimOf(account, 0);
        b = extend(payment(1, output(sats, script)));
        bridge.deposit(b.proof, c);
        txid = BitcoinHeader.hash(b.proof.transaction);
    }

    function owedSats() internal view returns (uint256) {
        uint256 owed = SUPPLY - BRIDGE.balance + bridge.reserves().claimableWei
            + (uint256(bridge.reserves().pendingSats) + bridge.reserves().maxFeeSats) * 1e10;
        return (owed + 1e10 - 1) / 1e10;
    }
}
