import { RLP } from '@ethereumjs/rlp'
import { keccak256, readUintBE, uintBE } from '@hawser/primitives'
import { decorated } from './decorated.ts'
import { openTransport, type Fault } from './fault.ts'

type Entries = [sealed: Uint8Array, justification: Uint8Array][]

/** How far its chain would be ahead, if one believed it. */
const BOASTED = 1_000n

/** Claims a chain that it does not have, and answers with blocks that were not asked for, that are false, and with false proofs. */
export function lieInSync(): Fault {
  return {
    makes: {
      async startTransport(parts) {
        const ahead = ({ number, hash }: { number: bigint; hash: `0x${string}` }) => ({
          number: number + BOASTED,
          hash: hash as never,
        })
        const { status } = parts
        const { real } = await openTransport({
          ...parts,
          status: () => ({ ...status(), head: ahead(status().head), finalized: ahead(status().finalized) }),
        })
        let asked = 0
        return decorated(real, {
          serve: (protocol, handler) =>
            real.serve(protocol, async (message, from) => {
              if (protocol === 'justification') return spoilt(await handler(message, from))
              if (protocol === 'blocks-by-hash') return mapEntries(await handler(message, from), falseBlock)
              if (protocol !== 'blocks-by-range') return handler(message, from)
              switch (asked++ % 3) {
                case 0:
                  return handler(later(message), from)
                case 1:
                  return mapEntries(await handler(message, from), ([sealed, proof]) => [sealed, spoilt(proof)])
                default:
                  return mapEntries(await handler(message, from), falseBlock)
              }
            }),
        })
      },
    },
  }
}

/** The request for the range behind the one that was asked for. */
function later(message: Uint8Array): Uint8Array {
  const [from, count] = RLP.decode(message) as [Uint8Array, Uint8Array]
  return RLP.encode([uintBE(readUintBE(from) + 7n, 8), count])
}

function mapEntries(answer: Uint8Array, change: (entry: Entries[number]) => Entries[number]): Uint8Array {
  return RLP.encode((RLP.decode(answer) as unknown as Entries).map(change))
}

/** Another state root under the same seal. */
function falseBlock([sealed, proof]: Entries[number]): Entries[number] {
  const [[header, ...rest], seal] = RLP.decode(sealed) as unknown as [[Uint8Array[], ...never[]], Uint8Array]
  const changed = header.map((field, index) => (index === 3 ? keccak256(field) : field))
  return [RLP.encode([[changed, ...rest], seal]), proof]
}

/** The same length, one bit in the middle turned; something where nothing was. */
function spoilt(proof: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(proof.length > 0 ? proof : [1])
  const middle = copy.length >> 1
  copy[middle] = (copy[middle] ?? 0) ^ 1
  return copy
}
