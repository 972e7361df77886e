import { AppError, decodeRlp, messageOf, type RlpItem } from '@hawser/primitives'
import type { P2pError } from './errors.ts'

/** The list that a message is, of no more than so many items, those within it and itself included. @throws MESSAGE_MALFORMED */
export function listIn(message: Uint8Array, maxItems: number): RlpItem[] {
  let item: RlpItem
  try {
    item = decodeRlp(message, maxItems)
  } catch (cause) {
    throw malformed(messageOf(cause), cause)
  }
  if (!Array.isArray(item)) throw malformed('not a list')
  return item
}

export function malformed(why: string, cause?: unknown): AppError<P2pError> {
  return new AppError<P2pError>({ code: 'MESSAGE_MALFORMED', fault: 'peer' }, `malformed message: ${why}`, { cause })
}
