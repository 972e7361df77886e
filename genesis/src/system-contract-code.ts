import { custodyKey, deriveCommittee, parseHeader, type Committee } from '@hawser/bitcoin'
import type { ChainSpec } from '@hawser/chain'
import {
  bitcoinLightClientAbi,
  BitcoinNetwork,
  bridgeAbi,
  feePoolAbi,
  systemContracts,
  validatorsAbi,
} from '@hawser/contracts'
import {
  bitcoinLightClientBytecode,
  bridgeBytecode,
  feePoolBytecode,
  validatorsBytecode,
} from '@hawser/contracts/artifacts'
import { AppError, fromHex, MAX_SATS, sats, satsToWei, toHex, type Address, type Hex } from '@hawser/primitives'
import { encodeDeployData } from 'viem'
import type { GenesisError } from './errors.ts'

const NETWORKS = {
  mainnet: BitcoinNetwork.Mainnet,
  testnet3: BitcoinNetwork.Testnet3,
  testnet4: BitcoinNetwork.Testnet4,
  signet: BitcoinNetwork.Signet,
  regtest: BitcoinNetwork.Regtest,
} as const

/** 21 million BTC: what the bridge holds at genesis, and nobody else anything. */
export const SUPPLY_WEI = satsToWei(sats(MAX_SATS))

/**
 * The first committee, derived from the validators' keys.
 * @throws GENESIS_COMMITTEE_WRONG when the spec says otherwise
 */
export function committeeOf(spec: ChainSpec): Committee {
  const committee = deriveCommittee({
    bitcoinKeys: spec.validators.map((validator) => fromHex(validator.bitcoinKey)),
    managementKeys: spec.validators.map((validator) => fromHex(validator.managementKey)),
    recoveryCsvBlocks: spec.custody.recoveryCsvBlocks,
  })
  const found = {
    internalKey: toHex(committee.internalKey),
    root: toHex(committee.root),
    inputWeight: committee.inputWeight,
  }
  for (const field of ['internalKey', 'root', 'inputWeight'] as const)
    if (found[field] !== spec.committee[field])
      throw new AppError<GenesisError>(
        { code: 'GENESIS_COMMITTEE_WRONG', fault: 'user' },
        `the chain spec's committee.${field} is ${spec.committee[field]}, the validators' keys give ${found[field]}; get the spec from a source you trust`,
      )
  return committee
}

/** Creation code with arguments for each system contract. */
export function systemContractCode(
  spec: ChainSpec,
): readonly { readonly address: Address; readonly creationCode: Uint8Array }[] {
  const { bridge, parent } = spec
  const { checkpoint } = parent
  const committee = committeeOf(spec)
  const plain = custodyKey(committee, new Uint8Array(32))
  const codes: [Address, Hex][] = [
    [
      systemContracts.bitcoinLightClient,
      encodeDeployData({
        abi: bitcoinLightClientAbi,
        bytecode: bitcoinLightClientBytecode,
        args: [
          {
            network: NETWORKS[parent.network],
            height: checkpoint.height,
            header: checkpoint.header as Hex,
            chainWork: BigInt(checkpoint.chainWork),
            periodStartTime: checkpoint.periodStartTime,
            periodBits: checkpoint.periodBits,
            previousTimes: checkpoint.previousTimes,
            maxFutureSeconds: parent.maxFutureSeconds,
            maxHeadersPerCall: parent.maxHeadersPerBlock,
            maxReorgSteps: parent.maxReorgSteps,
          },
        ],
      }),
    ],
    [
      systemContracts.validators,
      encodeDeployData({
        abi: validatorsAbi,
        bytecode: validatorsBytecode,
        args: [
          {
            chainId: BigInt(spec.chainId),
            epochLength: BigInt(spec.epochBlocks),
            validators: spec.validators.map((validator) => ({
              session: validator.session as Hex,
              beneficiary: validator.beneficiary as Hex,
              managementKey: validator.managementKey as Hex,
              bitcoinKey: validator.bitcoinKey as Hex,
            })),
          },
        ],
      }),
    ],
    [
      systemContracts.feePool,
      encodeDeployData({
        abi: feePoolAbi,
        bytecode: feePoolBytecode,
        args: [
          {
            reserveWei: satsToWei(sats(spec.feePool.reserveSats)),
            pointsPerBlock: BigInt(spec.feePool.pointsPerBlock),
          },
        ],
      }),
    ],
    [
      systemContracts.bridge,
      encodeDeployData({
        abi: bridgeAbi,
        bytecode: bridgeBytecode,
        args: [
          {
            chainId: BigInt(spec.chainId),
            supplyWei: SUPPLY_WEI,
            minDepositSats: BigInt(bridge.minDepositSats),
            depositConfirmations: bridge.depositConfirmations,
            reclaimCsv: bridge.reclaimCsvBlocks,
            reclaimMinLeft: bridge.reclaimMinBlocksLeft,
            depositFeeSats: BigInt(bridge.depositFeeSats),
            sweepFeeSats: BigInt(bridge.sweepFeeSats),
            sweepAfterBlocks: bridge.sweepAfterBlocks,
            minWithdrawalSats: BigInt(bridge.minWithdrawalSats),
            minMaxFeeSats: BigInt(bridge.minMaxFeeSats),
            batchWaitSeconds: bridge.batchWaitSeconds,
            batchMinRequests: bridge.batchMinRequests,
            maxBatchRequests: bridge.maxBatchRequests,
            maxBatchInputs: bridge.maxBatchInputs,
            maxBatchesInFlight: bridge.maxBatchesInFlight,
            maxQueueScan: bridge.maxQueueScan,
            changeReserveSats: BigInt(bridge.changeReserveSats),
            failConfirmations: bridge.failConfirmations,
            anchorSpentConfirmations: bridge.anchorSpentConfirmations,
            oldCommitteeBlocks: bridge.oldCommitteeBlocks,
            payoutGas: bridge.payoutGas,
            payoutMinGasLeft: bridge.payoutMinGasLeft,
            rungs: bridge.feeRungs,
            committee: {
              internalKey: spec.committee.internalKey as Hex,
              treeRoot: spec.committee.root as Hex,
              outputKey: toHex(plain.x),
              outputKeyY: toHex(plain.y),
              n: committee.n,
              t: committee.t,
              inputWeight: committee.inputWeight,
            },
          },
        ],
      }),
    ],
  ]
  return codes.map(([address, code]) => ({ address, creationCode: fromHex(code) }))
}

/** The checkpoint's hash, internal byte order: what the genesis block is moored to. */
export function checkpointHash(spec: ChainSpec): Uint8Array {
  return fromHex(parseHeader(fromHex(spec.parent.checkpoint.header)).hash)
}
