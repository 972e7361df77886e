import { runImportChain } from '@hawser/node'
import type { Command } from 'commander'
import { columns } from '../format.ts'
import { readCount } from '../parse-arguments.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** hawser import-chain */
export function addImportChain(program: Command, session: Session): void {
  const command = program
    .command('import-chain')
    .description('import a plain Ethereum chain from a file, execute it, and serve it over JSON-RPC')
    .requiredOption('--genesis <file>', 'the chain’s genesis as Geth writes it (JSON)')
    .requiredOption('--chain <file>', 'its blocks, RLP one after the other, as `geth export` writes them')
    .option('--data-dir <folder>', 'keep the chain there, and go on from it the next time; default: a temporary folder')
    .option(
      '--http-port <port>',
      'serve JSON-RPC on this port of 127.0.0.1 until Ctrl-C; 0 takes a free one',
      readCount('a port', 0, 65_535),
    )
  examples(
    command,
    [
      [
        'hawser import-chain --genesis genesis.json --chain chain.rlp',
        'check that every block executes as its header says',
      ],
      [
        'hawser import-chain --genesis genesis.json --chain chain.rlp --http-port 8545',
        'and answer questions about it',
      ],
    ],
    'Homestead to the newest fork of the genesis file. Seals of proof-of-work blocks are not checked: take the file from a source you trust.',
  ).action(async () => {
    const options = optionsOf<{ genesis: string; chain: string; dataDir?: string; httpPort?: number }>(command)
    const output = session.outputOf(options)
    await runImportChain({
      genesisFile: options.genesis,
      chainFile: options.chain,
      dataDir: options.dataDir,
      httpPort: options.httpPort,
      onReady: ({ imported, head, rpcPort }) => {
        const url = rpcPort === undefined ? undefined : `http://127.0.0.1:${rpcPort}`
        output.result(
          { imported, head, rpc: url ?? null },
          columns([
            ['Imported', `${imported} blocks`],
            ['Head', `${head.number}  ${head.hash}`],
            ...(url ? [['JSON-RPC', `${url}, until Ctrl-C`] as const] : []),
          ]),
        )
      },
    })
  })
}
