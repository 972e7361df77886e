import { defaultLimit, limitFlag, RPC_LIMIT_NAMES, RPC_LIMIT_SETTINGS, rpcServerOptions } from '@hawser/node'
import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ExitCode } from './exit-code.ts'
import { overridesOf, withNodeFlags, type NodeFlags } from './node-flags.ts'
import { runCli } from './program.ts'

/** What the server of a node with this command line is started with. */
function serverOptions(args: readonly string[]) {
  const command = withNodeFlags(new Command().exitOverride())
  command.parse(args, { from: 'user' })
  const { rpc, history } = overridesOf(command.opts<NodeFlags>())
  return { ...rpcServerOptions({ host: '127.0.0.1', port: 1, ...rpc }), history }
}

async function usageErrorOf(args: readonly string[]): Promise<string> {
  let said = ''
  const stderr = { write: (text: string) => (said += text), isTTY: false } as never
  expect(await runCli(args, { stdout: stderr, stderr })).toBe(ExitCode.usage)
  return said
}

const documentation = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')

describe.each(RPC_LIMIT_NAMES)('the limit %s', (name) => {
  const { least, most } = RPC_LIMIT_SETTINGS[name]

  it('has a flag that reaches the server, at both bounds', () => {
    for (const value of [least, most]) {
      const { limits } = serverOptions([limitFlag(name), String(value)])
      expect(limits).toEqual({ [name]: name === 'gasCap' ? BigInt(value) : value })
    }
  })
  it('is refused beyond its bounds, with the flag and the bounds, on both commands', async () => {
    for (const value of [String(least - 1), String(most + 1), '1.5', 'many', '0x10'])
      for (const command of [['node', '--config', 'none.json'], ['devnet']])
        expect(await usageErrorOf([...command, `${limitFlag(name)}=${value}`])).toContain(
          `${limitFlag(name)} must be a whole number from ${least} to ${most}, not "${value}"`,
        )
  })
  it('has a default within its bounds, and a line in the documentation with it', () => {
    expect(defaultLimit(name)).toBeGreaterThanOrEqual(least)
    expect(defaultLimit(name)).toBeLessThanOrEqual(most)
    const line = documentation.split('\n').find((row) => row.includes(`\`limits.${name}\``))
    expect(line).toContain(`\`${limitFlag(name)}\``)
    expect(line).toContain(defaultLimit(name).toLocaleString('en-US'))
  })
})

describe('the other flags of a node', () => {
  it('reach the server', () => {
    expect(serverOptions(['--rpc-api', 'eth, net,eth']).api).toEqual(['eth', 'net'])
    expect(serverOptions(['--rpc-cors-origins', 'https://a.example,http://localhost:3000']).corsOrigins).toEqual([
      'https://a.example',
      'http://localhost:3000',
    ])
    expect(serverOptions(['--rpc-vhosts', '*']).vhosts).toEqual(['*'])
    expect(serverOptions(['--history', 'archive']).history).toBe('archive')
    expect(serverOptions(['--history', '128']).history).toBe(128)
  })
  it('leave everything as it is when they are not given', () => {
    expect(serverOptions([])).toEqual({ host: '127.0.0.1', port: 1, limits: {}, history: undefined })
  })
  it.each([
    ['--rpc-api=eth,nonsense', '"nonsense" is no JSON-RPC namespace'],
    ['--rpc-cors-origins=a.example', '"a.example" is not an origin such as https://app.example, or *'],
    ['--rpc-cors-origins=https://a.example/path', 'is not an origin'],
    ['--rpc-vhosts=a.example:8545', '"a.example:8545" is not a host name without port, or *'],
    ['--history=0', '--history must be archive, or a whole number of blocks from 128 to 1000000000, not "0"'],
    ['--history=full', 'not "full"'],
    ['--rpc-port=65536', '--rpc-port must be a whole number'],
  ])('%s is a usage error', async (flag, message) => {
    expect(await usageErrorOf(['node', '--config', 'none.json', flag])).toContain(message)
  })
})
