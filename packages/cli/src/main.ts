import { runCli } from './program.ts'

// A reader that has gone away (`hawser … | head`) is no failure of ours.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exit(await runCli(process.argv.slice(2)))
