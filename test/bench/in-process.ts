import { createBlock } from '@ethereumjs/block'
import { Common, createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common'
import { createFeeMarket1559Tx, createTxFromRLP } from '@ethereumjs/tx'
import { createAccount, createAddressFromString } from '@ethereumjs/util'
import { createVM, runTx } from '@ethereumjs/vm'
import { decodeTransaction, encodeSealedBlock, decodeSealedBlock, senderOf } from '@hawser/chain'
import { invariant, type Address } from '@hawser/primitives'
import { TestChain, testAddress, testKey } from '../kit/index.ts'

const SENDERS = 50
const PER_SENDER = 20
const TRANSFERS = SENDERS * PER_SENDER
const ROUNDS = 5
const RECEIVER = '0x00000000000000000000000000000000000ca4e0'

export interface InProcessRates {
  /** Decoded, recovered and executed one after the other, a second. */
  readonly ethereumJsPerSecond: number
  /** Decoded, recovered, executed and in a block with its roots, a second. */
  readonly oursPerSecond: number
  /** Median over the rounds: a block of 1,000 transfers through all gates into the store, senders known. */
  readonly importMs: number
}

/** The same signed transfers, round after round, through EthereumJS as it comes and through our engine. */
export async function measureInProcess(): Promise<InProcessRates> {
  const names = Array.from({ length: SENDERS }, (_, i) => `bench ${i}`)
  const signing = new Common({ chain: { ...Mainnet, chainId: 18443 }, hardfork: Hardfork.Osaka })
  const rounds = Array.from({ length: ROUNDS }, (_, round) =>
    names.flatMap((name) =>
      Array.from({ length: PER_SENDER }, (_unused, i) =>
        createFeeMarket1559Tx(
          {
            to: RECEIVER,
            value: 1n,
            gasLimit: 21_000n,
            maxFeePerGas: 10n ** 9n,
            maxPriorityFeePerGas: 1n,
            nonce: BigInt(round * PER_SENDER + i),
            chainId: 18443n,
          },
          { common: signing },
        )
          .sign(testKey(name))
          .serialize(),
      ),
    ),
  )
  return { ethereumJsPerSecond: await ethereumJs(names, rounds), ...(await ours(names, rounds)) }
}

async function ethereumJs(names: readonly string[], rounds: readonly (readonly Uint8Array[])[]): Promise<number> {
  const common = createCustomCommon({ chainId: 18443 }, Mainnet, { hardfork: Hardfork.Osaka })
  const vm = await createVM({ common })
  for (const name of names)
    await vm.stateManager.putAccount(createAddressFromString(testAddress(name)), createAccount({ balance: 10n ** 18n }))
  const block = createBlock({ header: { gasLimit: 30_000_000n, baseFeePerGas: 7n, number: 1n } }, { common })
  const rates: number[] = []
  for (const round of rounds) {
    const began = performance.now()
    for (const raw of round)
      await runTx(vm, { tx: createTxFromRLP(raw, { common }), block, skipHardForkValidation: true })
    rates.push((TRANSFERS * 1000) / (performance.now() - began))
  }
  return median(rates)
}

async function ours(names: readonly string[], rounds: readonly (readonly Uint8Array[])[]) {
  const funded = names.map((name) => ({ address: testAddress(name) as Address, balance: 10n ** 18n }))
  const author = await TestChain.create(funded)
  const importer = await TestChain.create(funded)
  const rates: number[] = []
  const imports: number[] = []
  try {
    for (const round of rounds) {
      const began = performance.now()
      const transactions = round.map((raw) => decodeTransaction(raw, author.common))
      for (const tx of transactions) senderOf(tx)
      const { sealed } = await author.mine({ transactions })
      rates.push((TRANSFERS * 1000) / (performance.now() - began))
      invariant(sealed.block.transactions.length === TRANSFERS, 'every transfer is in the block')
      // As it comes from a peer: the senders are known by hash, the objects are new.
      const received = decodeSealedBlock(encodeSealedBlock(sealed), importer.common)
      importer.clock.moveTo(author.clock.nowMs())
      const arrived = performance.now()
      await importer.importer.import(received, 'gossip')
      imports.push(performance.now() - arrived)
    }
  } finally {
    author.dispose()
    importer.dispose()
  }
  return { oursPerSecond: median(rates), importMs: median(imports) }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}
