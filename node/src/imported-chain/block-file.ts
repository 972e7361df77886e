import { AppError, messageOf } from '@hawser/primitives'
import { createReadStream } from 'node:fs'
import type { NodeError } from '../errors.ts'

/** The longest block that is read: EIP-7934 allows 10 MiB with a margin. */
const MAX_BLOCK_FILE_ITEM_BYTES = 16 * 1024 * 1024

/**
 * The RLP lists of a file that holds one after the other, as `geth export` writes blocks; never more than one in memory.
 * @throws FILE_UNREADABLE, CHAIN_FILE_INVALID with the byte at which it goes wrong
 */
export async function* readRlpItems(file: string): AsyncGenerator<Uint8Array> {
  let buffer = Buffer.alloc(0)
  let offset = 0
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
      buffer = Buffer.concat([buffer, chunk as Buffer])
      for (let length = itemLength(buffer, offset); length !== undefined && length <= buffer.length;) {
        yield Uint8Array.from(buffer.subarray(0, length))
        buffer = buffer.subarray(length)
        offset += length
        length = itemLength(buffer, offset)
      }
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError<NodeError>(
      { code: 'FILE_UNREADABLE', fault: 'user' },
      `the chain file ${file} cannot be read: ${messageOf(cause)}`,
      { cause },
    )
  }
  if (buffer.length > 0) throw invalid(offset, `the file ends within a block, after ${buffer.length} bytes of it`)
}

/** The length of the list at the front, its header included; undefined while too little is there to tell. */
function itemLength(buffer: Buffer, offset: number): number | undefined {
  const first = buffer[0]
  if (first === undefined) return undefined
  if (first < 0xc0) throw invalid(offset, 'a block, which is an RLP list, should begin here')
  if (first < 0xf8) return 1 + first - 0xc0
  const lengthBytes = first - 0xf7
  if (lengthBytes > 4) throw invalid(offset, 'the block is longer than any may be')
  if (buffer.length < 1 + lengthBytes) return undefined
  const length = 1 + lengthBytes + buffer.readUIntBE(1, lengthBytes)
  if (length > MAX_BLOCK_FILE_ITEM_BYTES)
    throw invalid(offset, `the block has ${length} bytes, at most ${MAX_BLOCK_FILE_ITEM_BYTES} are read`)
  return length
}

function invalid(offset: number, why: string): AppError<NodeError> {
  return new AppError<NodeError>(
    { code: 'CHAIN_FILE_INVALID', fault: 'user' },
    `the chain file is not valid at byte ${offset}: ${why}`,
  )
}
