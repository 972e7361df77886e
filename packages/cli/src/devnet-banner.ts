import { join } from 'node:path'
import { DEV_MNEMONIC, type Devnet } from '@hawser/node'
import { DEVNET_CHAIN_ID } from '@hawser/genesis'
import { DEFAULT_RPC_URL } from './context.ts'
import { btc, columns, seconds } from './format.ts'

/** What a devnet has to offer; the JSON of `hawser devnet --json`. */
export interface DevnetFacts {
  readonly rpcUrl: string
  readonly webSocketUrl: string
  readonly chainId: number
  readonly currency: { readonly symbol: 'BTC'; readonly decimals: 18 }
  readonly rpcUrls: readonly string[]
  readonly validators: readonly { readonly pid: number; readonly log: string; readonly monitorUrl: string }[]
  readonly mnemonic: string
  readonly accounts: readonly { readonly address: string; readonly privateKey: string }[]
  readonly dataDir: string
  readonly l1: {
    readonly kind: string
    readonly url: string
    readonly cookieFile?: string
    readonly user?: string
    readonly password?: string
    readonly walletAddress: string
    readonly walletSats: bigint
    readonly height: number
  }
}

/** Collects what the banner says. */
export async function devnetFacts(devnet: Devnet): Promise<DevnetFacts> {
  await devnet.wallet.sync()
  const { height } = await devnet.l1.source.tip()
  return {
    rpcUrl: devnet.rpcUrl,
    webSocketUrl: devnet.rpcUrl.replace(/^http/, 'ws'),
    chainId: DEVNET_CHAIN_ID,
    currency: { symbol: 'BTC', decimals: 18 },
    rpcUrls: devnet.rpcUrls,
    validators: devnet.validators.map(({ pid, monitorUrl }, index) => ({
      pid,
      monitorUrl,
      log: join(devnet.dataDir, 'validators', String(index), 'node.log'),
    })),
    mnemonic: DEV_MNEMONIC,
    accounts: devnet.accounts,
    dataDir: devnet.dataDir,
    l1: {
      kind: devnet.l1.kind,
      url: devnet.l1.url,
      ...devnet.l1.auth,
      walletAddress: devnet.wallet.address(),
      walletSats: devnet.wallet.balanceSats(),
      height,
    },
  }
}

/** What a newcomer needs, for people. */
export function devnetBanner(
  facts: DevnetFacts,
  run: { readonly startedInMs: number; readonly temporary: boolean; readonly mineEveryMs: number },
): string[] {
  const { l1 } = facts
  const rpcOption = facts.rpcUrl === DEFAULT_RPC_URL ? '' : ` --rpc ${facts.rpcUrl}`
  const first = facts.accounts[0]?.address ?? ''
  const command = (text: string) => `npx hawser ${text}${rpcOption}`
  const login = l1.cookieFile ? `user:password is the content of ${l1.cookieFile}` : `${l1.user}:${l1.password}`
  const curl = l1.cookieFile ? `"$(cat ${l1.cookieFile})"` : `${l1.user}:${l1.password}`
  return [
    `Hawser devnet is ready (${seconds(run.startedInMs)})`,
    '',
    ...columns(
      [
        ['JSON-RPC', facts.rpcUrl],
        ['WebSocket', facts.webSocketUrl],
        ['Wallet', `network "Hawser devnet", chain id ${facts.chainId}, currency BTC, 18 decimals, RPC URL as above`],
        [
          'Validators',
          `${facts.validators.length} processes (${facts.validators.map(({ pid }) => pid).join(', ')}), slots of 1 s, custody 3-of-4`,
        ],
        ['Other nodes', facts.rpcUrls.slice(1).join('  ')],
        ['Health', `${facts.validators[0]?.monitorUrl}/health, and /metrics for Prometheus`],
        [
          'Data',
          `${facts.dataDir}${run.temporary ? '  (removed at the end; keep it with --data-dir DIR)' : '  (kept; resume with the same --data-dir)'}`,
        ],
        ['Logs', join(facts.dataDir, 'validators', '*', 'node.log')],
      ],
      '  ',
    ),
    '',
    '  Ten accounts, funded with 10 BTC each by deposits through the bridge',
    `  Mnemonic     ${facts.mnemonic}`,
    ...facts.accounts.map(({ address, privateKey }, index) => `  ${index}  ${address}  ${privateKey}`),
    '  Everybody knows these keys: never send anything of value to them.',
    '',
    `  Bitcoin regtest (${l1.kind}), ${run.mineEveryMs > 0 ? `a block every ${seconds(run.mineEveryMs)} and` : 'blocks'} on demand`,
    ...columns(
      [
        ['L1 RPC', l1.url],
        ['Login', login],
        ['For example', `curl --user ${curl} --data '{"method":"getblockcount"}' ${l1.url}`],
        ['L1 wallet', `${l1.walletAddress}  ${btc(l1.walletSats)}`],
      ],
      '  ',
    ),
    '',
    '  Try next, in another terminal',
    `    ${command('status')}`,
    `    ${command(`deposit-address ${first}`)}`,
    `    ${command('l1 send <that address> 0.5')}`,
    `    ${command(`deposits ${first} --wait --txid <the txid that it prints>`)}`,
    `    ${command('withdraw --to <a bcrt1 address> --amount 0.25 --dev-account 0 --wait')}`,
    `    ${command('l1 mine 1')}`,
    `    ${command('audit')}`,
    '    npm run demo            (the whole journey on a devnet of its own)',
    '',
    '  Ctrl-C stops everything.',
    '',
  ]
}
