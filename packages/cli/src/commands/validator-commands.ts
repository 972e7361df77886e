import type { Command } from 'commander'
import { examples, type Session } from './command-kit.ts'
import { addLeave, addRotateKeys, addSetBeneficiary } from './validator-act-commands.ts'
import { addJoin, addPropose, addSubmit, addVote } from './validator-vote-commands.ts'
import { addValidators } from './validators-command.ts'

/** hawser validators, hawser validator …: who validates, and what management keys decide. */
export function addValidatorCommands(program: Command, session: Session): void {
  addValidators(program, session)
  const group = program
    .command('validator')
    .description('what management keys decide: keys, beneficiary, leaving, and votes on who joins or is removed')
  examples(
    group,
    [
      ['hawser validator rotate-keys --new-session-key-file new.json … --sign-only --out act.json', 'offline'],
      ['hawser validator submit act.json --dev-account 0', 'anybody, with any account: the signature counts'],
    ],
    'Everything takes effect after the last block of the epoch. An offline machine needs --chain-id and, but for votes, --nonce.',
  )
  addRotateKeys(group, session)
  addSetBeneficiary(group, session)
  addLeave(group, session)
  addJoin(group, session)
  addPropose(group, session)
  addVote(group, session)
  addSubmit(group, session)
}
