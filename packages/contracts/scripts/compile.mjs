// Compiles sol/*.sol with the npm package solc and writes src/generated. `compile()` returns the files' texts, so that a test can compare them.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import solc from 'solc'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const CONTRACTS = ['BitcoinLightClient', 'Bridge', 'Validators', 'FeePool']

function sourcesUnder(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.sol'))
    .map((entry) => `${folder}/${entry.name}`)
}

/** Standard JSON input: the settings that make the bytecode, so keep foundry.toml in step. */
function standardInput() {
  const paths = ['sol', 'sol/bridge', 'sol/interfaces', 'sol/lib', 'sol/validators'].flatMap(sourcesUnder).sort()
  return {
    language: 'Solidity',
    sources: Object.fromEntries(paths.map((path) => [path, { content: readFileSync(join(root, path), 'utf8') }])),
    settings: {
      viaIR: true,
      optimizer: { enabled: true, runs: 200 },
      evmVersion: 'osaka',
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: {
        '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'storageLayout'] },
      },
    },
  }
}

/** AST ids differ from run to run of other sources; the layout itself does not. */
function frozenLayout(layout) {
  const plain = (type) => type.replaceAll(/\)\d+_storage/g, ')_storage').replaceAll(/\)(\d+)(?=[,)]|$)/g, ')')
  const variable = ({ label, slot, offset, type }) => ({ label, slot, offset, type: plain(type) })
  return {
    storage: layout.storage.map(variable),
    types: Object.fromEntries(
      Object.entries(layout.types ?? {}).map(([id, type]) => [
        plain(id),
        {
          encoding: type.encoding,
          numberOfBytes: type.numberOfBytes,
          ...(type.members ? { members: type.members.map(variable) } : {}),
        },
      ]),
    ),
  }
}

const lowerFirst = (name) => name[0].toLowerCase() + name.slice(1)
const constant = (name, value) => `export const ${name} = ${value} as const\n`
const BANNER = '// Written by scripts/compile.mjs; do not edit.\n'

/** @returns {Record<string, string>} file name in src/generated -> text */
export function compile() {
  const output = JSON.parse(solc.compile(JSON.stringify(standardInput())))
  const errors = (output.errors ?? []).filter((entry) => entry.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map((entry) => entry.formattedMessage).join('\n'))
  const warnings = (output.errors ?? []).filter((entry) => entry.severity === 'warning')
  for (const warning of warnings) console.warn(warning.formattedMessage)

  const files = {}
  const artifacts = []
  for (const name of CONTRACTS) {
    const contract = output.contracts[`sol/${name}.sol`]?.[name]
    const abi = (contract ?? output.contracts[`sol/interfaces/I${name}.sol`][`I${name}`]).abi
    files[
      `${lowerFirst(name)}-abi.ts`.replace('bitcoinLightClient', 'bitcoin-light-client').replace('feePool', 'fee-pool')
    ] = BANNER + constant(`${lowerFirst(name)}Abi`, JSON.stringify(abi, null, 2))
    if (contract === undefined) continue
    const artifact = {
      contractName: name,
      bytecode: `0x${contract.evm.bytecode.object}`,
      deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
    }
    artifacts.push(constant(`${lowerFirst(name)}Bytecode`, `'${artifact.bytecode}'`))
    artifacts.push(`/** Runtime size in bytes; immutables are filled in by the constructor. */\n`)
    artifacts.push(constant(`${lowerFirst(name)}RuntimeSize`, (artifact.deployedBytecode.length - 2) / 2))
    files[`${name}.json`] =
      JSON.stringify({ ...artifact, abi, storageLayout: frozenLayout(contract.storageLayout) }, null, 2) + '\n'
  }
  files['bytecode.ts'] = BANNER + (artifacts.join('') || 'export {}\n')
  return files
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = join(root, 'src/generated')
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(compile())) writeFileSync(join(folder, name), text)
}
