import type { Block, BlockHeader } from '@ethereumjs/block'
import type { EVMInterface } from '@ethereumjs/evm'
import { isEOACode7702Tx } from '@ethereumjs/tx'
import type {
  AccessListEntry,
  CallOptions,
  CallOutcome,
  CallRequest,
  ForkSchedule,
  InspectionLimits,
  Inspector,
  SimulatedBlock,
  SimulatedBlockRequest,
  SimulationOptions,
  TracerConfig,
  TransactionTrace,
} from '@hawser/chain'
import { senderOf, transactionHash } from '@hawser/chain'
import { systemClock, toHex, ZERO_ADDRESS, type Address, type Clock, type Hash32, type Hex } from '@hawser/primitives'
import { callHeader, estimateGas, outcomeOf, tryMessage } from '../call.ts'
import { bad } from '../block-run.ts'
import type { EthereumJsEngine } from '../engine.ts'
import type { Machine } from '../machine.ts'
import { authorityOf, authorizationBytes } from './authorizations.ts'
import { Budget, withBudget } from './budget.ts'
import { refused } from './errors.ts'
import { applyMessage, toMessage } from './message.ts'
import { applyStateOverrides, overriddenHeader, restorePrecompiles } from './overrides.ts'
import { planBlocks, Simulation } from './simulate.ts'
import { createTracer } from './tracers/create-tracer.ts'
import { listening, TraceRoom, type TraceStart } from './tracers/tracer.ts'

export interface InspectorParts {
  readonly engine: EthereumJsEngine
  /** The rules of any block, also of one that is only simulated. */
  readonly rules: ForkSchedule
  readonly headerOf: (hash: Hash32) => BlockHeader | undefined
  readonly nextBaseFee: (parent: BlockHeader) => bigint
  /** Seconds between simulated blocks. */
  readonly blockSeconds?: bigint
  readonly clock?: Clock
}

/** Ethereum's time between blocks, which eth_simulateV1 expects. */
const SLOT_SECONDS = 12n

/** The Inspector port on EthereumJS: by executing anew, with listeners where something is to be told. */
export class EthereumJsInspector implements Inspector {
  readonly #parts: InspectorParts
  readonly #clock: Clock

  constructor(parts: InspectorParts) {
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
  }

  async call(
    at: BlockHeader,
    request: CallRequest,
    limits: InspectionLimits,
    options: CallOptions = {},
  ): Promise<CallOutcome> {
    return this.#prepared(at, options, limits, async (machine, header) =>
      outcomeOf(await tryMessage(machine, header, request, gasOf(request, limits), { nonce: false, fees: false })),
    )
  }

  async estimateGas(at: BlockHeader, request: CallRequest, limits: InspectionLimits, options: CallOptions = {}) {
    return this.#prepared(at, options, limits, (machine, header) =>
      estimateGas(machine, header, request, limits.gasCap),
    )
  }

  async accessList(at: BlockHeader, request: CallRequest, limits: InspectionLimits, options: CallOptions = {}) {
    return this.#prepared(at, options, limits, async (machine, header) => {
      const gas = gasOf(request, limits)
      const checks = { nonce: false, fees: false }
      const first = await tryMessage(machine, header, request, gas, { ...checks, access: true })
      const implied = impliedAccess(machine.evm, request, first.created)
      const accessList = mergeAccess(request.accessList ?? [], first.access ?? new Map(), implied)
      const listed = await tryMessage(machine, header, { ...request, accessList }, gas, checks)
      return { accessList, outcome: outcomeOf(listed) }
    })
  }

  async simulate(
    at: BlockHeader,
    requests: readonly SimulatedBlockRequest[],
    options: SimulationOptions,
    limits: InspectionLimits,
  ): Promise<readonly SimulatedBlock[]> {
    const { engine, rules, nextBaseFee, blockSeconds = SLOT_SECONDS } = this.#parts
    const planned = planBlocks(at, requests, blockSeconds)
    const simulation = new Simulation(
      { rules, blockSeconds, nextBaseFee },
      options,
      limits,
      new Budget(this.#clock, limits.timeoutMs),
    )
    const done: SimulatedBlock[] = []
    const hashes = new Map<bigint, Hash32>()
    let machine: Machine | undefined
    let parent = at
    try {
      for (const request of planned) {
        const block = await simulation.run(parent, request, async (header) => {
          if (machine && machine.evm.common !== header.common)
            throw refused(
              'CALL_INVALID',
              'a simulation cannot go over a change of the fork: start it from a later block',
            )
          machine ??= await engine.machine(at, header.common, (number) => hashes.get(number))
          return machine
        })
        done.push(block)
        parent = block.block.header
        hashes.set(parent.number, toHex(block.block.hash()) as Hash32)
      }
      return done
    } finally {
      machine?.release()
    }
  }

  async traceCall(
    at: BlockHeader,
    request: CallRequest,
    config: TracerConfig,
    limits: InspectionLimits,
    options: CallOptions = {},
  ): Promise<unknown> {
    return this.#prepared(at, options, limits, async (machine, plainHeader, budget) => {
      const header = callHeader(plainHeader, request)
      const message = toMessage(request, header, gasOf(request, limits))
      const tracer = createTracer(config, { state: machine.state, room: new TraceRoom(limits.maxTraceChars) })
      const start: TraceStart = {
        from: message.from,
        to: message.to,
        gas: message.gas,
        value: message.value,
        data: message.data ?? new Uint8Array(),
        coinbase: toHex(header.coinbase.bytes) as Address,
        logIndex: 0,
        authorizations: (message.authorizationList ?? []).map((item) => authorityOf(authorizationBytes(item))),
      }
      await tracer.start?.(start)
      const { result } = await listening(machine.evm, tracer, budget, () =>
        applyMessage(machine, header, message, { nonce: false, fees: false }),
      )
      return tracer.finish(start, { gasUsed: result.gasUsed, output: result.output, exception: result.exception })
    })
  }

  async traceBlock(
    block: Block,
    config: TracerConfig,
    limits: InspectionLimits,
    only?: number,
  ): Promise<readonly TransactionTrace[]> {
    const { engine, headerOf } = this.#parts
    if (block.header.number === 0n) throw refused('TRACE_GENESIS', 'genesis is not traceable')
    const parent = headerOf(toHex(block.header.parentHash) as Hash32)
    if (!parent) throw bad('the parent of the block is not here')
    const budget = new Budget(this.#clock, limits.timeoutMs)
    const room = new TraceRoom(limits.maxTraceChars)
    const { machine, run } = await engine.openRun(parent, block)
    try {
      return await withBudget(machine.evm, budget, async () => {
        await run.begin()
        const traces: TransactionTrace[] = []
        let logIndex = 0
        for (const [index, tx] of block.transactions.entries()) {
          budget.check()
          await budget.pause()
          if (only !== undefined && index !== only) {
            logIndex += (await run.transaction(tx)).receipt.logs.length
            if (index > only) break
            continue
          }
          const tracer = createTracer(config, { state: machine.state, room })
          const start: TraceStart = {
            from: senderOf(tx),
            to: tx.to ? (toHex(tx.to.bytes) as Address) : undefined,
            gas: tx.gasLimit,
            value: tx.value,
            data: tx.data,
            coinbase: toHex(block.header.coinbase.bytes) as Address,
            logIndex,
            authorizations: isEOACode7702Tx(tx) ? tx.authorizationList.map(authorityOf) : [],
          }
          await tracer.start?.(start)
          const { result, exception } = await listening(machine.evm, tracer, budget, () => run.transaction(tx))
          logIndex += result.receipt.logs.length
          const end = { gasUsed: result.gas, output: result.output, exception }
          traces.push({ txHash: transactionHash(tx), result: await tracer.finish(start, end) })
          if (index === only) break
        }
        return traces
      })
    } finally {
      machine.release()
    }
  }

  /** Opens a machine on the state after a block with the caller's changes made, and runs something there within its budget. */
  async #prepared<T>(
    at: BlockHeader,
    { state, block }: CallOptions,
    limits: InspectionLimits,
    run: (machine: Machine, header: BlockHeader, budget: Budget) => Promise<T>,
  ): Promise<T> {
    const header = block ? overriddenHeader(at, block, this.#parts.rules) : at
    const budget = new Budget(this.#clock, limits.timeoutMs)
    const machine = await this.#parts.engine.machine(at, header.common)
    const precompiles = state && new Map(machine.evm.precompiles)
    try {
      if (state) await applyStateOverrides(machine, state)
      return await withBudget(machine.evm, budget, () => run(machine, header, budget))
    } finally {
      if (precompiles) restorePrecompiles(machine.evm, precompiles)
      machine.release()
    }
  }
}

function gasOf({ gas }: CallRequest, { gasCap }: InspectionLimits): bigint {
  return gas !== undefined && gas < gasCap ? gas : gasCap
}

/** What every transaction may touch without listing it: sender, receiver and precompiles. */
function impliedAccess(evm: EVMInterface, { from, to }: CallRequest, created: Address | undefined): Set<string> {
  const implied = new Set([...evm.precompiles.keys(), (from ?? ZERO_ADDRESS).slice(2)])
  const target = to ?? created
  if (target !== undefined) implied.add(target.slice(2))
  return implied
}

/** The list with what was touched; accounts that are warm anyway stand there only with slots. */
function mergeAccess(
  given: readonly AccessListEntry[],
  touched: ReadonlyMap<string, ReadonlySet<string>>,
  implied: ReadonlySet<string>,
): AccessListEntry[] {
  const merged = new Map<string, Set<string>>()
  for (const { address, storageKeys } of given)
    merged.set(address.slice(2), new Set(storageKeys.map((key) => key.slice(2))))
  for (const [address, slots] of touched) {
    if (slots.size === 0 && implied.has(address)) continue
    const known = merged.get(address) ?? new Set()
    for (const slot of slots) known.add(slot)
    merged.set(address, known)
  }
  return [...merged].map(([address, slots]) => ({
    address: `0x${address}` as Address,
    storageKeys: [...slots].map((slot): Hex => `0x${slot}`),
  }))
}
