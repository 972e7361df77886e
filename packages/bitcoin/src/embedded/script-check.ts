import { createRequire } from 'node:module'
import { equalBytes } from '@hawser/primitives'
import { verifySchnorr } from '../musig2/schnorr.ts'
import { tapBranchHash, tapTweakKey } from '../taproot.ts'
import { encodeTransaction, type Transaction, type TxOutput } from '../transaction.ts'

interface BitcoreInput {
  output: unknown
  script: unknown
  getWitnesses(): Buffer[]
}
interface Interpreter {
  errstr: string
  verify(
    scriptSig: unknown,
    script: unknown,
    tx: unknown,
    index: number,
    flags: number,
    witness: Buffer[],
    sats: number,
  ): boolean
}
interface InterpreterClass extends Record<string, unknown> {
  new (): Interpreter
  verifyTaprootCommitment(control: Buffer, program: Buffer, leafHash: Buffer): boolean
}
interface Bitcore {
  Transaction: {
    new (hex: string): { inputs: BitcoreInput[] }
    Output: new (o: { script: string; satoshis: number }) => unknown
  }
  Script: { new (): unknown; fromBuffer(b: Buffer): unknown; Interpreter: InterpreterClass }
  crypto: { Schnorr: { verify(key: Buffer, message: Buffer, signature: Buffer | { toBuffer(): Buffer }): boolean } }
}

const FLAGS = [
  'P2SH',
  'DERSIG',
  'LOW_S',
  'NULLDUMMY',
  'CHECKLOCKTIMEVERIFY',
  'CHECKSEQUENCEVERIFY',
  'WITNESS',
  'TAPROOT',
]

let loaded: { bitcore: Bitcore; flags: number } | undefined

function load(): { bitcore: Bitcore; flags: number } {
  if (loaded) return loaded
  const bitcore = createRequire(import.meta.url)('bitcore-lib') as Bitcore
  const { Interpreter } = bitcore.Script
  // bitcore-lib refuses x-only keys that begin with a 00 byte (one in 256); ours does not, and is faster.
  bitcore.crypto.Schnorr.verify = (key, message, signature) => {
    const bytes = signature instanceof Uint8Array ? signature : signature.toBuffer()
    return verifySchnorr(Uint8Array.from(bytes.subarray(0, 64)), message, Uint8Array.from(key))
  }
  Interpreter.verifyTaprootCommitment = (control, program, leafHash) => {
    try {
      let node: Uint8Array = Uint8Array.from(leafHash)
      for (let at = 33; at < control.length; at += 32) node = tapBranchHash(node, control.subarray(at, at + 32))
      const key = tapTweakKey(Uint8Array.from(control.subarray(1, 33)), node)
      return equalBytes(key.x, program) && key.parity === ((control[0] ?? 0) & 1)
    } catch {
      return false
    }
  }
  const flags = FLAGS.reduce((sum, name) => sum | (Interpreter[`SCRIPT_VERIFY_${name}`] as number), 0)
  loaded = { bitcore, flags }
  return loaded
}

/** Runs the scripts of all inputs; the first failure's reason, or undefined when all hold. Coin age is not looked at. */
export function checkScripts(tx: Transaction, prevouts: readonly TxOutput[]): string | undefined {
  const { bitcore, flags } = load()
  const theirs = new bitcore.Transaction(Buffer.from(encodeTransaction(tx)).toString('hex'))
  theirs.inputs.forEach((input, i) => {
    const coin = prevouts[i] as TxOutput
    input.output = new bitcore.Transaction.Output({
      script: Buffer.from(coin.script).toString('hex'),
      satoshis: Number(coin.sats),
    })
  })
  for (const [i, input] of tx.inputs.entries()) {
    const coin = prevouts[i] as TxOutput
    const interpreter = new bitcore.Script.Interpreter()
    let valid: boolean
    try {
      valid = interpreter.verify(
        bitcore.Script.fromBuffer(Buffer.from(input.scriptSig)),
        bitcore.Script.fromBuffer(Buffer.from(coin.script)),
        theirs,
        i,
        flags,
        input.witness.map((item) => Buffer.from(item)),
        Number(coin.sats),
      )
    } catch (error) {
      return error instanceof Error ? error.message : 'script error'
    }
    if (!valid) return interpreter.errstr || 'script evaluated without success'
  }
  return undefined
}
