import { once } from 'node:events'
import { createLogger } from '@hawser/primitives/node'
import { messageOf } from '@hawser/primitives'
import { readConfig, type ConfigOverrides } from './config.ts'
import { createNode, type NodeDependencies } from './create-node.ts'
import type { ReadyMessage } from './devnet/validator-process.ts'

export interface RunNodeOptions {
  readonly configFile: string
  readonly allowFreshGuard: boolean
  /** Signs without listening for the own key elsewhere first. */
  readonly iAmOnly: boolean
  readonly overrides?: ConfigOverrides
  /** Parts that are not the node's own. */
  readonly parts?: Pick<NodeDependencies, 'clock' | 'makes'>
}

/**
 * Runs a node until it is told to stop (SIGTERM, SIGINT, or the end of the process that started it) or cannot go on.
 * @returns the exit code
 */
export async function runNode(options: RunNodeOptions): Promise<number> {
  const { configFile, allowFreshGuard, iAmOnly, overrides, parts } = options
  const config = readConfig(configFile, overrides)
  const logger = createLogger({ level: config.log.level, destination: config.log.file ?? 2 })
  const stopping = new AbortController()
  let code = 0
  const end = (because: number) => {
    if (stopping.signal.aborted) return
    code = because
    stopping.abort(new Error('told to stop'))
  }
  // From the start: a node that begins at a state may look for one for long.
  process.once('SIGTERM', () => end(0))
  process.once('SIGINT', () => end(0))
  // A devnet that is gone must not leave its validators behind.
  if (process.send) process.once('disconnect', () => end(0))
  try {
    const node = await createNode({
      ...parts,
      config,
      logger,
      allowFreshGuard,
      iAmOnly,
      signal: stopping.signal,
      onFatal(reason) {
        logger.error({ reason }, 'the node cannot go on')
        end(1)
      },
    })
    if (!stopping.signal.aborted) {
      const ready: ReadyMessage = { type: 'ready', rpcPort: node.rpcPort, metricsPort: node.metricsPort }
      process.send?.(ready)
      await once(stopping.signal, 'abort')
    }
    try {
      await node.stop()
    } catch (error) {
      logger.error({ err: messageOf(error) }, 'the node did not stop in order')
    }
  } catch (error) {
    if (error !== stopping.signal.reason) throw error
  }
  logger.info({ code }, 'the node has stopped')
  return code
}
