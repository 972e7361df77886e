import type { ValidatorKeys, ValidatorsInfo } from '@hawser/sdk'
import type { Command } from 'commander'
import { connect } from '../context.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

/** hawser validators */
export function addValidators(program: Command, session: Session): void {
  const command = program
    .command('validators')
    .description('the validators, what is pending for the next epoch, and recorded offences')
  examples(command, [
    ['hawser validators', 'the set of now'],
    ['hawser validators --json | jq .epochEnd', 'the block after which changes are in force'],
  ]).action(async () => {
    const options = optionsOf(command)
    const info = await connect(options.rpc).getValidators()
    session.outputOf(options).result(info, describeValidators(info))
  })
}

/** @internal For people. */
export function describeValidators(info: ValidatorsInfo): string[] {
  const entry = ({ beneficiary, managementKey, bitcoinKey }: ValidatorKeys) => [
    `    beneficiary ${beneficiary}`,
    `    management  ${managementKey}`,
    `    bitcoin     ${bitcoinKey}`,
  ]
  const lines = [
    `Set ${info.setId}: ${info.validators.length} validators at block ${info.blockNumber}`,
    `Finality and proposals need ${info.needed} of them`,
  ]
  for (const validator of info.validators) {
    const offences = validator.offences > 0n ? `, ${validator.offences} OFFENCES` : ''
    const fate = { stays: '', changes: ', changes', leaves: ', LEAVES' }[validator.next]
    lines.push(`  ${validator.session}  (validator ${validator.id}${fate}${offences})`, ...entry(validator))
  }
  for (const [title, list] of [
    ['Changed', info.changing],
    ['Joining', info.joining],
  ] as const)
    for (const validator of list)
      lines.push(`${title} after block ${info.epochEnd}:`, `  ${validator.session}`, ...entry(validator))
  const next = info.nextSetId === info.setId ? 'the same set' : `set ${info.nextSetId}`
  return [...lines, `After block ${info.epochEnd}, the epoch's last: ${next}`]
}
