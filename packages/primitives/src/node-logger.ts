import { pino } from 'pino'
import type { Logger } from './logger.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A logger that writes JSON lines to a file descriptor (2 = standard error) or a file. */
export function createLogger({ level, destination = 2 }: { level: LogLevel; destination?: number | string }): Logger {
  // Synchronous: the last line before a crash is the one that is wanted most.
  return pino(
    { level, base: undefined },
    pino.destination({ dest: destination, sync: true, mkdir: true }),
  ) as unknown as Logger
}
