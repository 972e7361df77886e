import { runCli } from './program.ts'

let isGone = false

/**
 * The reader (`hawser … | head`) or the terminal has gone away. A command that only answers is done; one that runs others (a devnet, a
 * node) stops them in order, as on a signal.
 */
function onOutputGone(): void {
  if (isGone) return
  isGone = true
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM')
  else process.exit(0)
}
for (const stream of [process.stdout, process.stderr]) stream.on('error', onOutputGone)

process.exit(await runCli(process.argv.slice(2)))
