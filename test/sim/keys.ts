import { toHex, uintBE, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, recoverAddress, secp256k1 } from '@hawser/primitives/node'
import { sealDigest, voteDigest, type NetworkId, type SignedVote, type UnsignedVote, type VoterSet } from './cores.ts'

/** The nodes' keys; `seal` and `vote` sign whatever they are asked to. */
export interface Keys {
  addressOf(node: number): Address
  seal(node: number, hash: Hash32): Uint8Array
  vote(node: number, vote: UnsignedVote): Uint8Array
  recover(digest: Uint8Array, signature: Uint8Array): Address
  verifier(voters: VoterSet): (vote: SignedVote) => boolean
}

/** secp256k1, as in a real network. */
export function realKeys(network: NetworkId, nodes: number): Keys {
  const secrets = Array.from({ length: nodes }, (_, i) => uintBE(i + 1, 32))
  const addresses = secrets.map((secret) => publicKeyToAddress(secp256k1.publicKey(secret, false)))
  return {
    addressOf: (node) => addresses[node] as Address,
    seal: (node, hash) => secp256k1.sign(sealDigest(network.chainId, hash), secrets[node] as Uint8Array),
    vote: (node, vote) => secp256k1.sign(voteDigest(network, vote), secrets[node] as Uint8Array),
    recover: recoverAddress,
    verifier: (voters) => (vote) => {
      try {
        return recoverAddress(voteDigest(network, vote), vote.signature) === voters.at(vote.voter)?.id
      } catch {
        return false
      }
    },
  }
}

type Tag = { readonly node: number; readonly vote: UnsignedVote } | { readonly node: number; readonly digest: Hex }

/** The number of a tag, in a signature's first bytes. */
const TAG_BYTES = 6

/** Stand-ins for signatures: the number of an entry that says who signed what. Only signing makes entries. */
export function tagKeys(network: NetworkId, nodes: number): Keys {
  const tags: Tag[] = []
  const addresses = Array.from({ length: nodes }, (_, i) => toHex(uintBE(i + 1, 20)) as Address)
  const issue = (tag: Tag): Uint8Array => {
    const signature = new Uint8Array(65)
    signature.set(uintBE(tags.push(tag), TAG_BYTES))
    return signature
  }
  const tagOf = (signature: Uint8Array): Tag | undefined => {
    let number = 0
    for (let i = 0; i < TAG_BYTES; i++) number = number * 256 + (signature[i] ?? 0)
    return tags[number - 1]
  }
  return {
    addressOf: (node) => addresses[node] as Address,
    seal: (node, hash) => issue({ node, digest: toHex(sealDigest(network.chainId, hash)) }),
    vote: (node, vote) => issue({ node, vote }),
    recover: (digest, signature) => {
      const tag = tagOf(signature)
      if (tag === undefined || !('digest' in tag) || tag.digest !== toHex(digest)) throw new Error('no such signature')
      return addresses[tag.node] as Address
    },
    verifier: (voters) => (vote) => {
      const tag = tagOf(vote.signature)
      if (tag === undefined || !('vote' in tag)) return false
      const signed = tag.vote
      return (
        signed.hash === vote.hash &&
        signed.kind === vote.kind &&
        signed.round === vote.round &&
        signed.setId === vote.setId &&
        signed.number === vote.number &&
        voters.at(vote.voter)?.id === addresses[tag.node]
      )
    },
  }
}

/** What the guard remembers of a vote: its digest, or in runs with tags its target, which says the same of one place. */
export function placeDigest(network: NetworkId, vote: UnsignedVote, real: boolean): Hex {
  return real ? toHex(voteDigest(network, vote)) : (`0x${vote.number.toString(16)}${vote.hash.slice(2)}` as Hex)
}
