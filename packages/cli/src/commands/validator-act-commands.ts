import type { Hex } from '@hawser/primitives'
import { signLeave, signRotateKeys, signSetBeneficiary } from '@hawser/sdk'
import type { Command } from 'commander'
import { cliError } from '../errors.ts'
import { readAccount } from '../parse-arguments.ts'
import { keyInFile } from '../signer.ts'
import { acting, checkWays, finish, withNonce, type ActOptions } from './act-kit.ts'
import { examples, optionsOf, type Session } from './command-kit.ts'

interface NewKeyOptions {
  readonly newSessionKeyFile?: string
  readonly newManagementKeyFile?: string
  readonly newBitcoinKeyFile?: string
  readonly newPasswordFile?: string
}

/** hawser validator rotate-keys */
export function addRotateKeys(group: Command, session: Session): void {
  const command = group
    .command('rotate-keys')
    .description("replace a validator's session, management or bitcoin key at the end of the epoch")
    .option('--new-session-key-file <file>', 'the new session key: it proves that it is had')
    .option('--new-management-key-file <file>', 'the new management key')
    .option('--new-bitcoin-key-file <file>', 'the new bitcoin key')
    .option('--new-password-file <file>', 'the password of the new key files; --password-file unless given')
  examples(
    withNonce(command),
    [
      [
        'hawser validator rotate-keys --new-session-key-file new/session.json --management-key-file management.json --password-file pw --dev-account 0',
        'sign and send',
      ],
    ],
    'Start a node with the new session key before the epoch ends, and stop the old one after it. Keys are never used twice.\nA new bitcoin key takes part in custody only once committees can be handed over.',
  ).action(async () => {
    const options = optionsOf<ActOptions & NewKeyOptions>(command)
    checkWays(options)
    const read = (file: string | undefined) =>
      file === undefined ? undefined : keyInFile(file, options.newPasswordFile ?? options.passwordFile)
    const [newSession, management, bitcoin] = [
      read(options.newSessionKeyFile),
      read(options.newManagementKeyFile),
      read(options.newBitcoinKeyFile),
    ]
    const fresh = {
      ...(newSession && { session: newSession }),
      ...(management && { management }),
      ...(bitcoin && { bitcoin }),
    }
    if (Object.keys(fresh).length === 0)
      throw cliError(
        'USAGE',
        'give at least one of --new-session-key-file, --new-management-key-file, --new-bitcoin-key-file',
      )
    const by = await acting(options)
    await finish(session, options, await signRotateKeys(by, fresh), by.chainId)
  })
}

/** hawser validator set-beneficiary */
export function addSetBeneficiary(group: Command, session: Session): void {
  const command = group
    .command('set-beneficiary')
    .description('another account for tips and fees, from the next epoch on')
    .argument('<account>', 'the new beneficiary', readAccount)
  examples(withNonce(command), [
    ['hawser validator set-beneficiary 0xYourAccount --dev-validator 0 --dev-account 0', 'on a devnet'],
  ]).action(async (beneficiary: Hex) => {
    const options = optionsOf<ActOptions>(command)
    checkWays(options)
    const by = await acting(options)
    await finish(session, options, await signSetBeneficiary(by, beneficiary), by.chainId)
  })
}

/** hawser validator leave */
export function addLeave(group: Command, session: Session): void {
  const command = group.command('leave').description("give the validator's seat up at the end of the epoch")
  examples(
    withNonce(command),
    [
      [
        'hawser validator leave --management-key-file management.json --password-file pw --dev-account 0',
        'sign and send',
      ],
    ],
    'Stop the node after the last block of the epoch is final, not before: until then its votes are needed.',
  ).action(async () => {
    const options = optionsOf<ActOptions>(command)
    checkWays(options)
    const by = await acting(options)
    await finish(session, options, await signLeave(by), by.chainId)
  })
}
