import { toHex, uintBE, type Address } from '@hawser/primitives'
import { expect, it } from 'vitest'
import { decodeHandovers, encodeHandovers, joinHandovers, type HandoverProof } from './handover-proof.ts'

const proofOf = (setId: number, bytes: number): HandoverProof => ({
  justification: new Uint8Array(bytes).fill(3),
  header: new Uint8Array(bytes % 600),
  accountProof: [new Uint8Array(bytes % 500)],
  storageProof: [],
  setId: BigInt(setId),
  voters: Array.from({ length: bytes % 5 }, (_, i) => ({ id: toHex(uintBE(i, 20)) as Address, weight: 1 })),
})

it('puts handovers together as if they had been encoded so, however long they are', () => {
  // A list of up to 55 bytes has one byte before it, one of up to 255 two, and so on.
  for (const lengths of [[], [0], [0, 0], [46, 47, 48], [0, 250], [300], [70_000, 1], [1_200_000, 700]]) {
    const proofs = lengths.map((bytes, i) => proofOf(i + 1, bytes))
    const joined = joinHandovers(proofs.map((proof) => encodeHandovers([proof])))
    expect(toHex(joined), `${lengths}`).toBe(toHex(encodeHandovers(proofs)))
    expect(decodeHandovers(joined)).toEqual(proofs)
  }
})
