import type { Command } from 'commander'
import { connect } from '../context.ts'
import { btc, columns } from '../format.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

export interface FinalityStatus {
  readonly head: { readonly number: string; readonly hash: string }
  readonly finalized: { readonly number: string; readonly hash: string }
  readonly setId: string
  readonly round: string
  readonly validators: readonly string[]
  readonly stalled: boolean
}

export interface BitcoinStatus {
  readonly source: { readonly hash: string; readonly height: number } | null
  readonly sourceError: string | null
  readonly lightClient: { readonly hash: string; readonly height: number }
}

/** hawser status */
export function addStatus(program: Command, session: Session): void {
  const command = program.command('status').description('what a node knows: blocks, finality, Bitcoin, reserves, peers')
  examples(command, [
    ['hawser status', 'the devnet on this machine'],
    ['hawser status --json | jq .finalized', 'one field, for scripts'],
  ]).action(async () => {
    const options = optionsOf(command)
    const output = session.outputOf(options)
    const client = connect(options.rpc)
    const call = client.request as unknown as <T>(call: { method: string; params?: readonly unknown[] }) => Promise<T>
    const [chainId, version, peers, finality, bitcoin, reserves] = await Promise.all([
      client.getChainId(),
      call<string>({ method: 'web3_clientVersion' }),
      call<string>({ method: 'net_peerCount' }),
      call<FinalityStatus>({ method: 'finality_getStatus' }),
      call<BitcoinStatus>({ method: 'btc_getStatus' }),
      client.getReserves(),
    ])
    const head = BigInt(finality.head.number)
    const finalized = BigInt(finality.finalized.number)
    const value = {
      rpc: options.rpc,
      version,
      chainId,
      head: { number: head, hash: finality.head.hash },
      finalized: { number: finalized, hash: finality.finalized.hash },
      stalled: finality.stalled,
      setId: BigInt(finality.setId),
      round: BigInt(finality.round),
      validators: finality.validators,
      peers: Number(peers),
      bitcoin,
      reserves,
    }
    const source = bitcoin.source
      ? `its node is at ${bitcoin.source.height}`
      : `no Bitcoin node: ${bitcoin.sourceError}`
    output.result(
      value,
      columns([
        ['Node', `${version} at ${options.rpc}, chain id ${chainId}, ${value.peers} peers`],
        ['Block', `${head}  ${finality.head.hash}`],
        ['Final', `${finalized}  ${finality.finalized.hash}${finality.stalled ? '  (finality is stalled)' : ''}`],
        ['Validators', `${finality.validators.length}, set ${value.setId}, round ${value.round}`],
        ['Bitcoin', `light client at ${bitcoin.lightClient.height}, ${source}`],
        [
          'Reserves',
          `${btc(reserves.custodySats)} in custody, ${btc(reserves.liabilitySats)} owed${reserves.paused ? `  (the bridge is PAUSED, pause ${reserves.pauseId})` : ''}`,
        ],
      ]),
    )
  })
}
