// Fills the fixtures of this folder anew with EthereumJS's own VM and state: npx tsx --conditions=@hawser/source test/state/fill.ts
import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import { createEVM } from '@ethereumjs/evm'
import { RLP } from '@ethereumjs/rlp'
import { MerkleStateManager } from '@ethereumjs/statemanager'
import { Account, createAccount, createAddressFromString } from '@ethereumjs/util'
import { createVM, runTx, type RunTxOpts } from '@ethereumjs/vm'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromHex, keccak256, toHex } from '@hawser/primitives'
import { isMerged } from './forks.ts'
import { headerOf, hashOfNumber } from './run-state-test.ts'
import { readStateTests, type StateTest, type StateTestPost } from './state-test-file.ts'
import { transactionOf } from './transaction-of.ts'
import { DEFINITIONS, type Definition } from './definitions.ts'

const NAMES: Readonly<Record<string, string>> = {
  Frontier: Hardfork.Chainstart,
  EIP150: Hardfork.TangerineWhistle,
  EIP158: Hardfork.SpuriousDragon,
  ConstantinopleFix: Hardfork.Petersburg,
}

/** What EthereumJS alone makes of one entry. */
async function fill(test: StateTest, fork: string, post: StateTestPost) {
  // Blob transactions want a KZG, which is asked nothing: their blobs are not here.
  const customCrypto = { kzg: {} as never }
  const common = new Common({ chain: Mainnet, hardfork: NAMES[fork] ?? fork.toLowerCase(), customCrypto })
  const state = new MerkleStateManager({ common })
  for (const [name, value] of Object.entries(test.pre)) {
    const { balance, nonce, code, storage } = value as Definition['pre'][string]
    const address = createAddressFromString(name)
    await state.putAccount(address, createAccount({ balance: BigInt(balance), nonce: BigInt(nonce) }))
    if (code !== '0x') await state.putCode(address, fromHex(code))
    for (const [key, word] of Object.entries(storage)) await state.putStorage(address, fromHex(key), fromHex(word))
  }
  const blockchain = {
    getBlock: (number: number) => Promise.resolve({ hash: () => fromHex(hashOfNumber(BigInt(number))) }),
    putBlock: () => Promise.resolve(),
    shallowCopy: () => blockchain,
  }
  const evm = await createEVM({ common, stateManager: state, blockchain })
  const vm = await createVM({ common, stateManager: state, evm })
  const header = headerOf(test.env, common, isMerged(fork) ? 0n : (test.env.currentDifficulty ?? 0n))
  let logs: readonly (readonly [Uint8Array, Uint8Array[], Uint8Array])[] = []
  let refused: string | undefined
  try {
    const tx = transactionOf(test.transaction, post, common)
    const block = { header, common } as unknown as NonNullable<RunTxOpts['block']>
    const { execResult } = await runTx(vm, { tx, block, skipHardForkValidation: true })
    if (!execResult.exceptionError) logs = execResult.logs ?? []
  } catch (error) {
    refused = (error as Error).message.slice(0, 60)
  }
  await state.checkpoint()
  const { coinbase } = header
  await evm.journal.putAccount(coinbase, (await state.getAccount(coinbase)) ?? new Account())
  await evm.journal.cleanup()
  await state.commit()
  return {
    indexes: post.indexes,
    hash: toHex(await state.getStateRoot()),
    logs: toHex(keccak256(RLP.encode(logs as never))),
    ...(refused === undefined ? {} : { expectException: refused }),
  }
}

const folder = join(import.meta.dirname, 'fixtures')
mkdirSync(folder, { recursive: true })
for (const [name, { forks, ...definition }] of Object.entries(DEFINITIONS)) {
  const { data, gasLimit, value } = definition.transaction
  const all = data.flatMap((_, d) =>
    gasLimit.flatMap((__, g) => value.map((___, v) => ({ indexes: { data: d, gas: g, value: v } }))),
  )
  const blank = { ...definition, post: Object.fromEntries(forks.map((fork) => [fork, []])) }
  // Read as any other file is, so that one reader alone knows the format.
  const draft = join(tmpdir(), `state-test-draft-${process.pid}.json`)
  writeFileSync(draft, JSON.stringify({ [name]: blank }))
  const test = readStateTests(draft).get(name) as StateTest
  const post: Record<string, unknown[]> = {}
  for (const fork of forks) {
    post[fork] = []
    for (const entry of all) post[fork].push(await fill(test, fork, { ...entry, hash: '0x' }))
  }
  const filled = {
    [name]: { _info: { comment: definition.comment, filler: 'EthereumJS 10.1.3' }, ...definition, post },
  }
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(filled, null, 2)}\n`)
  console.log(name, all.length * forks.length)
}
