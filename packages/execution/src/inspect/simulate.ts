import { Block, createBlockHeader, genWithdrawalsTrieRoot, paramsBlock, type BlockHeader } from '@ethereumjs/block'
import { createAddressFromString, createWithdrawal, type Withdrawal } from '@ethereumjs/util'
import type { TypedTransaction } from '@ethereumjs/tx'
import {
  transactionsRoot,
  type BlockOverrides,
  type CallRequest,
  type ForkSchedule,
  type InspectionLimits,
  type SimulatedBlock,
  type SimulatedBlockRequest,
  type SimulatedCall,
  type SimulationOptions,
} from '@hawser/chain'
import { fromHex, ZERO_ADDRESS, type Address } from '@hawser/primitives'
import type { Machine } from '../machine.ts'
import { withBudget, type Budget } from './budget.ts'
import { refused } from './errors.ts'
import { toMessage, type MessageResult } from './message.ts'
import { applyStateOverrides, restorePrecompiles, withBlobBaseFee } from './overrides.ts'
import { failureReason } from './reasons.ts'
import { revertReason } from './revert-reason.ts'
import { SimulatedBlockRun } from './simulated-block-run.ts'
import { listening, TraceRoom } from './tracers/tracer.ts'
import { TransferTracer } from './tracers/transfer-tracer.ts'
import { transactionType, unsignedTransaction } from './unsigned-transaction.ts'

/** Blocks of one simulation, those that fill gaps included. */
export const MAX_SIMULATED_BLOCKS = 256n

export interface SimulationParts {
  readonly rules: ForkSchedule
  /** Seconds between blocks whose time is not given. */
  readonly blockSeconds: bigint
  readonly nextBaseFee: (parent: BlockHeader) => bigint
}

type PlannedBlock = SimulatedBlockRequest & {
  readonly overrides: BlockOverrides & { readonly number: bigint; readonly time: bigint }
}

/**
 * Blocks with their numbers and times, gaps filled with empty ones.
 * @throws SIMULATION_BLOCK_NUMBER, SIMULATION_BLOCK_TIME, SIMULATION_TOO_MANY_BLOCKS
 */
export function planBlocks(
  base: BlockHeader,
  requests: readonly SimulatedBlockRequest[],
  blockSeconds: bigint,
): PlannedBlock[] {
  const planned: PlannedBlock[] = []
  let number = base.number
  let time = base.timestamp
  for (const request of requests) {
    const wanted = request.overrides.number ?? number + 1n
    if (wanted <= number)
      throw refused('SIMULATION_BLOCK_NUMBER', `block numbers must be in order: ${wanted} <= ${number}`)
    if (wanted - base.number > MAX_SIMULATED_BLOCKS)
      throw refused('SIMULATION_TOO_MANY_BLOCKS', `too many blocks: at most ${MAX_SIMULATED_BLOCKS} on top of the base`)
    for (number++; number < wanted; number++) {
      time += blockSeconds
      planned.push({ overrides: { number, time }, state: new Map(), calls: [] })
    }
    const wantedTime = request.overrides.time ?? time + blockSeconds
    if (wantedTime <= time)
      throw refused('SIMULATION_BLOCK_TIME', `block timestamps must be in order: ${wantedTime} <= ${time}`)
    time = wantedTime
    planned.push({ ...request, overrides: { ...request.overrides, number, time } })
  }
  return planned
}

/** Runs blocks of calls one on top of the other, as eth_simulateV1 asks; the machine's state is theirs afterwards. */
export class Simulation {
  readonly #parts: SimulationParts
  readonly #options: SimulationOptions
  readonly #budget: Budget
  readonly #room: TraceRoom
  #gasLeft: bigint

  constructor(parts: SimulationParts, options: SimulationOptions, limits: InspectionLimits, budget: Budget) {
    this.#parts = parts
    this.#options = options
    this.#budget = budget
    this.#room = new TraceRoom(limits.maxTraceChars)
    this.#gasLeft = limits.gasCap
  }

  /** The block on top of its parent. `machineOf` gives the machine that runs by the block's rules. */
  async run(
    parent: BlockHeader,
    request: PlannedBlock,
    machineOf: (header: BlockHeader) => Promise<Machine>,
  ): Promise<SimulatedBlock> {
    this.#budget.check()
    const { header, fields, withdrawals } = await this.#header(parent, request.overrides)
    const machine = await machineOf(header)
    const precompiles = new Map(machine.evm.precompiles)
    try {
      await applyStateOverrides(machine, request.state)
      const run = new SimulatedBlockRun(
        machine,
        { header: withBlobBaseFee(header, request.overrides.blobBaseFee), uncleHeaders: [], withdrawals },
        { nonce: this.#options.validation, fees: this.#options.validation },
      )
      await run.begin()
      const transactions: TypedTransaction[] = []
      const senders: Address[] = []
      const calls: SimulatedCall[] = []
      let blobs = 0
      for (const call of request.calls) {
        this.#budget.check()
        const { tx, told } = await this.#call(machine, run, header, call)
        transactions.push(tx)
        senders.push(call.from ?? ZERO_ADDRESS)
        calls.push(told)
        blobs += call.blobVersionedHashes?.length ?? 0
      }
      const result = await run.finish()
      await this.#budget.pause()
      const { common } = header
      const options = { common, setHardfork: false, freeze: false, skipConsensusFormatValidation: true } as const
      const sealed = createBlockHeader(
        {
          ...fields,
          stateRoot: fromHex(result.stateRoot),
          receiptTrie: fromHex(result.receiptsRoot),
          logsBloom: result.logsBloom,
          gasUsed: result.gasUsed,
          transactionsTrie: fromHex(transactionsRoot(transactions)),
          ...(common.isActivatedEIP(4844) ? { blobGasUsed: BigInt(blobs) * common.param('blobGasPerBlob') } : {}),
          ...(common.isActivatedEIP(7685) ? { requestsHash: run.requestsHash } : {}),
        },
        options,
      )
      // Not createBlock, which makes the transactions anew and refuses those beyond a real block's limits.
      const block = new Block(sealed, transactions, [], common.isActivatedEIP(4895) ? withdrawals : undefined, options)
      return { block, senders, calls }
    } finally {
      restorePrecompiles(machine.evm, precompiles)
    }
  }

  async #header(parent: BlockHeader, overrides: PlannedBlock['overrides']) {
    const { number, time: timestamp } = overrides
    const common = this.#parts.rules({ number, timestamp, difficulty: parent.difficulty })
    // EthereumJS adds them when the first header is made; they are needed before that.
    common.updateParams(paramsBlock)
    const baseFee = overrides.baseFeePerGas ?? (this.#options.validation ? this.#parts.nextBaseFee(parent) : 0n)
    const withdrawals: Withdrawal[] = (overrides.withdrawals ?? []).map((item) =>
      createWithdrawal({ ...item, address: createAddressFromString(item.address) }),
    )
    const fields = {
      parentHash: parent.hash(),
      number,
      timestamp,
      difficulty: parent.difficulty,
      coinbase: overrides.feeRecipient ? createAddressFromString(overrides.feeRecipient) : parent.coinbase,
      gasLimit: overrides.gasLimit ?? parent.gasLimit,
      mixHash: overrides.prevRandao ?? new Uint8Array(32),
      ...(common.isActivatedEIP(1559) ? { baseFeePerGas: baseFee } : {}),
      ...(common.isActivatedEIP(4895) ? { withdrawalsRoot: await genWithdrawalsTrieRoot(withdrawals) } : {}),
      ...(common.isActivatedEIP(4844)
        ? {
            excessBlobGas: parent.common.isActivatedEIP(4844) ? parent.calcNextExcessBlobGas(common) : 0n,
            blobGasUsed: 0n,
          }
        : {}),
      ...(common.isActivatedEIP(4788) ? { parentBeaconBlockRoot: overrides.beaconRoot ?? new Uint8Array(32) } : {}),
    }
    const options = { common, setHardfork: false, freeze: false, skipConsensusFormatValidation: true } as const
    return { fields, withdrawals, header: createBlockHeader(fields, options) }
  }

  async #call(machine: Machine, run: SimulatedBlockRun, header: BlockHeader, call: CallRequest) {
    const blockGasLeft = header.gasLimit - run.gasUsed
    const asked = call.gas ?? blockGasLeft
    if (asked > blockGasLeft)
      throw refused('CALL_GAS_LIMIT_REACHED', `block gas limit reached: ${run.gasUsed} >= ${header.gasLimit}`)
    if (this.#gasLeft === 0n)
      throw refused('CALL_GAS_LIMIT_REACHED', 'the gas that this node allows for one simulation is used up')
    const gas = asked < this.#gasLeft ? asked : this.#gasLeft
    const sender = await machine.state.getAccount(createAddressFromString(call.from ?? ZERO_ADDRESS))
    const filled: CallRequest = { ...call, nonce: call.nonce ?? sender?.nonce ?? 0n }
    const type = transactionType(filled, header.common)
    const tracer = new TransferTracer({ state: machine.state, room: this.#room })
    const execute = () => withBudget(machine.evm, this.#budget, () => run.message(toMessage(filled, header, gas), type))
    const result = this.#options.traceTransfers
      ? (await listening(machine.evm, tracer, this.#budget, execute)).result
      : await execute()
    this.#gasLeft -= result.gasUsed
    const logs = this.#options.traceTransfers ? tracer.finish() : result.logs
    return { tx: unsignedTransaction(filled, gas, header.common), told: tell(result, logs) }
  }
}

function tell(result: MessageResult, logs: SimulatedCall['logs']): SimulatedCall {
  const { output, gasUsed, maxGasUsed: maxUsedGas, exception } = result
  if (exception === undefined) return { output, gasUsed, maxUsedGas, logs }
  const reverted = exception === 'revert'
  const why = reverted ? revertReason(output) : undefined
  return {
    output: reverted ? output : new Uint8Array(),
    gasUsed,
    maxUsedGas,
    logs: [],
    failure: { reverted, reason: why === undefined ? failureReason(exception) : `execution reverted: ${why}` },
  }
}
