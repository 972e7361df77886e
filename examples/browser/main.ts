// Connects a wallet, adds the chain, shows balance and deposit address, sends a transaction.
import { hawserActions, hawserChain } from '@hawser/sdk'
import {
  createPublicClient,
  createWalletClient,
  custom,
  formatEther,
  http,
  parseEther,
  type Address,
  type EIP1193Provider,
} from 'viem'

declare global {
  interface Window {
    ethereum?: EIP1193Provider
  }
}

const rpcUrl = new URLSearchParams(location.search).get('rpc') ?? 'http://127.0.0.1:8545'
const element = <T extends HTMLElement>(id: string) => document.querySelector<T>(`#${id}`) as T
const say = (text: string) => (element('status').textContent = text)

/** Runs what a button asks for, and says what went wrong. */
function on(id: string, event: string, task: () => Promise<void>): void {
  element(id).addEventListener(event, (happened) => {
    happened.preventDefault()
    task().catch((error: unknown) => say(error instanceof Error ? error.message : String(error)))
  })
}

const node = createPublicClient({ transport: http(rpcUrl), pollingInterval: 500 }).extend(hawserActions())
let account: Address | undefined

on('connect', 'click', async () => {
  if (!window.ethereum) throw new Error('there is no wallet in this browser')
  const wallet = createWalletClient({ transport: custom(window.ethereum) })
  ;[account] = await wallet.requestAddresses()
  // The wallet asks its user about the chain when it does not know it.
  const chain = hawserChain(await node.getChainId(), rpcUrl)
  await wallet.addChain({ chain })
  await wallet.switchChain({ id: chain.id })
  element('account').textContent = account ?? ''
  element('send').querySelector('button')?.removeAttribute('disabled')
  say(`connected to ${chain.name}`)
  await show()
})

on('send', 'submit', async () => {
  if (!window.ethereum || !account) throw new Error('connect a wallet first')
  const chain = hawserChain(await node.getChainId(), rpcUrl)
  const wallet = createWalletClient({ account, chain, transport: custom(window.ethereum) })
  const hash = await wallet.sendTransaction({
    to: element<HTMLInputElement>('to').value as Address,
    value: parseEther(element<HTMLInputElement>('amount').value),
  })
  say(`sent ${hash}`)
  const { blockNumber } = await node.waitForTransactionReceipt({ hash })
  say(`in block ${blockNumber}: ${hash}`)
  await show()
})

async function show(): Promise<void> {
  if (!account) return
  element('balance').textContent = `${formatEther(await node.getBalance({ address: account }))} BTC`
  // Derived here and compared with the node's answer. Before real money moves give `trust` too (examples/viem): the committee's key is
  // the node's word otherwise.
  element('deposit').textContent = (await node.getDepositAddress({ account })).address
}
