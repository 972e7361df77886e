import { toHex } from '@hawser/primitives'
import type { CallOutcome, InspectionLimits, SimulatedBlockRequest, SimulatedBlock } from '@hawser/chain'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { readBlockOverrides, readCall, readStateOverrides } from './call-params.ts'
import { invalidParams, reverted, RpcCode, RpcError, toSimulationError } from './errors.ts'
import { formatBlock, formatLog, placeLogs } from './format.ts'
import { MAX_SIMULATED_ITEMS } from './limits.ts'
import type { Methods } from './method.ts'
import { quantity, readBoolean, readList, readObject, required, type Params } from './params.ts'

/** The methods that run the EVM on the state after a block, and change nothing. */
export function ethCallMethods(backend: RpcBackend, reader: BlockReader, limits: InspectionLimits): Methods {
  const { chain, inspector } = backend
  const readArguments = (params: Params) =>
    [
      reader.header(params[1]),
      readCall(required(params, 0), chain),
      limits,
      { state: readStateOverrides(params[2]), block: readBlockOverrides(params[3]) },
    ] as const
  return {
    eth_call: async (params) => toHex(outputOf(await inspector.call(...readArguments(params)))),
    eth_estimateGas: async (params) => {
      const estimate = await inspector.estimateGas(...readArguments(params))
      if (typeof estimate === 'bigint') return quantity(estimate)
      return outputOf(estimate)
    },
    eth_createAccessList: async (params) => {
      const { accessList, outcome } = await inspector.accessList(...readArguments(params))
      return {
        accessList,
        ...(outcome.kind === 'success'
          ? {}
          : { error: outcome.kind === 'revert' ? 'execution reverted' : outcome.reason }),
        gasUsed: quantity(outcome.gasUsed),
      }
    },
    eth_simulateV1: async (params) => {
      const payload = readObject(required(params, 0), 'simulation')
      const at = reader.header(params[1])
      const blocks = readBlocks(payload['blockStateCalls'], backend)
      const whole = readBoolean(payload['returnFullTransactions'], 'returnFullTransactions')
      const options = {
        validation: readBoolean(payload['validation'], 'validation'),
        traceTransfers: readBoolean(payload['traceTransfers'], 'traceTransfers'),
      }
      try {
        const simulated = await inspector.simulate(at, blocks, options, limits)
        return simulated.map((block) => formatSimulated(block, whole))
      } catch (error) {
        throw toSimulationError(error)
      }
    },
  }
}

/** What a call gave. @throws 3 for a revert, -32000 for a halt */
function outputOf(outcome: CallOutcome): Uint8Array {
  if (outcome.kind === 'success') return outcome.output
  if (outcome.kind === 'revert') throw reverted(outcome.output, outcome.reason)
  throw new RpcError(RpcCode.server, outcome.reason)
}

function readBlocks(value: unknown, { chain }: RpcBackend): SimulatedBlockRequest[] {
  const list = readList(value, 'blockStateCalls', MAX_SIMULATED_ITEMS)
  if (list.length === 0) throw invalidParams('empty input: blockStateCalls must have a block')
  let room = MAX_SIMULATED_ITEMS
  return list.map((item) => {
    const block = readObject(item, 'blockStateCalls item')
    const calls = readList(block['calls'], 'calls', room)
    room -= calls.length
    return {
      overrides: readBlockOverrides(block['blockOverrides']) ?? {},
      state: readStateOverrides(block['stateOverrides']) ?? new Map(),
      calls: calls.map((call) => readCall(call, chain)),
    }
  })
}

function formatSimulated({ block, senders, calls }: SimulatedBlock, whole: boolean) {
  const placed = placeLogs(calls)
  return {
    ...formatBlock(block, whole, senders),
    calls: calls.map(({ output, gasUsed, maxUsedGas, failure }, index) => ({
      returnData: toHex(output),
      logs: placed.filter(({ transactionIndex }) => transactionIndex === index).map((log) => formatLog(log, block)),
      gasUsed: quantity(gasUsed),
      maxUsedGas: quantity(maxUsedGas),
      status: failure ? '0x0' : '0x1',
      ...(failure
        ? {
            error: failure.reverted
              ? { message: failure.reason, code: RpcCode.reverted, data: toHex(output) }
              : { message: failure.reason, code: RpcCode.vmError },
          }
        : {}),
    })),
  }
}
