import { AppError, concatBytes, fromHex, keccak256, uintBE, utf8, type Address } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import type { Signer, SignRequest } from '@hawser/chain'
import { sealDigest, voteDigest, voteKindOf, type NetworkId } from './digests.ts'
import type { ConsensusErrorInfo } from './errors.ts'
import type { SignerGuard } from './signer-guard.ts'
import type { VoteKind } from './types.ts'

const IDENTITY_TAG = utf8('HWID')

/** Signs with a session key held in memory; seals and votes pass the guard first. */
export class GuardedSigner implements Signer {
  readonly address: Address
  readonly #network: NetworkId
  readonly #secretKey: Uint8Array
  readonly #guard: SignerGuard
  #stopped: string | undefined

  constructor(network: NetworkId, secretKey: Uint8Array, guard: SignerGuard) {
    this.#network = network
    this.#secretKey = secretKey
    this.#guard = guard
    this.address = publicKeyToAddress(secp256k1.publicKey(secretKey, false))
  }

  /** No seal and no vote any more in this process: the key is in use elsewhere. */
  stop(reason: string): void {
    this.#stopped ??= reason
  }

  /** @throws SIGNER_REFUSED when the guard says no; nothing is signed then. */
  async sign(request: SignRequest): Promise<Uint8Array> {
    if (this.#stopped !== undefined && (request.kind === 'seal' || request.kind === 'vote'))
      throw new AppError<ConsensusErrorInfo>({ code: 'SIGNER_REFUSED', fault: 'local' }, this.#stopped)
    const digest = this.#digest(request)
    if (request.kind === 'seal') await this.#guard.allow({ kind: 'seal', slot: request.slot }, digest)
    if (request.kind === 'vote') {
      const { setId, round, voteKind } = request
      await this.#guard.allow({ kind: 'vote', setId, round, voteKind }, digest)
    }
    return secp256k1.sign(digest, this.#secretKey)
  }

  #digest(request: SignRequest): Uint8Array {
    const { chainId, genesisHash } = this.#network
    switch (request.kind) {
      case 'seal':
        return sealDigest(chainId, request.blockHash)
      case 'vote': {
        const { setId, round, voteKind, target } = request
        const { number, hash } = target
        return voteDigest(this.#network, { setId, round, kind: voteKindOf(voteKind) as VoteKind, number, hash })
      }
      case 'inherent':
        return fromHex(request.signingHash)
      case 'identity':
        return keccak256(concatBytes(IDENTITY_TAG, uintBE(chainId, 8), fromHex(genesisHash), request.peerId))
    }
  }
}
