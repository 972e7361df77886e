import { yamux } from '@libp2p/yamux'

/** A yamux frame's header; a frame that is no longer carries nothing of a stream's user. */
const HEADER_BYTES = 12

type Factory = ReturnType<ReturnType<typeof yamux>>
type Muxer = ReturnType<Factory['createStreamMuxer']>

/**
 * Yamux that outlives its connection. It announces a new stream in a microtask of its own; when the peer has hung up by then, what
 * it throws there has no caller and would end the process: any peer could do that. Frames without data that can no longer be sent
 * are dropped instead; who has data to send still gets the error.
 */
export function steadyYamux(): () => Factory {
  const create = yamux()
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => steady(createStreamMuxer(connection))
    return factory
  }
}

function steady(muxer: Muxer): Muxer {
  const send = muxer.send.bind(muxer)
  muxer.send = (frame) => {
    try {
      return send(frame)
    } catch (error) {
      if (frame.byteLength > HEADER_BYTES) throw error
      return false
    }
  }
  return muxer
}
