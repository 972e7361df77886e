import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const bin = fileURLToPath(new URL('../bin/hawser.mjs', import.meta.url))
const bundle = fileURLToPath(new URL('../../../dist/hawser.mjs', import.meta.url))
const ACCOUNT = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const RECEIVER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built command; nothing listens on port 9 of this machine. */
function hawser(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const options = { env: { ...process.env, HAWSER_RPC: 'http://127.0.0.1:9', ...env }, timeout: 50_000 }
  return new Promise((resolve) =>
    execFile(process.execPath, [bin, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    ),
  )
}

// Without the bundle there is no command to run: `npm ci` builds it.
describe.skipIf(!existsSync(bundle))('the hawser command', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-cli-test-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const refused = async (args: readonly string[], code: number, why: RegExp, env = {}) => {
    const ended = await hawser(args, env)
    expect(ended.stderr).toMatch(why)
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(ended.stderr).toMatch(/^hawser: /)
    expect(ended.code).toBe(code)
    expect(ended.stdout).toBe('')
  }

  it('teaches with --help, and names its exit codes', async () => {
    const { code, stdout } = await hawser(['--help'])
    expect(code).toBe(0)
    for (const word of ['devnet', 'withdraw', 'audit', 'First steps', 'Exit codes']) expect(stdout).toContain(word)
    const help = await hawser(['withdraw', '--help'])
    expect(help.code).toBe(0)
    expect(help.stdout).toContain('Examples')
  })
  it('prints its version', async () => {
    expect(await hawser(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' })
  })
  it('refuses an unknown flag and an unknown command, and proposes what was meant', async () => {
    await refused(['status', '--nonsense'], 2, /unknown option '--nonsense'/)
    await refused(['stats'], 2, /unknown command 'stats' \(Did you mean status\?\)/)
    await refused(['withdraw', '--to', RECEIVER], 2, /--amount/)
  })
  it('refuses a malformed address or amount before it asks any node', async () => {
    await refused(['deposit-address', '0x12'], 2, /not an EVM address/)
    await refused(['deposit-address', ACCOUNT.replace('Fd', 'fd')], 2, /checksum/)
    for (const args of [
      ['deposit-address', ACCOUNT],
      ['claim', '11'.repeat(32), '--to', ACCOUNT],
    ])
      await refused([...args, '--refund-key', 'ab'.repeat(32)], 2, /refund keys are not supported yet because/)
    await refused(['withdraw', '--to', 'bcrt1qqqq', '--amount', '1', '--dev-account', '0'], 2, /not a Bitcoin address/)
    await refused(
      ['withdraw', '--to', RECEIVER, '--amount', '0.000000001', '--dev-account', '0'],
      2,
      /fraction of a satoshi/,
    )
    await refused(['withdraw', '--to', RECEIVER, '--amount', '1'], 2, /no account to sign with/)
    await refused(['devnet', '--l1', 'nonsense'], 2, /--l1 must be embedded/)
  })
  it('refuses what a management key could not mean, before it asks for a key or a node', async () => {
    const file = join(folder, 'act.json')
    const rotate = ['validator', 'rotate-keys', '--dev-validator', '0']
    await refused([...rotate, '--dev-account', '0'], 2, /at least one of --new-session-key-file/)
    await refused([...rotate, '--sign-only'], 2, /--sign-only and --out FILE go together/)
    await refused([...rotate, '--out', file], 2, /--sign-only and --out FILE go together/)
    await refused([...rotate, '--sign-only', '--out', file, '--dev-account', '0'], 2, /sends nothing/)
    await refused(['validator', 'leave', '--dev-account', '0'], 2, /give the management key with one of/)
    writeFileSync(file, '{"format":"hawser validator act 1","chainId":1,"content":{"kind":"leave"}}')
    await refused(['validator', 'submit', file, '--dev-account', '0'], 2, /is not what .* wrote: it is not signed/)
    await refused(['validator', 'submit', file], 2, /no account to sign with/)
    await refused(['validator', 'vote', file, '--dev-validator', '0'], 2, /it has no deadline/)
    await refused(['validator', 'propose-remove', '0x12', '--out', join(folder, 'p.json')], 2, /not an EVM address/)
  })
  it('signs where there is no node, for a candidate and for a vote, and overwrites nothing', async () => {
    const keys = join(folder, 'candidate')
    expect((await hawser(['keys', 'new', '--dir', keys, '--plain'])).code).toBe(0)
    const [joined, proposal] = [join(folder, 'join.json'), join(folder, 'proposal.json')]
    const join_ = ['validator', 'join', '--keys', keys, '--chain-id', '18443', '--out', joined]
    expect((await hawser(join_)).code).toBe(0)
    await refused(join_, 1, /is there already and is not overwritten/)
    const propose = ['validator', 'propose-add', joined, '--deadline', '900', '--out', proposal, '--chain-id']
    await refused([...propose, '1'], 2, /signed for chain 18443, and the proposal is for 1/)
    expect((await hawser([...propose, '18443'])).code).toBe(0)
    // What somebody has put beside the known fields is neither signed nor handed on.
    const written = JSON.parse(readFileSync(proposal, 'utf8')) as { content: { candidate: Record<string, string> } }
    const { candidate } = written.content
    const extra = { ...written, content: { ...written.content, candidate: { ...candidate, management: ACCOUNT } } }
    writeFileSync(proposal, JSON.stringify(extra))
    const vote = ['validator', 'vote', proposal, '--dev-validator', '0', '--sign-only', '--out']
    const { stdout } = await hawser([...vote, join(folder, 'vote.json'), '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ chainId: 18443, act: { kind: 'vote', proposal: written.content } })
    expect(stdout).not.toContain(ACCOUNT)
    const shown = (await hawser([...vote, join(folder, 'shown.json')])).stdout
    const [first, ...lines] = shown.split('\n')
    expect(first).toMatch(/^Proposal +add a validator$/)
    for (const [name, value] of [
      ['Session', candidate['session']],
      ['Beneficiary', candidate['beneficiary']],
      ['Management', candidate['managementKey']],
      ['Bitcoin', candidate['bitcoinKey']],
      ['Deadline', 'block 900'],
      ['Chain', '18443'],
    ] as const)
      expect(
        lines
          .find((line) => line.startsWith(name))
          ?.slice(name.length)
          .trim(),
      ).toBe(value)
  })
  it('refuses to verify without a chain spec, or what is no block', async () => {
    await refused(['verify'], 2, /give --chain-spec FILE/)
    await refused(['verify', '0x12'], 2, /not a block: "0x12"/)
    await refused(['verify', '--save', 'a', '--proof', 'b'], 2, /give one of them/)
  })
  it('says that no node answers, and where', async () => {
    await refused(['status'], 4, /no node answers at http:\/\/127\.0\.0\.1:9/)
    await refused(['withdraw', '--to', RECEIVER, '--amount', '1', '--dev-account', '0'], 4, /no node answers/)
    await refused(['l1', 'balance'], 4, /no devnet of this machine runs at/)
  })
  it('gives scripts the error as one JSON document', async () => {
    const { code, stdout } = await hawser(['audit', '--json'])
    expect(code).toBe(4)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'NODE_UNREACHABLE' } })
  })

  describe('devnet', () => {
    let taken: Server
    beforeAll(() => new Promise<void>((resolve) => (taken = createServer().listen(0, '127.0.0.1', resolve))))
    afterAll(() => new Promise((resolve) => taken.close(resolve)))

    it('refuses a busy port and leaves no folder behind', async () => {
      const { port } = taken.address() as AddressInfo
      const dataDir = join(folder, 'busy')
      await refused(
        ['devnet', '--quiet', '--rpc-port', String(port), '--data-dir', dataDir],
        1,
        /port \d+ of 127\.0\.0\.1 is in use/,
      )
      expect(existsSync(dataDir)).toBe(false)
    })
    it('refuses a folder that is not a devnet and leaves it as it is', async () => {
      const dataDir = join(folder, 'foreign')
      mkdirSync(dataDir)
      writeFileSync(join(dataDir, 'thesis.txt'), 'years of work')
      await refused(['devnet', '--quiet', '--rpc-port', '0', '--data-dir', dataDir], 1, /thesis\.txt/)
      expect(readFileSync(join(dataDir, 'thesis.txt'), 'utf8')).toBe('years of work')
    })
    it('refuses a damaged devnet folder', async () => {
      const dataDir = join(folder, 'damaged')
      mkdirSync(dataDir)
      writeFileSync(join(dataDir, 'devnet.json'), '{"version": 1')
      await refused(
        ['devnet', '--quiet', '--rpc-port', '0', '--data-dir', dataDir],
        1,
        /no devnet that this version can resume/,
      )
    })
    it('refuses a bitcoind that is not there, and an L1 that does not answer', async () => {
      const missing = { HAWSER_BITCOIND: join(folder, 'no-bitcoind') }
      await refused(['devnet', '--quiet', '--rpc-port', '0', '--l1', 'bitcoind'], 4, /no such file/, missing)
      await refused(
        ['devnet', '--quiet', '--rpc-port', '0', '--l1', 'http://127.0.0.1:9'],
        4,
        /no usable Bitcoin regtest/,
      )
    })
  })

  describe('keys and init', () => {
    it('makes keys that only their owner can read, and does not overwrite them', async () => {
      const dir = join(folder, 'keys')
      const made = await hawser(['keys', 'new', '--dir', dir, '--plain', '--json'])
      expect(made.code).toBe(0)
      expect(statSync(join(dir, 'session.json')).mode & 0o777).toBe(0o600)
      const before = readFileSync(join(dir, 'session.json'), 'utf8')
      await refused(['keys', 'new', '--dir', dir, '--plain'], 1, /is not overwritten/)
      expect(readFileSync(join(dir, 'session.json'), 'utf8')).toBe(before)
      const shown = await hawser(['keys', 'show', '--dir', dir, '--json'])
      expect(JSON.parse(made.stdout)).toMatchObject(JSON.parse(shown.stdout) as object)
    })
    it('encrypts unless it is told not to', async () => {
      await refused(['keys', 'new', '--dir', join(folder, 'k2')], 2, /encrypted by default/)
    })
    it('writes a chain of generated validators, and the same chain for known ones', async () => {
      const dir = join(folder, 'chain')
      expect((await hawser(['init', '--dir', dir, '--generate', '2', '--plain'])).code).toBe(0)
      const spec = JSON.parse(readFileSync(join(dir, 'chain-spec.json'), 'utf8')) as {
        validators: unknown[]
        committee: unknown
      }
      expect(spec.validators).toHaveLength(2)
      await refused(['init', '--dir', dir, '--generate', '2', '--plain'], 1, /not empty/)
      const list = join(folder, 'validators.json')
      writeFileSync(list, JSON.stringify(spec.validators))
      expect((await hawser(['init', '--dir', join(folder, 'follower'), '--validators', list])).code).toBe(0)
      const other = JSON.parse(readFileSync(join(folder, 'follower', 'chain-spec.json'), 'utf8')) as typeof spec
      expect(other.committee).toEqual(spec.committee)
    })
    it('refuses a list of validators with a broken key', async () => {
      const list = join(folder, 'broken.json')
      writeFileSync(list, '[{"session":"0x12"}]')
      await refused(['init', '--dir', join(folder, 'x'), '--validators', list], 2, /entry 0 has no valid session/)
    })
  })
})
