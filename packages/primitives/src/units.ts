import { sats, wei, type Sats, type Wei } from './brands.ts'
import { AppError } from './errors.ts'

/** 1 satoshi in wei of the native coin. */
export const WEI_PER_SAT = 10_000_000_000n
/** 1 BTC in satoshis. */
export const SATS_PER_BTC = 100_000_000n

/** The one conversion from Bitcoin's unit to the chain's. */
export function satsToWei(amountSats: Sats): Wei {
  return wei(amountSats * WEI_PER_SAT)
}

/**
 * The one conversion from the chain's unit to Bitcoin's.
 * @throws WEI_NOT_WHOLE_SATS when the amount is a fraction of a satoshi.
 */
export function weiToSats(amountWei: bigint): Sats {
  if (amountWei % WEI_PER_SAT !== 0n)
    throw new AppError(
      { code: 'WEI_NOT_WHOLE_SATS', fault: 'user' },
      `${amountWei} wei is a fraction of a satoshi; use a multiple of ${WEI_PER_SAT} wei`,
    )
  return sats(amountWei / WEI_PER_SAT)
}

/**
 * Satoshis of a decimal BTC amount such as "0.1" (at most 8 decimals).
 * @throws BTC_AMOUNT_INVALID for anything else.
 */
export function parseBtc(text: string): Sats {
  const match = /^(\d{1,8})(?:\.(\d{1,8}))?$/.exec(text.trim())
  if (!match)
    throw new AppError(
      { code: 'BTC_AMOUNT_INVALID', fault: 'user' },
      `not an amount of BTC: "${text.slice(0, 40)}"; write digits with at most 8 decimals, such as 0.015`,
    )
  return sats(BigInt(match[1] ?? '0') * SATS_PER_BTC + BigInt((match[2] ?? '').padEnd(8, '0')))
}

/** A BTC amount with as many decimals as it needs: 0.1, 10, 0.00000546. */
export function formatBtc(amountSats: bigint): string {
  const sign = amountSats < 0n ? '-' : ''
  const n = amountSats < 0n ? -amountSats : amountSats
  const fraction = (n % SATS_PER_BTC).toString().padStart(8, '0').replace(/0+$/, '')
  return `${sign}${n / SATS_PER_BTC}${fraction ? `.${fraction}` : ''}`
}
