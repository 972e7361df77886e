import type { Common } from '@ethereumjs/common'
import { Hardfork } from '@ethereumjs/common'
import type { CallRequest } from '@hawser/chain'

const TX_GAS = 21_000n
const CREATION_GAS = 32_000n
const ZERO_BYTE_GAS = 4n
const BYTE_GAS_FRONTIER = 68n
const BYTE_GAS_ISTANBUL = 16n // EIP-2028
const INIT_CODE_WORD_GAS = 2n // EIP-3860
const ACCESS_LIST_ADDRESS_GAS = 2_400n // EIP-2930
const ACCESS_LIST_KEY_GAS = 1_900n
const AUTHORIZATION_GAS = 25_000n // EIP-7702
const FLOOR_GAS_PER_TOKEN = 10n // EIP-7623
const TOKENS_PER_BYTE = 4n

/** What a transaction is charged before its first opcode, and EIP-7623's least charge. */
export function intrinsicGas(
  common: Common,
  request: CallRequest,
): { readonly intrinsic: bigint; readonly floor: bigint } {
  const data = request.data ?? new Uint8Array()
  let zeros = 0
  for (const byte of data) if (byte === 0) zeros++
  const others = BigInt(data.length - zeros)
  const byteGas = common.gteHardfork(Hardfork.Istanbul) ? BYTE_GAS_ISTANBUL : BYTE_GAS_FRONTIER
  let intrinsic = TX_GAS + BigInt(zeros) * ZERO_BYTE_GAS + others * byteGas
  if (request.to === undefined) {
    if (common.gteHardfork(Hardfork.Homestead)) intrinsic += CREATION_GAS
    if (common.isActivatedEIP(3860)) intrinsic += INIT_CODE_WORD_GAS * BigInt(Math.ceil(data.length / 32))
  }
  for (const { storageKeys } of request.accessList ?? [])
    intrinsic += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_KEY_GAS * BigInt(storageKeys.length)
  intrinsic += AUTHORIZATION_GAS * BigInt(request.authorizationList?.length ?? 0)
  const tokens = BigInt(zeros) + TOKENS_PER_BYTE * others
  return { intrinsic, floor: common.isActivatedEIP(7623) ? TX_GAS + FLOOR_GAS_PER_TOKEN * tokens : 0n }
}
