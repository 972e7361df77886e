import { formatBtc, WEI_PER_SAT } from '@hawser/primitives'

/** Satoshis for people: 0.015 BTC. */
export function btc(amountSats: bigint | string): string {
  return `${formatBtc(BigInt(amountSats))} BTC`
}

/** Wei as satoshis with as many decimals as it needs: 2.1 sat. */
export function weiAsSats(wei: bigint): string {
  const fraction = (wei % WEI_PER_SAT).toString().padStart(10, '0').replace(/0+$/, '')
  return `${wei / WEI_PER_SAT}${fraction ? `.${fraction}` : ''} sat`
}

/** Wei as BTC to the wei: 9.99999998 BTC. */
export function weiAsBtc(wei: bigint): string {
  const fraction = (wei % 10n ** 18n).toString().padStart(18, '0').replace(/0+$/, '')
  return `${wei / 10n ** 18n}${fraction ? `.${fraction}` : ''} BTC`
}

/** Milliseconds as 12.3 s. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** Names and values in two columns. */
export function columns(rows: readonly (readonly [string, string])[], indent = ''): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${indent}${name.padEnd(width)}  ${value}`)
}
