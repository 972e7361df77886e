import { Block, createBlockHeader, type BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { createLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import {
  encodedTransaction,
  headerFromParent,
  inherentGasCap,
  MAX_BLOCK_BYTES,
  senderOf,
  slotOf,
  transactionHash,
  isInherentShape,
  transactionsRoot,
  type BuildPlan,
  type Cancellable,
  type ChainSpec,
  type Executed,
  type ExecutionEngine,
  type InherentCall,
} from '@hawser/chain'
import { BEST_BLOCK_SLOT, systemContracts } from '@hawser/contracts'
import {
  fromHex,
  isAppError,
  messageOf,
  readUintBE,
  toHex,
  uintBE,
  type Address,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { bad, ethereumAddress, systemCallFailed } from './block-run.ts'
import { callHeader, runCall } from './call.ts'
import { EthereumJsEngine, type EngineParts } from './engine.ts'
import { HawserBlockRun } from './hawser-block-run.ts'
import type { Machine } from './machine.ts'
import { functionData } from './system-calls.ts'

/** Room left in a block for its header and the seal, in bytes. */
const BLOCK_OVERHEAD_BYTES = 4096

export interface HawserEngineParts extends EngineParts {
  readonly spec: ChainSpec
  readonly common: Common
  readonly clock: Clock
  readonly logger: Logger
  /** Who authors a slot on top of a parent. */
  readonly author: (slot: bigint, parent: BlockHeader) => Address
  /** The session keys of the set in force for a parent's children: they send no paid transactions. */
  readonly sessionKeys: (parent: BlockHeader) => readonly Address[]
}

/** The ExecutionEngine of Hawser's own chain: its block rules, and building blocks. */
export class HawserEngine extends EthereumJsEngine implements ExecutionEngine {
  readonly #parts: HawserEngineParts

  constructor(parts: HawserEngineParts) {
    super(parts)
    this.#parts = parts
  }

  override async openRun(parent: BlockHeader, block: Block) {
    const { spec } = this.#parts
    const { header, transactions } = block
    const machine = await this.machine(parent)
    const author = this.#parts.author(slotOf(spec, header.timestamp), parent)
    const moored = await mooring(machine)
    if (toHex(header.parentBeaconBlockRoot ?? new Uint8Array()) !== toHex(moored))
      throw bad(`parentBeaconBlockRoot must be ${toHex(moored)}, the best Bitcoin block in the parent's state`)
    const coinbase = await beneficiary(machine, parent, author)
    if (toHex(header.coinbase.bytes) !== coinbase) throw bad(`coinbase must be ${coinbase}, the author's beneficiary`)
    const sessionKeys = new Set(this.#parts.sessionKeys(parent))
    for (const tx of transactions) if (!isInherentShape(tx)) refuseSessionKey(sessionKeys, tx)
    return { machine, run: new HawserBlockRun(machine, spec, header, author) }
  }

  async build(
    parent: BlockHeader,
    plan: BuildPlan,
    { signal }: Cancellable = {},
  ): Promise<{ readonly block: Block; readonly executed: Executed; readonly dropped: readonly Hash32[] }> {
    const { spec, common, clock, logger } = this.#parts
    const machine = await this.machine(parent)
    const fields = {
      ...headerFromParent(spec, parent, plan.slot),
      coinbase: ethereumAddress(await beneficiary(machine, parent, plan.author)),
      parentBeaconBlockRoot: await mooring(machine),
    }
    const draft = createBlockHeader(fields, { common, setHardfork: false, freeze: false })
    const run = new HawserBlockRun(machine, spec, draft, plan.author)
    await run.begin()
    const transactions: TypedTransaction[] = []
    let bytes = BLOCK_OVERHEAD_BYTES
    const take = (tx: TypedTransaction, size: number) => {
      transactions.push(tx)
      bytes += size
    }
    for (const call of plan.inherents) {
      signal?.throwIfAborted()
      const tx = await this.#signInherent(machine, call, plan, inherentGasCap(draft.gasLimit) - run.gasUsed)
      const size = tx ? encodedTransaction(tx).length : 0
      if (!tx || bytes + size > MAX_BLOCK_BYTES) continue
      try {
        await run.transaction(tx)
        take(tx, size)
      } catch (error) {
        if (!isAppError(error, 'BLOCK_BAD_EXECUTION')) throw error
        logger.warn({ inherent: call.label, err: messageOf(error) }, 'an inherent was left out of the block')
      }
    }
    const sessionKeys = new Set(this.#parts.sessionKeys(parent))
    const dropped: Hash32[] = []
    const blocked = new Set<Address>()
    for (const tx of plan.transactions) {
      signal?.throwIfAborted()
      if (clock.nowMs() >= plan.deadlineMs || draft.gasLimit - run.gasUsed < 21_000n) break
      const sender = senderOf(tx)
      const size = encodedTransaction(tx).length
      // What follows a sender's transaction that is not in would have a nonce too high.
      if (blocked.has(sender) || tx.gasLimit > draft.gasLimit - run.gasUsed || bytes + size > MAX_BLOCK_BYTES) {
        blocked.add(sender)
        continue
      }
      try {
        refuseSessionKey(sessionKeys, tx)
        await run.transaction(tx)
        take(tx, size)
      } catch (error) {
        if (!isAppError(error, 'BLOCK_BAD_EXECUTION')) throw error
        blocked.add(sender)
        dropped.push(transactionHash(tx))
        logger.debug({ err: messageOf(error) }, 'a transaction could not go into the block')
      }
    }
    const result = await run.finish()
    const options = { common, setHardfork: false, freeze: false } as const
    const header = createBlockHeader(
      {
        ...fields,
        stateRoot: fromHex(result.stateRoot),
        receiptTrie: fromHex(result.receiptsRoot),
        logsBloom: result.logsBloom,
        gasUsed: result.gasUsed,
        transactionsTrie: fromHex(transactionsRoot(transactions)),
      },
      options,
    )
    // Not by createBlock, which would make every transaction anew: all that is known of them would be lost.
    const block = new Block(header, transactions, [], [], options)
    return { block, executed: this.executed(machine, result, block.header), dropped }
  }

  async #signInherent(machine: Machine, call: InherentCall, plan: BuildPlan, gasLeft: bigint) {
    if (call.gasLimit > gasLeft) return undefined
    const { common } = this.#parts
    const account = await machine.state.getAccount(ethereumAddress(plan.author))
    const unsigned = createLegacyTx(
      { nonce: account?.nonce ?? 0n, gasPrice: 0n, gasLimit: call.gasLimit, to: call.to, value: 0n, data: call.data },
      { common, freeze: false },
    )
    const signature = await plan.sign.sign({
      kind: 'inherent',
      to: call.to,
      signingHash: toHex(unsigned.getHashedMessageToSign()) as Hash32,
    })
    // EIP-155
    const v = common.chainId() * 2n + 35n + BigInt(signature[64] ?? 0)
    return unsigned.addSignature(v, signature.subarray(0, 32), signature.subarray(32, 64))
  }
}

function refuseSessionKey(sessionKeys: ReadonlySet<Address>, tx: TypedTransaction): void {
  if (sessionKeys.has(senderOf(tx))) throw bad(`a paid transaction comes from the session key ${senderOf(tx)}`)
}

/** The best Bitcoin block in the light client's fixed slot, internal byte order. */
async function mooring(machine: Machine): Promise<Uint8Array> {
  const value = await machine.state.getStorage(
    ethereumAddress(systemContracts.bitcoinLightClient as Address),
    uintBE(BEST_BLOCK_SLOT, 32),
  )
  const word = new Uint8Array(32)
  word.set(value, 32 - value.length)
  return word
}

async function beneficiary(machine: Machine, header: BlockHeader, author: Address): Promise<Address> {
  const request = { to: systemContracts.validators as Address, data: functionData('beneficiaryOf', author) }
  const outcome = await runCall(machine, callHeader(header, request), request, 1_000_000n)
  if (outcome.kind !== 'success' || readUintBE(outcome.output) === 0n)
    throw systemCallFailed('Validators.beneficiaryOf', `the beneficiary of ${author} cannot be read`)
  return toHex(outcome.output.subarray(12, 32)) as Address
}
