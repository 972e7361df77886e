import type { ValidatorSpec } from '@hawser/chain'
import { concatBytes, keccak256, toHex, uintBE, utf8, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { mnemonicToAccount } from 'viem/accounts'

/** The public development mnemonic: everybody has its keys. */
export const DEV_MNEMONIC = 'test test test test test test test test test test test junk'
/** Accounts of the mnemonic that a devnet funds. */
export const DEV_ACCOUNTS = 10

/** The keys of a devnet's validator: derived from its number, known to all. */
export interface DevValidatorKeys {
  readonly node: Uint8Array
  readonly session: Uint8Array
  readonly management: Uint8Array
  readonly bitcoin: Uint8Array
  readonly beneficiary: Uint8Array
}

export function devValidatorKeys(index: number): DevValidatorKeys {
  const key = (kind: string) => keccak256(concatBytes(utf8(`hawser devnet ${kind} key`), uintBE(index, 4)))
  return {
    node: key('node'),
    session: key('session'),
    management: key('management'),
    bitcoin: key('bitcoin'),
    beneficiary: key('beneficiary'),
  }
}

export function validatorSpecOf(keys: DevValidatorKeys): ValidatorSpec {
  const addressOf = (secret: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(secret, false))
  return {
    session: addressOf(keys.session),
    beneficiary: addressOf(keys.beneficiary),
    managementKey: toHex(secp256k1.publicKey(keys.management)),
    bitcoinKey: toHex(secp256k1.publicKey(keys.bitcoin)),
  }
}

/** The seed of the devnet's L1 wallet: known to all. */
export const DEV_WALLET_SEED: Uint8Array = keccak256(utf8('hawser devnet L1 wallet'))

/** The funded accounts: address and private key of m/44'/60'/0'/0/i. */
export function devAccounts(count = DEV_ACCOUNTS): { readonly address: Hex; readonly privateKey: Hex }[] {
  return Array.from({ length: count }, (_, addressIndex) => {
    const account = mnemonicToAccount(DEV_MNEMONIC, { addressIndex })
    return { address: account.address, privateKey: toHex(account.getHdKey().privateKey as Uint8Array) }
  })
}
