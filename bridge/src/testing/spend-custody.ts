import {
  batchSighashes,
  BATCH_SEQUENCE,
  coinTweak,
  keyPathWitness,
  withWitnesses,
  type BatchInput,
  type Transaction,
  type TxOutput,
} from '@hawser/bitcoin'
import { aggregateNonces, createSession, generateNonce, keyAggContext } from '@hawser/bitcoin/musig2'
import { invariant } from '@hawser/primitives'
import type { TestMembers } from './batch-fixture.ts'

/** A transaction of the committee of one by the key path: what it says of the outputs is its own word. */
export function spendCustody(
  { committee, secrets }: TestMembers,
  inputs: readonly BatchInput[],
  outputs: readonly TxOutput[],
): Transaction {
  const [secretKey] = secrets
  const [publicKey] = committee.sortedKeys
  invariant(secretKey && publicKey && committee.n === 1, 'a committee of one')
  const tx: Transaction = {
    version: 2,
    inputs: inputs.map(({ txid, vout }) => ({
      txid,
      vout,
      scriptSig: new Uint8Array(0),
      sequence: BATCH_SEQUENCE,
      witness: [],
    })),
    outputs,
    locktime: 0,
  }
  const messages = batchSighashes(committee, inputs, tx)
  const witnesses = inputs.map(({ u }, i) => {
    const message = messages[i] as Uint8Array
    const context = keyAggContext([publicKey], [{ tweak: coinTweak(committee, u), isXOnly: true }])
    const { secretNonce, publicNonce } = generateNonce({ secretKey, publicKey, aggregateKey: context.xOnlyKey })
    const session = createSession(context, aggregateNonces([publicNonce]), message)
    return keyPathWitness(session.aggregate([session.sign(secretNonce, secretKey, publicNonce)]))
  })
  return withWitnesses(tx, witnesses)
}
