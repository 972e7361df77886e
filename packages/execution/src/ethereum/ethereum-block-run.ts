import { genRequestsRoot, type Block } from '@ethereumjs/block'
import { ConsensusType } from '@ethereumjs/common'
import type { TypedTransaction } from '@ethereumjs/tx'
import {
  Account,
  CLRequest,
  CLRequestType,
  createAddressFromString,
  type Address as EthereumAddress,
} from '@ethereumjs/util'
import type { Log } from '@hawser/chain'
import { concatBytes, equalBytes, readUintBE, sha256, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { bad, BlockRun, type TransactionOutcome } from '../block-run.ts'
import type { Machine } from '../machine.ts'

const WITHDRAWAL_REQUESTS = createAddressFromString('0x00000961ef480eb55e80d19ad83579a64c007002') // EIP-7002
const CONSOLIDATION_REQUESTS = createAddressFromString('0x0000bbddc7ce488642fb579f8b00f3a590007251') // EIP-7251
const DEPOSIT_TOPIC = '0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5' as Hash32 // EIP-6110
/** Where the fields of a deposit event lie in its 576 bytes of data: offsets of their lengths, and the lengths (EIP-6110). */
const DEPOSIT_FIELDS = [
  [160, 48],
  [256, 32],
  [320, 8],
  [384, 96],
  [512, 8],
] as const
const DEPOSIT_DATA_BYTES = 576
const GWEI = 10n ** 9n

/** Blocks of plain Ethereum chains: Homestead to the newest fork that EthereumJS has. */
export class EthereumBlockRun extends BlockRun {
  readonly #block: Pick<Block, 'uncleHeaders' | 'withdrawals'>
  readonly #depositContract: Address | undefined
  readonly #logs: Log[] = []
  #requests: CLRequest<CLRequestType>[] = []

  constructor(
    machine: Machine,
    block: Pick<Block, 'header' | 'uncleHeaders' | 'withdrawals'>,
    depositContract?: Address,
  ) {
    super(machine, block.header)
    this.#block = block
    this.#depositContract = depositContract
  }

  /** What the block asks of the consensus layer (EIP-7685), without the empty ones; complete after `finish`. */
  get requests(): readonly CLRequest<CLRequestType>[] {
    return this.#requests.filter((request) => request.data.length > 0)
  }

  get requestsHash(): Uint8Array {
    return genRequestsRoot(this.#requests, sha256)
  }

  override checkHeader(): void {
    const { requestsHash } = this.header
    if (requestsHash && !equalBytes(requestsHash, this.requestsHash))
      throw bad(`requestsHash is ${toHex(requestsHash)} in the header, execution gave ${toHex(this.requestsHash)}`)
  }

  async transaction(tx: TypedTransaction): Promise<TransactionOutcome> {
    const outcome = await this.run(tx, this.header)
    this.keep(outcome)
    this.#logs.push(...outcome.receipt.logs)
    return outcome
  }

  protected override before(): Promise<void> {
    return this.storeParent()
  }

  protected override async after(): Promise<void> {
    const { evm } = this.machine
    const { common } = this.header
    if (common.isActivatedEIP(4895))
      for (const { address, amount } of this.#block.withdrawals ?? []) await this.#credit(address, amount * GWEI)
    if (common.consensusType() === ConsensusType.ProofOfWork) await this.#payMiners()
    await evm.journal.cleanup()
    if (!common.isActivatedEIP(7685)) return
    this.#requests = [
      new CLRequest(CLRequestType.Deposit, concatBytes(...this.#logs.map((log) => this.#deposit(log)))),
      new CLRequest(CLRequestType.Withdrawal, await this.#asked('EIP-7002', WITHDRAWAL_REQUESTS)),
      new CLRequest(CLRequestType.Consolidation, await this.#asked('EIP-7251', CONSOLIDATION_REQUESTS)),
    ]
  }

  async #payMiners(): Promise<void> {
    const { common, coinbase, number } = this.header
    const reward = common.param('minerReward')
    const ommers = this.#block.uncleHeaders
    for (const ommer of ommers) await this.#credit(ommer.coinbase, (reward * (8n - (number - ommer.number))) / 8n)
    await this.#credit(coinbase, reward + (reward / 32n) * BigInt(ommers.length))
  }

  async #credit(address: EthereumAddress, wei: bigint): Promise<void> {
    const { evm, state } = this.machine
    const account = (await state.getAccount(address)) ?? new Account()
    account.balance += wei
    // By the journal, so that an account that stays empty is touched and goes (EIP-161).
    await evm.journal.putAccount(address, account)
  }

  async #asked(eip: string, contract: EthereumAddress): Promise<Uint8Array> {
    const code = await this.machine.state.getCode(contract)
    return code.length === 0 ? new Uint8Array() : this.systemCall(eip, contract, new Uint8Array())
  }

  #deposit({ address, topics, data }: Log): Uint8Array {
    if (address !== this.#depositContract || topics[0] !== DEPOSIT_TOPIC) return new Uint8Array()
    if (data.length !== DEPOSIT_DATA_BYTES) throw bad('a deposit event is malformed')
    return concatBytes(
      ...DEPOSIT_FIELDS.map(([offset, length], i) => {
        const word = (at: number) => readUintBE(data.subarray(at, at + 32))
        if (word(32 * i) !== BigInt(offset) || word(offset) !== BigInt(length))
          throw bad('a deposit event is malformed')
        return data.subarray(offset + 32, offset + 32 + length)
      }),
    )
  }
}
