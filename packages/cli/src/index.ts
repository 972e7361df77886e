export { buildProgram, runCli, VERSION } from './program.ts'
export { ExitCode, exitCodeOf } from './exit-code.ts'
export type { CliErrorCode, CliErrorInfo } from './errors.ts'
