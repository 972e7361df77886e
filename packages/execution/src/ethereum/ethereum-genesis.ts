import { createBlock, genTransactionsTrieRoot, genWithdrawalsTrieRoot, type Block } from '@ethereumjs/block'
import { createAccount, createAddressFromString } from '@ethereumjs/util'
import type { ForkSchedule } from '@hawser/chain'
import { fromHex, sha256, uintBE } from '@hawser/primitives'
import { MemoryStore, type Write } from '@hawser/storage'
import { openMachine } from '../machine.ts'
import { StateDatabase } from '../state/state-database.ts'
import type { GethGenesis } from './geth-genesis.ts'

/** The first block of a plain Ethereum chain, and the state that it has. */
export async function buildEthereumGenesis(
  genesis: GethGenesis,
  commonAt: ForkSchedule,
): Promise<{ readonly block: Block; readonly state: readonly Write[] }> {
  const { timestamp, difficulty } = genesis
  const common = commonAt({ number: 0n, timestamp, difficulty })
  const states = new StateDatabase(new MemoryStore())
  const machine = await openMachine(states, common, states.empty(), () => undefined)
  const { state } = machine
  await state.checkpoint()
  for (const { address, balance, nonce, code, storage } of genesis.alloc) {
    const at = createAddressFromString(address)
    await state.putAccount(at, createAccount({ balance, nonce }))
    if (code !== '0x') await state.putCode(at, fromHex(code))
    for (const [key, value] of storage) await state.putStorage(at, fromHex(key), fromHex(value))
  }
  await state.commit()
  const block = createBlock(
    {
      header: {
        number: 0n,
        timestamp,
        difficulty,
        gasLimit: genesis.gasLimit,
        extraData: genesis.extraData,
        mixHash: genesis.mixHash,
        nonce: uintBE(genesis.nonce, 8),
        coinbase: createAddressFromString(genesis.coinbase),
        stateRoot: machine.root(),
        ...(common.isActivatedEIP(1559)
          ? { baseFeePerGas: genesis.baseFeePerGas ?? common.param('initialBaseFee') }
          : {}),
        ...(common.isActivatedEIP(4895) ? { withdrawalsRoot: await genWithdrawalsTrieRoot([]) } : {}),
        ...(common.isActivatedEIP(4844)
          ? { excessBlobGas: genesis.excessBlobGas ?? 0n, blobGasUsed: genesis.blobGasUsed ?? 0n }
          : {}),
        ...(common.isActivatedEIP(4788) ? { parentBeaconBlockRoot: new Uint8Array(32) } : {}),
        ...(common.isActivatedEIP(7685) ? { requestsHash: sha256(new Uint8Array()) } : {}),
        transactionsTrie: await genTransactionsTrieRoot([]),
      },
      ...(common.isActivatedEIP(4895) ? { withdrawals: [] } : {}),
    },
    { common, setHardfork: false, freeze: false, skipConsensusFormatValidation: true },
  )
  return { block, state: machine.firstState() }
}
