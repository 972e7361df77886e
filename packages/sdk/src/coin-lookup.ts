import { sats as toSats, type Hex } from '@hawser/primitives'

/** An unspent output as some view of Bitcoin has it. */
export interface UnspentOutput {
  readonly sats: bigint
  readonly scriptPubKey: Hex
}

/** Looks for an output on Bitcoin; `txid` as explorers show it. Undefined when it is spent or does not exist. */
export type CoinLookup = (outpoint: {
  readonly txid: string
  readonly vout: number
}) => Promise<UnspentOutput | undefined>

/** Looks for coins with bitcoind's `gettxout`, by whatever calls the user's own node. */
export function bitcoindCoins(call: (method: string, params: readonly unknown[]) => Promise<unknown>): CoinLookup {
  return async ({ txid, vout }) => {
    const found = (await call('gettxout', [txid, vout, false])) as {
      value: number
      scriptPubKey: { hex: string }
    } | null
    if (!found) return undefined
    return { sats: toSats(Math.round(found.value * 1e8)), scriptPubKey: `0x${found.scriptPubKey.hex}` }
  }
}

/** Looks for coins with an Esplora server's HTTP interface, for example https://blockstream.info/api. */
export function esploraCoins(url: string, get: typeof fetch = fetch): CoinLookup {
  const ask = async <T>(path: string): Promise<T | undefined> => {
    const response = await get(`${url}${path}`)
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`${url} answers HTTP ${response.status}`)
    return (await response.json()) as T
  }
  return async ({ txid, vout }) => {
    const tx = await ask<{ vout: { value: number; scriptpubkey: string }[] }>(`/tx/${txid}`)
    const output = tx?.vout[vout]
    if (!output) return undefined
    const spend = await ask<{ spent: boolean }>(`/tx/${txid}/outspend/${vout}`)
    if (spend?.spent !== false) return undefined
    return { sats: toSats(output.value), scriptPubKey: `0x${output.scriptpubkey}` }
  }
}
