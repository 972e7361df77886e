// Compiles src/demo/Counter.sol with the npm package solc and writes src/demo/counter-artifact.ts.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import solc from 'solc'

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src', 'demo')
const input = {
  language: 'Solidity',
  sources: { 'Counter.sol': { content: readFileSync(join(folder, 'Counter.sol'), 'utf8') } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'osaka',
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  },
}
const output = JSON.parse(solc.compile(JSON.stringify(input)))
const errors = (output.errors ?? []).filter((entry) => entry.severity === 'error')
if (errors.length > 0) throw new Error(errors.map((entry) => entry.formattedMessage).join('\n'))
const { abi, evm } = output.contracts['Counter.sol'].Counter
writeFileSync(
  join(folder, 'counter-artifact.ts'),
  `// Written by scripts/compile-demo.mjs; do not edit.\nexport const counterAbi = ${JSON.stringify(abi, null, 2)} as const\n` +
    `export const counterBytecode = '0x${evm.bytecode.object}' as const\n`,
)
