import type { TracerConfig } from '@hawser/chain'
import { CallTracer } from './call-tracer.ts'
import { FourByteTracer } from './four-byte-tracer.ts'
import { PrestateTracer } from './prestate-tracer.ts'
import { StructLogger } from './struct-logger.ts'
import type { TraceContext, Tracer } from './tracer.ts'

/** The tracer of a configuration. */
export function createTracer(config: TracerConfig, context: TraceContext): Tracer {
  switch (config.kind) {
    case 'structLogger':
      return new StructLogger(config, context)
    case 'callTracer':
      return new CallTracer(config, context)
    case 'prestateTracer':
      return new PrestateTracer(config, context)
    case '4byteTracer':
      return new FourByteTracer()
    case 'noopTracer':
      return { finish: () => ({}) }
  }
}
