import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Abi, Hex } from 'viem'
import { ROOT } from '../../kit/devnet.ts'

/** What the compiler is asked for and answers, as far as we look at it. */
interface Solc {
  compile(input: string, callbacks: { import(path: string): { contents: string } | { error: string } }): string
}
interface SolcOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts?: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>
}

export interface CompiledContract {
  readonly abi: Abi
  readonly bytecode: Hex
}

/** Compiles a contract file with npm's solc; imports are found in node_modules. */
export function compileSolidity(file: string, name: string): CompiledContract {
  const solc = createRequire(import.meta.url)('solc') as Solc
  const input = {
    language: 'Solidity',
    sources: { [file]: { content: readFileSync(file, 'utf8') } },
    settings: {
      evmVersion: 'osaka',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), {
      import(path) {
        try {
          return { contents: readFileSync(join(ROOT, 'node_modules', path), 'utf8') }
        } catch {
          return { error: `${path} is not in node_modules` }
        }
      },
    }),
  ) as SolcOutput
  const errors = output.errors?.filter((error) => error.severity === 'error') ?? []
  const contract = output.contracts?.[file]?.[name]
  if (errors.length > 0 || !contract) throw new Error(errors.map((error) => error.formattedMessage).join('\n'))
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
}
