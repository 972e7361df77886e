import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { compareBytes } from '@hawser/primitives'
import {
  batchSighashes,
  coinTweak,
  keyPathWitness,
  subsetWitness,
  thresholdWitness,
  withWitnesses,
  type BatchInput,
} from '../batch.ts'
import { deriveCommittee, type Committee, type CommitteeLeaf } from '../committee.ts'
import { aggregateNonces, createSession, keyAggContext, type MusigTweak } from '../musig2/session.ts'
import { generateNonce } from '../musig2/secret-nonce.ts'
import { fastCurve } from '../musig2/native-curve.ts'
import type { Transaction } from '../transaction.ts'

/** A committee whose secrets are all at hand, for tests. */
export interface TestCommittee {
  readonly committee: Committee
  /** In the order of committee.sortedKeys. */
  readonly secrets: readonly Uint8Array[]
  readonly managementSecrets: readonly Uint8Array[]
}

function sortedSecrets(n: number, salt: number): Uint8Array[] {
  const secrets = Array.from({ length: n }, (_, i) => new Uint8Array(32).fill(salt).fill(i + 1, 30))
  return secrets.sort((a, b) => compareBytes(secp256k1.getPublicKey(a), secp256k1.getPublicKey(b)))
}

export function testCommittee(n: number, salt = 3): TestCommittee {
  const secrets = sortedSecrets(n, salt)
  const managementSecrets = sortedSecrets(n, salt + 100)
  const committee = deriveCommittee(
    {
      bitcoinKeys: secrets.map((secret) => secp256k1.getPublicKey(secret)),
      managementKeys: managementSecrets.map((secret) => secp256k1.getPublicKey(secret)),
    },
    fastCurve,
  )
  return { committee, secrets, managementSecrets }
}

function musig(secrets: readonly Uint8Array[], message: Uint8Array, tweaks: readonly MusigTweak[]): Uint8Array {
  const keys = secrets.map((secret) => secp256k1.getPublicKey(secret))
  const context = keyAggContext(keys, tweaks)
  const pairs = secrets.map((secretKey, i) => generateNonce({ secretKey, publicKey: keys[i] as Uint8Array, message }))
  const session = createSession(context, aggregateNonces(pairs.map((p) => p.publicNonce)), message)
  return session.aggregate(pairs.map((p, i) => session.sign(p.secretNonce, secrets[i] as Uint8Array, p.publicNonce)))
}

/** Signs every input by the key path with all members. */
export function signByKeyPath(test: TestCommittee, inputs: readonly BatchInput[], tx: Transaction): Transaction {
  const messages = batchSighashes(test.committee, inputs, tx)
  const witnesses = inputs.map(({ u }, i) => {
    const tweak = { tweak: coinTweak(test.committee, u), isXOnly: true }
    return keyPathWitness(musig(test.secrets, messages[i] as Uint8Array, [tweak]))
  })
  return withWitnesses(tx, witnesses)
}

/** Signs every input by a subset's leaf. */
export function signBySubset(
  test: TestCommittee,
  inputs: readonly BatchInput[],
  tx: Transaction,
  leaf: CommitteeLeaf,
): Transaction {
  const messages = batchSighashes(test.committee, inputs, tx, leaf)
  const signers = leaf.members.map((i) => test.secrets[i] as Uint8Array)
  return withWitnesses(
    tx,
    inputs.map(({ u }, i) => subsetWitness(test.committee, leaf, u, musig(signers, messages[i] as Uint8Array, []))),
  )
}

/** Signs every input by the CHECKSIGADD leaf or the recovery leaf, with the members named. */
export function signByThreshold(
  test: TestCommittee,
  inputs: readonly BatchInput[],
  tx: Transaction,
  leaf: CommitteeLeaf,
  members: readonly number[],
): Transaction {
  const messages = batchSighashes(test.committee, inputs, tx, leaf)
  const secrets = leaf.kind === 'recovery' ? test.managementSecrets : test.secrets
  return withWitnesses(
    tx,
    inputs.map(({ u }, i) => {
      const signatures = secrets.map((secret, m) =>
        members.includes(m) ? schnorr.sign(messages[i] as Uint8Array, secret) : undefined,
      )
      return thresholdWitness(test.committee, leaf, u, signatures)
    }),
  )
}
