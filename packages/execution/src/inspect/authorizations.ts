import { Account, createAddressFromString, eoaCode7702RecoverAuthority } from '@ethereumjs/util'
import type { Authorization } from '@hawser/chain'
import { concatBytes, fromHex, uintBE, ZERO_ADDRESS, type Address } from '@hawser/primitives'
import type { Machine } from '../machine.ts'

/** EIP-7702: the code of an account whose calls run another contract's code is this and the address. */
const DELEGATION_PREFIX = Uint8Array.of(0xef, 0x01, 0x00)
const MAX_NONCE = (1n << 64n) - 1n
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
/** What an authorization of an account that exists gives back: 25,000 - 12,500. */
const KNOWN_ACCOUNT_REFUND = 12_500n

type AuthorizationBytes = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]

/** Whether an account's code says that its calls run another contract's code. */
export function isDelegation(code: Uint8Array): boolean {
  return code.length === 23 && DELEGATION_PREFIX.every((byte, i) => code[i] === byte)
}

/** Takes a list of authorizations into the state; those that are not valid are passed over. Gives the refund. @see EIP-7702 */
export async function applyAuthorizations(machine: Machine, list: readonly Authorization[]): Promise<bigint> {
  const { evm, state } = machine
  let refund = 0n
  for (const item of list) {
    if (item.chainId !== 0n && item.chainId !== evm.common.chainId()) continue
    if (item.nonce >= MAX_NONCE || item.s > HALF_ORDER || item.yParity > 1n) continue
    const signer = authorityOf(authorizationBytes(item))
    if (!signer) continue
    const authority = createAddressFromString(signer)
    const known = await state.getAccount(authority)
    const account = known ?? new Account()
    evm.journal.addAlwaysWarmAddress(authority.toString())
    if (account.isContract() && !isDelegation(await state.getCode(authority))) continue
    if (account.nonce !== item.nonce) continue
    if (known) refund += KNOWN_ACCOUNT_REFUND
    account.nonce++
    await evm.journal.putAccount(authority, account)
    const code =
      item.address === ZERO_ADDRESS ? new Uint8Array() : concatBytes(DELEGATION_PREFIX, fromHex(item.address))
    await state.putCode(authority, code)
  }
  return refund
}

/** An authorization as a transaction has it. */
export function authorizationBytes({ chainId, address, nonce, yParity, r, s }: Authorization): AuthorizationBytes {
  return [
    minimalBytes(chainId),
    fromHex(address),
    minimalBytes(nonce),
    minimalBytes(yParity),
    minimalBytes(r),
    minimalBytes(s),
  ]
}

/** Who signed an authorization; undefined when the signature is none. */
export function authorityOf(item: AuthorizationBytes): Address | undefined {
  try {
    return eoaCode7702RecoverAuthority(item).toString() as Address
  } catch {
    return undefined
  }
}

/** The shortest big-endian form, empty for 0. */
export function minimalBytes(value: bigint): Uint8Array {
  let width = 0
  for (let rest = value; rest > 0n; rest >>= 8n) width++
  return uintBE(value, width)
}
