import { custodyKey, deriveCommittee, type Committee } from '@hawser/bitcoin'
import { fastCurve } from '@hawser/bitcoin/musig2'
import type { ChainSpec } from '@hawser/chain'
import { compareBytes, keccak256, toHex, uintBE, ZERO_HASH, type Hash32 } from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'
import { BatchMaterial } from '../batch-material.ts'
import type { BatchState } from '../contract-reader.ts'
import { SigningMember } from '../signing-member.ts'

/** A committee whose members are all at hand, in the order of its sorted keys. */
export interface TestMembers {
  readonly committee: Committee
  readonly members: readonly SigningMember[]
  /** Their 32-byte bitcoin keys. */
  readonly secrets: readonly Uint8Array[]
}

/** `family`: committees of other families have other keys. */
export function testMembers(n: number, family = 0): TestMembers {
  const secretOf = (i: number) => keccak256(uintBE(1000 * (family + 1) + i, 4))
  const secrets = Array.from({ length: n }, (_, i) => secretOf(i)).sort((a, b) =>
    compareBytes(secp256k1.publicKey(a), secp256k1.publicKey(b)),
  )
  const bitcoinKeys = secrets.map((secret) => secp256k1.publicKey(secret))
  const managementKeys = secrets.map((_, i) => secp256k1.publicKey(secretOf(500 + i)))
  return {
    committee: deriveCommittee({ bitcoinKeys, managementKeys }, fastCurve),
    secrets,
    members: secrets.map((secret, i) => new SigningMember(secret, bitcoinKeys[i] as Uint8Array)),
  }
}

/** A batch with two inputs (the plain address and a deposit address), one payout and two rungs. */
export function testMaterial(committee: Committee, payableRungs = 2): BatchMaterial {
  const spec = { parent: { network: 'regtest' }, bridge: { feeRungs: [2, 5] } } as unknown as ChainSpec
  const u = toHex(keccak256(uintBE(1, 4)))
  const input = { vout: 1, sats: 100_000n, committeeId: 0, csvHeight: 0 }
  const batch: BatchState = {
    id: 5n,
    status: 1,
    formedAtBlock: 40n,
    formedAtTime: 1_700_000_000n,
    committeeId: 0,
    budgetSats: 3_000n,
    vsize: 400n,
    inputSats: 200_000n,
    payoutSats: 120_000n,
    payableRungs,
    inputs: [
      { ...input, txid: toHex(keccak256(uintBE(2, 4))), u: ZERO_HASH },
      { ...input, txid: toHex(keccak256(uintBE(3, 4))), u },
    ],
    requests: [
      {
        id: 1n,
        account: `0x${'aa'.repeat(20)}`,
        amountSats: 120_000n,
        maxFeeSats: 3_000n,
        script: toHex(Uint8Array.of(0x51, 0x20, ...custodyKey(committee, new Uint8Array(32)).x)),
      },
    ],
    txid: ZERO_HASH,
    bitcoinBlock: ZERO_HASH,
    feeSats: 0n,
    settledAtBlock: 0n,
  }
  return new BatchMaterial(spec, committee, batch, `0x${'cd'.repeat(32)}` as Hash32)
}
