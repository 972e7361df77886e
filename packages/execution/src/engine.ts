import {
  createBlock,
  createBlockHeader,
  genTransactionsTrieRoot,
  type Block,
  type BlockHeader,
} from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { createLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import {
  countInherents,
  headerFromParent,
  inherentGasCap,
  MAX_BLOCK_BYTES,
  senderOf,
  sessionAddresses,
  slotOf,
  transactionHash,
  type BuildPlan,
  type CallOutcome,
  type CallRequest,
  type Cancellable,
  type ChainSpec,
  type Executed,
  type ExecutionEngine,
  type InherentCall,
  type StateView,
} from '@hawser/chain'
import { BEST_BLOCK_SLOT, systemContracts } from '@hawser/contracts'
import {
  AppError,
  fromHex,
  messageOf,
  readUintBE,
  toHex,
  uintBE,
  wei,
  type Address,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import type { KeyValueStore } from '@hawser/storage'
import { BlockRun, ethereumAddress, type BlockResult } from './block-run.ts'
import { callHeader, estimateGas, runCall } from './call.ts'
import type { ExecutionError } from './errors.ts'
import { openMachine, type Machine } from './machine.ts'
import { functionData } from './system-calls.ts'
import { NodeCache } from './trie-database.ts'

/** Room left in a block for its header and the seal, in bytes. */
const BLOCK_OVERHEAD_BYTES = 4096

export interface EngineParts {
  readonly spec: ChainSpec
  readonly common: Common
  readonly store: KeyValueStore
  readonly clock: Clock
  readonly logger: Logger
  /** Headers by hash: how BLOCKHASH walks back along a fork. */
  readonly headerOf: (hash: Hash32) => BlockHeader | undefined
  /** Who authors a slot on top of a parent. */
  readonly author: (slot: bigint, parent: BlockHeader) => Address
}

/** The ExecutionEngine port on EthereumJS's interpreter, with a block loop of our own. */
export class EthereumJsEngine implements ExecutionEngine {
  readonly #parts: EngineParts
  readonly #nodes = new NodeCache()
  readonly #sessionKeys: ReadonlySet<Address>

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#sessionKeys = new Set(sessionAddresses(parts.spec))
  }

  async execute(parent: BlockHeader, block: Block, { signal }: Cancellable = {}): Promise<Executed> {
    const { spec } = this.#parts
    const { header } = block
    const machine = await this.#machine(parent)
    const author = this.#parts.author(slotOf(spec, header.timestamp), parent)
    const moored = await mooring(machine)
    if (toHex(header.parentBeaconBlockRoot ?? new Uint8Array()) !== toHex(moored))
      throw bad(`parentBeaconBlockRoot must be ${toHex(moored)}, the best Bitcoin block in the parent's state`)
    const coinbase = await beneficiary(machine, parent, author)
    if (toHex(header.coinbase.bytes) !== coinbase) throw bad(`coinbase must be ${coinbase}, the author's beneficiary`)
    const run = new BlockRun(machine, spec, header, author)
    await run.begin()
    const inherents = countInherents(block.transactions)
    for (const [index, tx] of block.transactions.entries()) {
      signal?.throwIfAborted()
      if (index < inherents) await run.inherent(tx)
      else {
        this.#refuseSessionKey(tx)
        await run.paid(tx)
      }
    }
    const result = await run.finish()
    compare('stateRoot', toHex(header.stateRoot), result.stateRoot)
    compare('receiptsRoot', toHex(header.receiptTrie), result.receiptsRoot)
    compare('gasUsed', header.gasUsed, result.gasUsed)
    compare('logsBloom', toHex(header.logsBloom), toHex(result.logsBloom))
    return executed(machine, result)
  }

  async build(
    parent: BlockHeader,
    plan: BuildPlan,
    { signal }: Cancellable = {},
  ): Promise<{ readonly block: Block; readonly executed: Executed; readonly dropped: readonly Hash32[] }> {
    const { spec, common, clock, logger } = this.#parts
    const machine = await this.#machine(parent)
    const fields = {
      ...headerFromParent(spec, parent, plan.slot),
      coinbase: ethereumAddress(await beneficiary(machine, parent, plan.author)),
      parentBeaconBlockRoot: await mooring(machine),
    }
    const draft = createBlockHeader(fields, { common, setHardfork: false, freeze: false })
    const run = new BlockRun(machine, spec, draft, plan.author)
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
      const size = tx?.serialize().length ?? 0
      if (!tx || bytes + size > MAX_BLOCK_BYTES) continue
      try {
        await run.inherent(tx)
        take(tx, size)
      } catch (error) {
        logger.warn({ inherent: call.label, err: messageOf(error) }, 'an inherent was left out of the block')
      }
    }
    const dropped: Hash32[] = []
    const blocked = new Set<Address>()
    for (const tx of plan.transactions) {
      signal?.throwIfAborted()
      if (clock.nowMs() >= plan.deadlineMs || draft.gasLimit - run.gasUsed < 21_000n) break
      const sender = senderOf(tx)
      const size = tx.serialize().length
      // What follows a sender's transaction that is not in would have a nonce too high.
      if (blocked.has(sender) || tx.gasLimit > draft.gasLimit - run.gasUsed || bytes + size > MAX_BLOCK_BYTES) {
        blocked.add(sender)
        continue
      }
      try {
        this.#refuseSessionKey(tx)
        await run.paid(tx)
        take(tx, size)
      } catch (error) {
        blocked.add(sender)
        dropped.push(transactionHash(tx))
        logger.debug({ err: messageOf(error) }, 'a transaction could not go into the block')
      }
    }
    const result = await run.finish()
    const block = createBlock(
      {
        header: {
          ...fields,
          stateRoot: fromHex(result.stateRoot),
          receiptTrie: fromHex(result.receiptsRoot),
          logsBloom: result.logsBloom,
          gasUsed: result.gasUsed,
          transactionsTrie: await genTransactionsTrieRoot(transactions),
        },
        transactions,
        withdrawals: [],
      },
      { common, setHardfork: false, freeze: false },
    )
    return { block, executed: executed(machine, result), dropped }
  }

  async call(at: BlockHeader, request: CallRequest): Promise<CallOutcome> {
    const machine = await this.#machine(at)
    const gas = request.gas !== undefined && request.gas < at.gasLimit ? request.gas : at.gasLimit
    return runCall(machine, callHeader(at, request), request, gas)
  }

  async estimateGas(at: BlockHeader, request: CallRequest): Promise<bigint | CallOutcome> {
    return estimateGas(await this.#machine(at), callHeader(at, request), request)
  }

  stateAt(block: BlockHeader): StateView {
    const opened = openMachine({ ...this.#parts, nodes: this.#nodes }, block.stateRoot, () => undefined)
    // Whoever reads awaits it; an unread view must not bring the process down.
    opened.catch(() => undefined)
    return {
      async account(address) {
        const account = await (await opened).state.getAccount(ethereumAddress(address))
        return (
          account && {
            nonce: account.nonce,
            balance: wei(account.balance),
            codeHash: toHex(account.codeHash) as Hash32,
            storageRoot: toHex(account.storageRoot) as Hash32,
          }
        )
      },
      async code(address) {
        return (await opened).state.getCode(ethereumAddress(address))
      },
      async storage(address, key) {
        const value = await (await opened).state.getStorage(ethereumAddress(address), key)
        const word = new Uint8Array(32)
        word.set(value, 32 - value.length)
        return word
      },
    }
  }

  #machine(parent: BlockHeader): Promise<Machine> {
    const { headerOf } = this.#parts
    return openMachine({ ...this.#parts, nodes: this.#nodes }, parent.stateRoot, (number) => {
      let header: BlockHeader | undefined = parent
      while (header && header.number > number) header = headerOf(toHex(header.parentHash) as Hash32)
      return header && header.number === number ? (toHex(header.hash()) as Hash32) : undefined
    })
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

  #refuseSessionKey(tx: TypedTransaction): void {
    if (this.#sessionKeys.has(senderOf(tx))) throw bad(`a paid transaction comes from the session key ${senderOf(tx)}`)
  }
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
    throw new AppError<ExecutionError>(
      { code: 'SYSTEM_CALL_FAILED', fault: 'local' },
      `the beneficiary of ${author} cannot be read`,
    )
  return toHex(outcome.output.subarray(12, 32)) as Address
}

function executed(machine: Machine, result: BlockResult): Executed {
  return { ...result, state: machine.writes() }
}

function compare(field: string, header: string | bigint, ours: string | bigint): void {
  if (header !== ours) throw bad(`${field} is ${header} in the header, execution gave ${ours}`)
}

function bad(why: string): AppError<ExecutionError> {
  return new AppError<ExecutionError>({ code: 'BLOCK_BAD_EXECUTION', fault: 'peer' }, why)
}
