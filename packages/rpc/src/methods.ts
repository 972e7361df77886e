import type { InspectionLimits } from '@hawser/chain'
import type { RpcBackend } from './backend.ts'
import { BlockReader } from './block-reader.ts'
import { debugMethods } from './debug-methods.ts'
import { ethBlockMethods } from './eth-block-methods.ts'
import { ethCallMethods } from './eth-call-methods.ts'
import { ethChainMethods } from './eth-chain-methods.ts'
import { ethFeeMethods } from './eth-fee-methods.ts'
import { ethFilterMethods } from './eth-filter-methods.ts'
import { ethStateMethods } from './eth-state-methods.ts'
import { finalityMethods } from './finality-methods.ts'
import { bridgeMethods } from './hawser-methods.ts'
import type { RpcLimits } from './limits.ts'
import type { Methods } from './method.ts'
import { nodeMethods, txpoolMethods } from './node-methods.ts'
import type { Namespace } from './options.ts'
import type { Subscriptions } from './subscriptions.ts'
import { testingMethods } from './testing-methods.ts'

/** Every method of the namespaces that are asked for and that the backend has. */
export function createMethods(
  backend: RpcBackend,
  subscriptions: Subscriptions,
  limits: RpcLimits,
  api: readonly Namespace[],
): Methods {
  const { bridge, builder, finality, sets, store } = backend
  const reader = new BlockReader(backend)
  const inspection: InspectionLimits = {
    gasCap: limits.gasCap,
    timeoutMs: limits.evmTimeoutMs,
    maxTraceChars: limits.maxResponseChars,
  }
  const all: Methods = {
    ...nodeMethods(backend),
    ...txpoolMethods(backend),
    ...ethBlockMethods(backend, reader),
    ...ethStateMethods(backend, reader),
    ...ethFeeMethods(backend, reader),
    ...ethCallMethods(backend, reader, inspection),
    ...ethChainMethods(backend, reader, inspection),
    ...ethFilterMethods(backend, reader, subscriptions, limits),
    ...debugMethods(backend, reader, inspection),
    ...(bridge ? bridgeMethods(bridge, reader) : {}),
    ...(finality && sets ? finalityMethods({ finality, sets, store }, reader) : {}),
    ...(builder ? testingMethods(builder, reader) : {}),
  }
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => api.includes(name.slice(0, name.indexOf('_')) as Namespace)),
  )
}
