import { defineChain, type Chain } from 'viem'

/** The chain for viem and wallets: BTC with 18 decimals. `webSocketUrl` defaults to the same host and port. */
export function hawserChain(chainId: number, rpcUrl: string, webSocketUrl = rpcUrl.replace(/^http/, 'ws')): Chain {
  return defineChain({
    id: chainId,
    name: chainId === 18443 ? 'Hawser devnet' : `Hawser ${chainId}`,
    nativeCurrency: { name: 'Bitcoin', symbol: 'BTC', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl], webSocket: [webSocketUrl] } },
    contracts: { multicall3: { address: '0xcA11bde05977b3631167028862bE2a173976CA11' } },
  })
}
