import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { addressToScript } from '@hawser/bitcoin'
import { L1Wallet } from '@hawser/bitcoin/source'
import { DEVNET_CHAIN_ID } from '@hawser/genesis'
import type { Devnet } from '@hawser/node'
import { btcHashFromDisplay, displayBtcHash, equalBytes, satsToWei, type Sats } from '@hawser/primitives'
import type { RequestedWithdrawal, Withdrawal } from '@hawser/sdk'
import { createWalletClient, http, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts'
import { hawserChain } from '@hawser/sdk'
import { audit, type AuditReport } from '../audit.ts'
import { readTrust } from '../chain-spec-file.ts'
import { describeAudit } from '../commands/audit-command.ts'
import { describeDepositPhase } from '../commands/deposit-commands.ts'
import { describeWithdrawalPhase } from '../commands/withdrawal-commands.ts'
import { connect, type CliClient } from '../context.ts'
import { btc, weiAsBtc, weiAsSats } from '../format.ts'
import { counterAbi, counterBytecode } from './counter-artifact.ts'
import { expectThat, type Tour } from './tour.ts'

const DEPOSIT_SATS = 50_000_000n
const STEP_LIMIT_MS = 120_000
/** The validator that is killed: never the one whose JSON-RPC the tour uses. */
const VICTIM = 3
/** Final blocks that must follow a validator's death. */
const FINAL_BLOCKS_WITHOUT_IT = 5n

/** Steps of the tour. */
export const DEMO_STEPS = 6

interface Receiver {
  readonly kind: 'P2WPKH' | 'P2TR'
  readonly address: string
  readonly amountSats: bigint
}

/** The journey of the README on a running devnet: in from Bitcoin, a contract, a crash, out to Bitcoin, the audit. */
export async function runDemo(devnet: Devnet, tour: Tour): Promise<AuditReport> {
  const account = privateKeyToAccount(generatePrivateKey())
  const client = connect(devnet.rpcUrl, { account, chainId: DEVNET_CHAIN_ID })
  await deposit(devnet, client, account, tour)
  await useContract(devnet, client, account, tour)
  await killValidator(devnet, client, tour)
  const receivers = freshReceivers(devnet)
  const settled = await withdraw(client, receivers, tour)
  await checkReceivers(devnet, receivers, settled, tour)
  return auditAll(devnet, client, tour)
}

function deposit(devnet: Devnet, client: CliClient, account: PrivateKeyAccount, tour: Tour): Promise<void> {
  return tour.step('Pay the deposit address of a fresh EVM account from an L1 wallet', async ({ note, fact }) => {
    const { address } = await client.getDepositAddress({ account: account.address })
    note(`fresh account ${account.address}`)
    note(`its deposit address ${address} (the node says so, and the committee's key gives the same)`)
    const sent = await devnet.wallet.send([{ to: address, sats: DEPOSIT_SATS }])
    const txid = displayBtcHash(sent.txid)
    note(`paid ${btc(DEPOSIT_SATS)} in Bitcoin transaction ${txid}, fee ${sent.feeSats} sat`)
    await client.waitForDeposit({
      account: account.address,
      txid,
      pollMs: 250,
      timeoutMs: STEP_LIMIT_MS,
      onProgress: (phase, at) => note(describeDepositPhase(phase, at)),
    })
    const balance = await client.getBalance({ address: account.address, blockTag: 'finalized' })
    expectThat(
      balance === satsToWei(DEPOSIT_SATS as Sats),
      `the account has ${weiAsBtc(balance)} instead of ${btc(DEPOSIT_SATS)}`,
    )
    note(`final balance ${weiAsBtc(balance)}`)
    fact('txid', txid)
    fact('feeSats', sent.feeSats)
    fact('account', account.address)
  })
}

function useContract(devnet: Devnet, client: CliClient, account: PrivateKeyAccount, tour: Tour): Promise<void> {
  return tour.step('Deploy a Solidity contract and call it; gas is paid in that BTC', async ({ note, fact }) => {
    const wallet = createWalletClient({
      account,
      chain: hawserChain(DEVNET_CHAIN_ID, devnet.rpcUrl),
      transport: http(devnet.rpcUrl),
    })
    const mined = async (hash: Hex) => {
      const receipt = await client.waitForTransactionReceipt({ hash, timeout: STEP_LIMIT_MS })
      expectThat(receipt.status === 'success', `transaction ${hash} reverted`)
      return { receipt, feeWei: receipt.gasUsed * receipt.effectiveGasPrice }
    }
    const deployed = await mined(await wallet.deployContract({ abi: counterAbi, bytecode: counterBytecode }))
    const address = deployed.receipt.contractAddress
    expectThat(address !== null && address !== undefined, 'the deployment made no contract')
    note(`Counter at ${address} by transaction ${deployed.receipt.transactionHash}, fee ${weiAsSats(deployed.feeWei)}`)
    const called = await mined(await wallet.writeContract({ abi: counterAbi, address, functionName: 'increment' }))
    note(`increment() in transaction ${called.receipt.transactionHash}, fee ${weiAsSats(called.feeWei)}`)
    const count = await client.readContract({ abi: counterAbi, address, functionName: 'count' })
    expectThat(count === 1n, `the counter is at ${count} instead of 1`)
    const balance = await client.getBalance({ address: account.address })
    const spent = satsToWei(DEPOSIT_SATS as Sats) - deployed.feeWei - called.feeWei
    expectThat(balance === spent, `the account has ${balance} wei instead of ${spent}`)
    note(`count() = ${count}; the account has ${weiAsBtc(balance)} left`)
    fact('contract', address)
    fact('transactions', [deployed.receipt.transactionHash, called.receipt.transactionHash])
    fact('feeWei', deployed.feeWei + called.feeWei)
  })
}

function killValidator(devnet: Devnet, client: CliClient, tour: Tour): Promise<void> {
  return tour.step('Kill one validator of four with SIGKILL', async ({ note, fact }) => {
    const victim = devnet.validators[VICTIM]
    expectThat(victim !== undefined, 'there is no fourth validator')
    const { pid } = victim
    await victim.kill()
    const before = await client.getBlock({ blockTag: 'finalized' })
    note(`${victim.name} (process ${pid}) is dead; final block ${before.number}`)
    let last = before
    const end = Date.now() + STEP_LIMIT_MS
    while (last.number < before.number + FINAL_BLOCKS_WITHOUT_IT) {
      expectThat(Date.now() < end, `finality stands still at block ${last.number}`)
      await new Promise((resolve) => setTimeout(resolve, 250))
      last = await client.getBlock({ blockTag: 'finalized' })
    }
    note(`three of four go on: final block ${last.number}`)
    fact('killed', pid)
    fact('finalBefore', before.number)
    fact('finalAfter', last.number)
  })
}

/** Addresses of keys that nobody has used. */
function freshReceivers(devnet: Devnet): Receiver[] {
  const keys = new L1Wallet(devnet.l1.source, new Uint8Array(randomBytes(32)))
  return [
    { kind: 'P2WPKH', address: keys.address('p2wpkh'), amountSats: 12_345_678n },
    { kind: 'P2TR', address: keys.address('p2tr'), amountSats: 8_765_432n },
  ]
}

function withdraw(client: CliClient, receivers: readonly Receiver[], tour: Tour): Promise<Withdrawal[]> {
  return tour.step('Withdraw to a P2WPKH and a P2TR address, one committee member gone', async ({ note, fact }) => {
    const requests: RequestedWithdrawal[] = []
    for (const { kind, address, amountSats } of receivers) {
      const request = await client.requestWithdrawal({ to: address, amountSats })
      requests.push(request)
      note(
        `withdrawal ${request.id}: ${btc(amountSats)} to ${kind} ${address} in transaction ${request.hash}, gas ${weiAsSats(request.feeWei)}, max fee ${request.maxFeeSats} sat`,
      )
    }
    const paths = new Set<string>()
    const settled = await Promise.all(
      requests.map(async ({ id }) => {
        const { withdrawal, batch } = await client.waitForWithdrawal({
          id,
          pollMs: 250,
          timeoutMs: STEP_LIMIT_MS,
          onProgress: (progress) => note(`withdrawal ${id}: ${describeWithdrawalPhase(progress)}`),
        })
        if (batch?.path) paths.add(batch.path)
        return withdrawal
      }),
    )
    expectThat(
      paths.size > 0 && !paths.has('key-path'),
      `signed by ${[...paths].join(' and ') || 'an unknown path'}, but the key path needs the member that is gone`,
    )
    note(`signed with MuSig2 by the leaf of the three that are left: ${[...paths].join(', ')}`)
    fact(
      'ids',
      requests.map(({ id }) => id),
    )
    fact(
      'transactions',
      requests.map(({ hash }) => hash),
    )
    fact(
      'txids',
      settled.map(({ txid }) => txid),
    )
    fact(
      'feeSats',
      settled.map(({ feeSats }) => feeSats),
    )
    fact('paths', [...paths])
    return settled
  })
}

function checkReceivers(
  devnet: Devnet,
  receivers: readonly Receiver[],
  settled: readonly Withdrawal[],
  tour: Tour,
): Promise<void> {
  return tour.step('Ask Bitcoin what the receivers got', async ({ note, fact }) => {
    const { source } = devnet.l1
    for (const [index, { kind, address, amountSats }] of receivers.entries()) {
      const { txid, vout } = settled[index] as Withdrawal
      expectThat(txid !== undefined && vout !== undefined, 'a settled withdrawal without a Bitcoin transaction')
      const output = await source.utxo(btcHashFromDisplay(txid), vout)
      expectThat(output !== undefined, `Bitcoin knows no unspent output ${txid}:${vout}`)
      expectThat(
        equalBytes(output.script, addressToScript(address, source.network)),
        `${txid}:${vout} pays another script`,
      )
      expectThat(output.sats === amountSats, `${kind} got ${output.sats} sat instead of ${amountSats}`)
      note(
        `${kind} ${address} got ${output.sats} of ${amountSats} sat in ${txid}:${vout}, ${output.confirmations} confirmations`,
      )
      fact(kind, { txid, vout, sats: output.sats })
    }
  })
}

function auditAll(devnet: Devnet, client: CliClient, tour: Tour): Promise<AuditReport> {
  return tour.step('Audit: reserves against liabilities, to the satoshi', async ({ note }) => {
    const report = await audit(client, devnet.l1.source, readTrust(join(devnet.dataDir, 'chain-spec.json')))
    for (const line of describeAudit(report)) note(line)
    expectThat(report.passed, 'the reserves do not cover what is owed')
    return report
  })
}
