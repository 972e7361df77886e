import type { CustodyCheckpoint, ExecutionEngine, StoredChain } from '@hawser/chain'
import { toHex, uintBE, type BtcHash, type Hash32, type Logger } from '@hawser/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { CheckpointWatch } from './checkpoint-watch.ts'

const hashOf = (number: bigint) => toHex(uintBE(number, 32)) as Hash32
const FALSE_HASH = `0x${'ff'.repeat(32)}` as Hash32
const named = (number: bigint, hash = hashOf(number)): CustodyCheckpoint => ({
  number,
  hash,
  txid: `0x01${'00'.repeat(31)}` as BtcHash,
  height: 700,
})

describe('the watch over the checkpoint in custody', () => {
  let checkpoint: CustodyCheckpoint | undefined
  let finalNumber: bigint
  /** Blocks below it are not here. */
  let first: bigint
  let asked: number
  let warned: object[]
  let conflicts: string[]
  let watch: CheckpointWatch

  beforeEach(() => {
    checkpoint = undefined
    finalNumber = 20_000n
    first = 0n
    asked = 0
    warned = []
    conflicts = []
    watch = new CheckpointWatch({
      checkpoint: () => checkpoint,
      store: {
        pointers: () => {
          const finalized = { number: finalNumber, hash: hashOf(finalNumber) }
          return { head: finalized, finalized }
        },
        canonicalHash: (number: bigint) => {
          asked++
          return number >= first ? hashOf(number) : undefined
        },
        header: (hash: Hash32) => ({ number: BigInt(hash) }),
      } as unknown as StoredChain,
      // The ring of EIP-2935 in the final state: the slot's last block before it.
      engine: {
        stateAt: ({ number }: { number: bigint }) => ({
          storage: (_: string, key: Uint8Array) => {
            const slot = BigInt(toHex(key))
            return uintBE(number - 1n - ((number - 1n - slot) % 8_191n), 32)
          },
        }),
      } as unknown as ExecutionEngine,
      logger: { warn: (line: object) => warned.push(line), debug: () => undefined } as unknown as Logger,
      onConflict: (reason) => conflicts.push(reason),
    })
  })

  it('is content with a chain that holds the block, and with no checkpoint at all', () => {
    watch.check()
    checkpoint = named(15_000n)
    watch.check()
    expect({ warned, conflicts, asked }).toEqual({ warned: [], conflicts: [], asked: 1 })
    // Once for each: a block comes every second.
    watch.check()
    expect(asked).toBe(1)
  })

  it('tells both blocks and the transaction when another is final here, and says so once', () => {
    checkpoint = named(15_000n, FALSE_HASH)
    watch.check()
    watch.check()
    expect(conflicts).toHaveLength(1)
    for (const part of ['block 15000 ', hashOf(15_000n), FALSE_HASH, `${'00'.repeat(31)}01`, 'block 700'])
      expect(conflicts[0]).toContain(part)
  })

  it('waits until a block of that number is final', () => {
    finalNumber = 14_999n
    checkpoint = named(15_000n, FALSE_HASH)
    watch.check()
    expect(conflicts).toEqual([])
    finalNumber = 15_000n
    watch.check()
    expect(conflicts).toHaveLength(1)
  })

  it('compares the next one too', () => {
    checkpoint = named(15_000n)
    watch.check()
    checkpoint = named(15_001n, FALSE_HASH)
    watch.check()
    expect(conflicts).toHaveLength(1)
  })

  it('finds the hash in the final state where the chain began at a fetched one', () => {
    first = 19_000n
    checkpoint = named(12_000n)
    watch.check()
    expect({ warned, conflicts }).toEqual({ warned: [], conflicts: [] })
    checkpoint = named(11_809n, FALSE_HASH)
    watch.check()
    expect(conflicts).toHaveLength(1)
    expect(conflicts[0]).toContain(hashOf(11_809n))
  })

  it('says once that it could not compare what lies too far back', () => {
    first = 19_000n
    checkpoint = named(11_808n, FALSE_HASH)
    watch.check()
    watch.check()
    expect({ warned: warned.length, conflicts }).toEqual({ warned: 1, conflicts: [] })
  })
})
