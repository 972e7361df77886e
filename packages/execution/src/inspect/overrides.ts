import { createBlockHeader, type BlockHeader } from '@ethereumjs/block'
import { Account, createAddressFromString, KECCAK256_NULL } from '@ethereumjs/util'
import type { EVMInterface } from '@ethereumjs/evm'
import type { AccountOverride, BlockOverrides, ForkSchedule, StateOverrides } from '@hawser/chain'
import { fromHex, type Address } from '@hawser/primitives'
import type { Machine } from '../machine.ts'
import { refused } from './errors.ts'
import { precompileAddresses } from './precompile-addresses.ts'

/** The EVM's precompiles, by address in hex without prefix. */
type Precompiles = EVMInterface['precompiles']

/** Changes accounts before a call runs. @throws CALL_INVALID for what contradicts itself */
export async function applyStateOverrides(machine: Machine, overrides: StateOverrides): Promise<void> {
  // Noted before any is moved.
  precompileAddresses(machine.evm)
  movePrecompiles(machine.evm.precompiles, overrides)
  for (const [address, override] of overrides) await overrideAccount(machine, address, override)
}

function movePrecompiles(precompiles: Precompiles, overrides: StateOverrides): void {
  const taken = new Set<Address>()
  for (const [address, { movePrecompileToAddress: target }] of overrides) {
    if (taken.has(address))
      throw refused('CALL_INVALID', `account ${address} has already been overridden by a precompile`)
    const precompile = precompiles.get(address.slice(2))
    if (target !== undefined) {
      if (!precompile) throw refused('CALL_INVALID', `account ${address} is not a precompile`)
      if (overrides.has(target)) throw refused('CALL_INVALID', `account ${target} is already overridden`)
      precompiles.set(target.slice(2), precompile)
      taken.add(target)
    }
    // Whoever overrides a precompile's address means the account there.
    precompiles.delete(address.slice(2))
  }
}

/** Takes back what an override did to the precompiles. */
export function restorePrecompiles({ precompiles }: EVMInterface, before: Precompiles): void {
  precompiles.clear()
  for (const [address, precompile] of before) precompiles.set(address, precompile)
}

async function overrideAccount({ state }: Machine, address: Address, override: AccountOverride): Promise<void> {
  const key = createAddressFromString(address)
  if (override.state && override.stateDiff)
    throw refused('CALL_INVALID', `account ${address} has both 'state' and 'stateDiff'`)
  if (override.code) await state.putCode(key, override.code)
  const account = (await state.getAccount(key)) ?? new Account()
  if (override.code?.length === 0) account.codeHash = KECCAK256_NULL
  if (override.nonce !== undefined) account.nonce = override.nonce
  if (override.balance !== undefined) account.balance = override.balance
  await state.putAccount(key, account)
  if (override.state) await state.clearStorage(key)
  for (const [slot, word] of override.state ?? override.stateDiff ?? [])
    await state.putStorage(key, fromHex(slot), withoutLeadingZeros(fromHex(word)))
  // What stands there now is what the call finds, not what it changed.
  state.originalStorageCache.clear()
}

/** EthereumJS stores words as RLP has them. */
function withoutLeadingZeros(word: Uint8Array): Uint8Array {
  const start = word.findIndex((byte) => byte !== 0)
  return start === -1 ? new Uint8Array() : word.slice(start)
}

/** A header with some fields changed, by the rules of the block that it then is. */
export function overriddenHeader(header: BlockHeader, overrides: BlockOverrides, rules: ForkSchedule): BlockHeader {
  const number = overrides.number ?? header.number
  const timestamp = overrides.time ?? header.timestamp
  const common = rules({ number, timestamp, difficulty: header.difficulty })
  const changed = createBlockHeader(
    {
      parentHash: header.parentHash,
      uncleHash: header.uncleHash,
      difficulty: header.difficulty,
      extraData: header.extraData,
      nonce: header.nonce,
      number,
      timestamp,
      gasLimit: overrides.gasLimit ?? header.gasLimit,
      coinbase: overrides.feeRecipient ? createAddressFromString(overrides.feeRecipient) : header.coinbase,
      mixHash: overrides.prevRandao ?? header.mixHash,
      ...(common.isActivatedEIP(1559) ? { baseFeePerGas: overrides.baseFeePerGas ?? header.baseFeePerGas ?? 0n } : {}),
      ...(common.isActivatedEIP(4844)
        ? {
            excessBlobGas: header.excessBlobGas ?? 0n,
            blobGasUsed: header.blobGasUsed ?? 0n,
            parentBeaconBlockRoot: overrides.beaconRoot ?? header.parentBeaconBlockRoot ?? new Uint8Array(32),
          }
        : {}),
    },
    { common, setHardfork: false, freeze: false },
  )
  return withBlobBaseFee(changed, overrides.blobBaseFee)
}

/** The header with a blob base fee of its own. */
export function withBlobBaseFee(header: BlockHeader, fee: bigint | undefined): BlockHeader {
  if (fee === undefined) return header
  return Object.create(header, { getBlobGasPrice: { value: () => fee } }) as BlockHeader
}
