import type { Stream } from '@libp2p/interface'
import { AppError, concatBytes, messageOf, utf8 } from '@hawser/primitives'
import type { P2pError } from './errors.ts'

/**
 * One request and one response on a stream of its own: the writer closes its half when it is done. A response begins
 * with a byte: 0 for an answer, 1 for a refusal with its reason as text.
 */
const ANSWER = 0
const REFUSAL = 1
const MAX_REASON_BYTES = 300
const FIRST_BUFFER_BYTES = 4 * 1024

/** Sends all bytes, waiting where the other side is slow, then closes the writing half. */
export async function sendMessage(stream: Stream, message: Uint8Array, signal: AbortSignal): Promise<void> {
  const CHUNK = 64 * 1024
  for (let offset = 0; offset < message.length; offset += CHUNK) {
    if (!stream.send(message.subarray(offset, offset + CHUNK))) await stream.onDrain({ signal })
  }
  await stream.close({ signal })
}

/** Everything up to the other side's end; more than `limit` bytes are refused as they come. */
export async function readMessage(stream: Stream, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  // One buffer that grows: a message may come in crumbs, each of which would cost a hundred bytes to keep.
  let buffer = new Uint8Array(Math.min(limit, FIRST_BUFFER_BYTES))
  let length = 0
  const onAbort = () => stream.abort(new Error('timed out'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of stream) {
      const bytes = chunk.subarray()
      const end = length + bytes.length
      if (end > limit)
        throw new AppError<P2pError>(
          { code: 'MESSAGE_MALFORMED', fault: 'peer' },
          `a message of more than ${limit} bytes`,
        )
      if (end > buffer.length) {
        const larger = new Uint8Array(Math.min(limit, Math.max(end, 2 * buffer.length)))
        larger.set(buffer.subarray(0, length))
        buffer = larger
      }
      buffer.set(bytes, length)
      length = end
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  return buffer.subarray(0, length)
}

export function answer(payload: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(ANSWER), payload)
}

export function refusal(reason: unknown): Uint8Array {
  return concatBytes(Uint8Array.of(REFUSAL), utf8(messageOf(reason)).subarray(0, MAX_REASON_BYTES))
}

/** @throws PEER_REFUSED with the peer's reason */
export function openResponse(response: Uint8Array): Uint8Array {
  if (response[0] === ANSWER) return response.subarray(1)
  const reason = new TextDecoder().decode(response.subarray(1, 1 + MAX_REASON_BYTES)).replace(/[^\x20-\x7e]/g, '?')
  throw new AppError<P2pError>(
    { code: 'PEER_REFUSED', fault: 'peer', retry: true },
    `the peer refused: ${reason || 'no reason given'}`,
  )
}
