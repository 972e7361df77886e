import type { StateSource, Transport } from '@hawser/chain'
import { AppError } from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { MAX_STATE_BYTES } from './limits.ts'
import { decodeStateRequest, encodeStateRange } from './state-messages.ts'

/** Answers other nodes' requests for parts of the states that are kept here. */
export function serveState(transport: Pick<Transport, 'serve'>, source: StateSource): () => void {
  const stops = [
    transport.serve('state-range', async (message) => {
      const { block, account, origin, limit } = decodeStateRequest(message)
      const range = source.range(block, account, origin, limit, MAX_STATE_BYTES)
      if (!range) throw new AppError({ code: 'STATE_UNKNOWN', fault: 'local' }, 'that state is not kept here')
      return encodeStateRange(range)
    }),
    transport.serve('state-code', async (message) => {
      if (message.length !== 32)
        throw new AppError<P2pError>({ code: 'MESSAGE_MALFORMED', fault: 'peer' }, 'not the hash of a code')
      const code = source.code(message)
      if (!code) throw new AppError({ code: 'STATE_UNKNOWN', fault: 'local' }, 'that code is not here')
      return code
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
