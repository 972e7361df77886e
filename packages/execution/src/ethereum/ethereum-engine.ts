import { createBlock, createBlockHeader, genWithdrawalsTrieRoot, type Block, type BlockHeader } from '@ethereumjs/block'
import { ConsensusType } from '@ethereumjs/common'
import type { TypedTransaction } from '@ethereumjs/tx'
import { createAddressFromString, type CLRequest, type CLRequestType, type Withdrawal } from '@ethereumjs/util'
import { transactionsRoot, type Executed, type ForkSchedule } from '@hawser/chain'
import { equalBytes, fromHex, messageOf, type Address } from '@hawser/primitives'
import { bad } from '../block-run.ts'
import { EthereumJsEngine, type EngineParts } from '../engine.ts'
import { EthereumBlockRun } from './ethereum-block-run.ts'

export interface EthereumEngineParts extends EngineParts {
  readonly commonAt: ForkSchedule
  /** Whose events are deposits to the consensus layer (EIP-6110). */
  readonly depositContract?: Address
}

/** What a block builder is told by its consensus layer. */
export interface PayloadAttributes {
  /** Unix seconds */
  readonly timestamp: bigint
  readonly prevRandao: Uint8Array
  readonly feeRecipient: Address
  readonly withdrawals: readonly Withdrawal[]
  readonly parentBeaconBlockRoot?: Uint8Array
  readonly extraData?: Uint8Array
}

export interface BuiltPayload {
  readonly block: Block
  readonly executed: Executed
  readonly requests: readonly CLRequest<CLRequestType>[]
}

/**
 * Executes plain Ethereum chains, Homestead to the newest fork, by the same loop as our own. Proof-of-work seals and ommers' headers
 * are not checked: such a chain is imported from a trusted file.
 */
export class EthereumEngine extends EthereumJsEngine {
  readonly #parts: EthereumEngineParts

  constructor(parts: EthereumEngineParts) {
    super(parts)
    this.#parts = parts
  }

  override async openRun(parent: BlockHeader, block: Block) {
    await checkAgainstParent(parent, block)
    const { depositContract } = this.#parts
    const machine = await this.machine(parent, block.common)
    return { machine, run: new EthereumBlockRun(machine, block, depositContract) }
  }

  /** Builds a block of these transactions on a parent after the merge; one that cannot run makes it fail. @throws BLOCK_BAD_EXECUTION */
  async buildPayload(
    parent: BlockHeader,
    attributes: PayloadAttributes,
    transactions: readonly TypedTransaction[],
  ): Promise<BuiltPayload> {
    const { commonAt, depositContract } = this.#parts
    const { timestamp } = attributes
    const number = parent.number + 1n
    const common = commonAt({ number, timestamp, difficulty: 0n })
    const withdrawals = [...attributes.withdrawals]
    const fields = {
      parentHash: parent.hash(),
      number,
      timestamp,
      difficulty: 0n,
      coinbase: createAddressFromString(attributes.feeRecipient),
      mixHash: attributes.prevRandao,
      extraData: attributes.extraData ?? new Uint8Array(),
      gasLimit: nextGasLimit(parent.gasLimit),
      baseFeePerGas: parent.calcNextBaseFee(),
      ...(common.isActivatedEIP(4895) ? { withdrawalsRoot: await genWithdrawalsTrieRoot(withdrawals) } : {}),
      ...(common.isActivatedEIP(4844)
        ? {
            excessBlobGas: parent.calcNextExcessBlobGas(common),
            blobGasUsed:
              transactions.reduce((sum, tx) => sum + ('numBlobs' in tx ? BigInt(tx.numBlobs()) : 0n), 0n) *
              common.param('blobGasPerBlob'),
          }
        : {}),
      ...(common.isActivatedEIP(4788)
        ? { parentBeaconBlockRoot: attributes.parentBeaconBlockRoot ?? new Uint8Array(32) }
        : {}),
    }
    const options = { common, setHardfork: false, freeze: false } as const
    const header = createBlockHeader(fields, options)
    const machine = await this.machine(parent, common)
    const run = new EthereumBlockRun(machine, { header, uncleHeaders: [], withdrawals }, depositContract)
    await run.begin()
    for (const tx of transactions) await run.transaction(tx)
    const result = await run.finish()
    const block = createBlock(
      {
        header: {
          ...fields,
          stateRoot: fromHex(result.stateRoot),
          receiptTrie: fromHex(result.receiptsRoot),
          logsBloom: result.logsBloom,
          gasUsed: result.gasUsed,
          transactionsTrie: fromHex(transactionsRoot(transactions)),
          ...(common.isActivatedEIP(7685) ? { requestsHash: run.requestsHash } : {}),
        },
        transactions: [...transactions],
        ...(common.isActivatedEIP(4895) ? { withdrawals } : {}),
      },
      options,
    )
    return { block, executed: this.executed(machine, result, block.header), requests: run.requests }
  }
}

/** A limit that is to stay near Geth's default goal of 60M moves by a 1,024th at most. */
function nextGasLimit(parent: bigint): bigint {
  const goal = 60_000_000n
  const step = parent / 1024n - 1n
  if (parent < goal) return parent + step < goal ? parent + step : goal
  return parent - step > goal ? parent - step : goal
}

/** The rules that join a block to its parent, and its body to its header. @throws BLOCK_BAD_EXECUTION */
async function checkAgainstParent(parent: BlockHeader, block: Block): Promise<void> {
  const { header, common } = block
  if (header.number !== parent.number + 1n || !equalBytes(header.parentHash, parent.hash()))
    throw bad('it does not follow its parent')
  if (header.timestamp <= parent.timestamp) throw bad('its timestamp is not after its parent’s')
  try {
    header.validateGasLimit(parent)
    if (
      common.consensusType() === ConsensusType.ProofOfWork &&
      header.difficulty !== header.ethashCanonicalDifficulty(parent)
    )
      throw bad(`its difficulty must be ${header.ethashCanonicalDifficulty(parent)}`)
    if (common.isActivatedEIP(1559)) {
      const expected = parent.common.isActivatedEIP(1559) ? parent.calcNextBaseFee() : common.param('initialBaseFee')
      if (header.baseFeePerGas !== expected) throw bad(`its base fee must be ${expected}`)
    }
    if (common.isActivatedEIP(4844)) {
      const expected = parent.calcNextExcessBlobGas(common)
      if (header.excessBlobGas !== expected) throw bad(`its excess blob gas must be ${expected}`)
    }
    await block.validateData(false, true)
  } catch (cause) {
    throw bad(messageOf(cause), cause)
  }
}
