import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { devValidatorKeys, validatorSpecOf, writeKeyFile, type Devnet } from '@hawser/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, runHawser, startDevnet } from '../kit/devnet.ts'
import { readerOf } from './support/clients.ts'
import { startNewcomer } from './support/newcomer.ts'

/** A key pair set that no validator of the devnet has: the candidate's, and the new session key of validator 0. */
const CANDIDATE = devValidatorKeys(40)
const FRESH = devValidatorKeys(41)

/** What /health says of a node's validator. */
interface OwnHealth {
  readonly setId: number
  readonly validator?: { readonly inSet: boolean; readonly lastSealedSlot: number | null }
  readonly votes: { readonly out: number }
}

describe('a devnet with a candidate, and a validator that changes its session key', { timeout: 180_000 }, () => {
  let devnet: Devnet
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-joining-'))
    devnet = await startDevnet()
  })
  afterAll(async () => {
    await devnet?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const at = (name: string) => join(folder, name)
  async function hawser<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    const ended = await runHawser([...args, '--json'], { env: { HAWSER_RPC: devnet.rpcUrls[1] } })
    expect(ended, args.join(' ')).toMatchObject({ code: 0 })
    return JSON.parse(ended.stdout) as T
  }
  const finalNumber = async () =>
    (await readerOf(devnet.rpcUrls[1] as string).getBlock({ blockTag: 'finalized' })).number

  it('has both keys in force after the epoch: finality needs them, and is gone with one of them', async () => {
    // Both run before the epoch ends, and only follow.
    const candidate = await startNewcomer(devnet, {
      name: 'candidate',
      session: CANDIDATE.session,
      args: ['--allow-fresh-guard'],
    })
    const successor = await startNewcomer(devnet, {
      name: 'successor',
      session: FRESH.session,
      args: ['--allow-fresh-guard'],
    })
    const newcomers = [candidate, successor]
    const healthOf = async ({ monitorUrl }: { readonly monitorUrl: string }) =>
      (await (await fetch(`${monitorUrl}/health`)).json()) as OwnHealth
    try {
      for (const node of newcomers)
        expect(await healthOf(node)).toMatchObject({
          validator: { inSet: false, lastSealedSlot: null },
          votes: { out: 0 },
        })

      for (const name of ['session', 'management', 'bitcoin'] as const)
        writeKeyFile(at(`keys/${name}.json`), CANDIDATE[name])
      writeKeyFile(at('fresh.json'), FRESH.session)
      await hawser('validator', 'join', '--keys', at('keys'), '--out', at('join.json'))
      await hawser('validator', 'propose-add', at('join.json'), '--out', at('proposal.json'))
      const votes = [0, 1, 2].map((n) => at(`vote${n}.json`))
      for (const [n, out] of votes.entries())
        await hawser('validator', 'vote', at('proposal.json'), '--dev-validator', `${n}`, '--sign-only', '--out', out)
      const rotation = ['rotate-keys', '--dev-validator', '0', '--new-session-key-file', at('fresh.json')]
      await hawser('validator', ...rotation, '--sign-only', '--out', at('rotation.json'))
      const { submitted } = await hawser<{ submitted: { takesEffectAfter: string }[] }>(
        ...['validator', 'submit', ...votes, at('rotation.json'), '--dev-account', '0'],
      )
      const epochEnds = submitted.map(({ takesEffectAfter }) => BigInt(takesEffectAfter))
      const epochEnd = epochEnds.reduce((a, b) => (a > b ? a : b))
      await eventually('a final block after the epoch', async () => (await finalNumber()) > epochEnd + 1n, {
        limitMs: 90_000,
      })

      const { validators } = await hawser<{ validators: { session: string }[] }>('validators')
      const seats = validators.map(({ session }) => session.toLowerCase())
      const expected = [FRESH, devValidatorKeys(1), devValidatorKeys(2), devValidatorKeys(3), CANDIDATE]
      expect(seats).toEqual(expected.map((keys) => validatorSpecOf(keys).session).sort())

      // Four of five are needed: with one that stays away, and the old key's node stopped, these are the two newcomers and two others.
      await devnet.validators[0]?.stop()
      await devnet.validators[3]?.stop()
      const before = await finalNumber()
      await eventually(
        'finality by the two new keys and two old ones',
        async () => (await finalNumber()) > before + 5n,
        {
          limitMs: 60_000,
        },
      )
      for (const node of newcomers)
        await eventually('its own block and votes', async () => {
          const { validator, votes: count } = await healthOf(node)
          return validator?.inSet && validator.lastSealedSlot !== null && count.out > 0
        })

      await candidate.stop()
      const stalled = await finalNumber()
      const head = await readerOf(devnet.rpcUrls[1] as string).getBlockNumber()
      await eventually(
        'blocks without it',
        async () => (await readerOf(devnet.rpcUrls[1] as string).getBlockNumber()) > head + 4n,
        { limitMs: 60_000 },
      )
      // What was voted for when it left may still become final.
      expect((await finalNumber()) - stalled).toBeLessThan(3n)
    } finally {
      for (const node of newcomers) await node.stop()
    }
  })
})
