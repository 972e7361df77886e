import type { InterpreterStep } from '@ethereumjs/evm'
import {
  Address as EthereumAddress,
  createAddressFromString,
  generateAddress,
  generateAddress2,
} from '@ethereumjs/util'
import type { TracerConfig } from '@hawser/chain'
import { keccak256, toHex, uintBE, type Hex } from '@hawser/primitives'
import { minimalBytes } from '../authorizations.ts'
import { MAX_MEMORY_BYTES, type TraceContext, type Tracer, type TraceStart } from './tracer.ts'

const ACCOUNT_CHARS = 150
const SLOT_CHARS = 140
const ADDRESS_MASK = (1n << 160n) - 1n

type Options = Extract<TracerConfig, { kind: 'prestateTracer' }>

interface Prestate {
  balance: bigint
  nonce: bigint
  code: Uint8Array
  /** Words by slot, both 32 bytes. */
  readonly storage: Map<Hex, Hex>
  readonly exists: boolean
}

interface AccountState {
  balance?: Hex
  nonce?: number
  code?: Hex
  codeHash?: Hex
  storage?: Record<Hex, Hex>
}

/** Tells the accounts and slots that an execution needs as they were before it, or also what it made of them. */
export class PrestateTracer implements Tracer {
  readonly #options: Options
  readonly #context: TraceContext
  readonly #before = new Map<Hex, Prestate>()
  readonly #destroyed = new Set<Hex>()

  constructor(options: Options, context: TraceContext) {
    this.#options = options
    this.#context = context
  }

  async start({ from, to, coinbase, authorizations }: TraceStart): Promise<void> {
    const sender = await this.#account(createAddressFromString(from))
    if (to !== undefined) await this.#account(createAddressFromString(to))
    else
      await this.#account(
        new EthereumAddress(generateAddress(createAddressFromString(from).bytes, minimalBytes(sender.nonce))),
      )
    await this.#account(createAddressFromString(coinbase))
    for (const authority of authorizations) if (authority) await this.#account(createAddressFromString(authority))
  }

  step(step: InterpreterStep): Promise<void> | void {
    const { stack, address, opcode } = step
    const top = stack.at(-1)
    switch (opcode.name) {
      case 'SLOAD':
      case 'SSTORE':
        return top === undefined ? undefined : this.#slot(address, top)
      case 'EXTCODECOPY':
      case 'EXTCODEHASH':
      case 'EXTCODESIZE':
      case 'BALANCE':
        return top === undefined ? undefined : this.#touch(top)
      case 'SELFDESTRUCT':
        if (top === undefined) return
        this.#destroyed.add(address.toString())
        return this.#touch(top)
      case 'CALL':
      case 'CALLCODE':
      case 'DELEGATECALL':
      case 'STATICCALL': {
        const target = stack.at(-2)
        return target === undefined ? undefined : this.#touch(target)
      }
      case 'CREATE':
        return this.#createFrom(address)
      case 'CREATE2':
        return this.#create2(step)
    }
  }

  async finish(): Promise<unknown> {
    const { diffMode, includeEmpty } = this.#options
    if (!diffMode) {
      const told: Record<Hex, AccountState> = {}
      for (const [address, account] of this.#before)
        if (account.exists || includeEmpty) told[address] = this.#tell(account)
      return told
    }
    return this.#difference()
  }

  async #difference() {
    const pre: Record<Hex, AccountState> = {}
    const post: Record<Hex, AccountState> = {}
    for (const [address, account] of this.#before) {
      const key = createAddressFromString(address)
      const now = await this.#context.state.getAccount(key)
      const gone = now === undefined && this.#destroyed.has(address)
      const after: AccountState = {}
      const changed: Record<Hex, Hex> = {}
      const old = new Map<Hex, Hex>()
      if (!gone) {
        if ((now?.balance ?? 0n) !== account.balance) after.balance = quantity(now?.balance ?? 0n)
        if ((now?.nonce ?? 0n) !== account.nonce) after.nonce = Number(now?.nonce ?? 0n)
        const code = await this.#context.state.getCode(key)
        if (!this.#options.disableCode && toHex(code) !== toHex(account.code)) Object.assign(after, formCode(code))
        for (const [slot, word] of account.storage) {
          const value = await this.#word(key, slot)
          if (value === word) continue
          if (!isZero(word)) old.set(slot, word)
          if (!isZero(value)) changed[slot] = value
          after.storage = changed
        }
        if (Object.keys(after).length === 0) continue
        if (Object.keys(changed).length === 0) delete after.storage
        post[address] = after
      }
      if (!account.exists) continue
      pre[address] = this.#tell({ ...account, storage: gone ? account.storage : old })
    }
    return { post, pre }
  }

  #tell({ balance, nonce, code, storage }: Prestate): AccountState {
    return {
      balance: quantity(balance),
      ...(nonce > 0n ? { nonce: Number(nonce) } : {}),
      ...(code.length > 0 && !this.#options.disableCode ? formCode(code) : {}),
      ...(storage.size > 0 && !this.#options.disableStorage ? { storage: Object.fromEntries(storage) } : {}),
    }
  }

  async #account(address: EthereumAddress): Promise<Prestate> {
    const key = address.toString()
    const known = this.#before.get(key)
    if (known) return known
    const account = await this.#context.state.getAccount(address)
    const code = account?.isContract() ? await this.#context.state.getCode(address) : new Uint8Array()
    this.#context.room.take(ACCOUNT_CHARS + (this.#options.disableCode ? 0 : 2 * code.length))
    const found: Prestate = {
      balance: account?.balance ?? 0n,
      nonce: account?.nonce ?? 0n,
      code,
      storage: new Map(),
      exists: account !== undefined && !account.isEmpty(),
    }
    this.#before.set(key, found)
    return found
  }

  async #touch(word: bigint): Promise<void> {
    await this.#account(new EthereumAddress(uintBE(word & ADDRESS_MASK, 20)))
  }

  async #slot(address: EthereumAddress, slot: bigint): Promise<void> {
    const account = await this.#account(address)
    const key = toHex(uintBE(slot, 32))
    if (this.#options.disableStorage || account.storage.has(key)) return
    this.#context.room.take(SLOT_CHARS)
    account.storage.set(key, await this.#word(address, key))
  }

  async #word(address: EthereumAddress, slot: Hex): Promise<Hex> {
    const value = await this.#context.state.getStorage(address, uintBE(BigInt(slot), 32))
    return `0x${toHex(value).slice(2).padStart(64, '0')}`
  }

  async #createFrom(creator: EthereumAddress): Promise<void> {
    const account = await this.#context.state.getAccount(creator)
    await this.#account(new EthereumAddress(generateAddress(creator.bytes, minimalBytes(account?.nonce ?? 0n))))
  }

  async #create2({ stack, memory, address }: InterpreterStep): Promise<void> {
    const [offset, length, salt] = [stack.at(-2), stack.at(-3), stack.at(-4)]
    if (offset === undefined || length === undefined || salt === undefined) return
    // Nobody can pay for more memory than that; such a CREATE2 fails.
    if (length > MAX_MEMORY_BYTES) return
    const code = new Uint8Array(Number(length))
    code.set(memory.subarray(Number(offset), Number(offset) + Number(length)))
    await this.#account(new EthereumAddress(generateAddress2(address.bytes, uintBE(salt, 32), code)))
  }
}

function formCode(code: Uint8Array): { readonly code: Hex; readonly codeHash: Hex } {
  return { code: toHex(code), codeHash: toHex(keccak256(code)) }
}

function isZero(word: Hex): boolean {
  return /^0x0*$/.test(word)
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
