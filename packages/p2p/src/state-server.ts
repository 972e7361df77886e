import type { StateSource, Transport } from '@hawser/chain'
import { AppError, type Clock } from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { MAX_STATE_BYTES } from './limits.ts'
import { decodeStateRequest, encodeStateRange } from './state-messages.ts'

/** Requests that wait for their turn, of all peers. */
const MAX_WAITING = 64
/** After each answer the server rests this many times as long as it took: a quarter of the time at most goes into it. */
const REST_FACTOR = 3

/** Answers other nodes' requests for parts of the states that are kept here, one after the other. */
export function serveState(transport: Pick<Transport, 'serve'>, source: StateSource, clock: Clock): () => void {
  let waiting = 0
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = async (read: () => Uint8Array | undefined): Promise<Uint8Array> => {
    if (waiting >= MAX_WAITING) throw new AppError({ code: 'STATE_BUSY', fault: 'local' }, 'busy; ask again later')
    waiting++
    const before = turn
    let done = () => {}
    turn = new Promise<void>((resolve) => (done = resolve))
    try {
      await before
      const sinceMs = clock.nowMs()
      const answer = read()
      clock.after(REST_FACTOR * (clock.nowMs() - sinceMs), done)
      if (!answer) throw new AppError({ code: 'STATE_UNKNOWN', fault: 'local' }, 'that is not kept here')
      return answer
    } catch (error) {
      done()
      throw error
    } finally {
      waiting--
    }
  }
  const stops = [
    transport.serve('state-range', async (message) => {
      const { block, account, origin, limit } = decodeStateRequest(message)
      return inTurn(() => {
        const range = source.range(block, account, origin, limit, MAX_STATE_BYTES)
        return range && encodeStateRange(range)
      })
    }),
    transport.serve('state-code', async (message) => {
      if (message.length !== 32)
        throw new AppError<P2pError>({ code: 'MESSAGE_MALFORMED', fault: 'peer' }, 'not the hash of a code')
      return inTurn(() => source.code(message))
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
