export {
  BitcoindClient,
  DEFAULT_TIMEOUT_MS,
  MAX_RESPONSE_BYTES,
  type BitcoindAuth,
  type BitcoindCall,
  type BitcoindClientOptions,
  type CallOptions,
} from './bitcoind-client.ts'
export {
  BitcoindSource,
  MAX_HEADERS_PER_REQUEST,
  type BitcoindSourceOptions,
  type BitcoinTip,
  type UtxoView,
  type WaitOptions,
} from './bitcoind-source.ts'
export {
  L1Wallet,
  MAX_WALLET_ADDRESSES,
  type SentTransaction,
  type WalletAddressKind,
  type WalletCoin,
  type WalletOutput,
} from './l1-wallet.ts'
export { startBitcoind, type RunningBitcoind, type StartBitcoindOptions } from './start-bitcoind.ts'
