import { connect, createServer, type Server, type Socket } from 'node:net'

/** What a link does with traffic: lets it pass; ends connections and takes no new ones; or keeps silent and delivers it later. */
export type LinkMode = 'open' | 'cut' | 'hold'

/** The way of one node to another: the other is dialled at this port of 127.0.0.1 only, so that the link can fail without root. */
export class LinkProxy {
  readonly #server: Server
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  #mode: LinkMode = 'open'

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((near) => this.#onDialled(near))
  }

  static async to(target: number): Promise<LinkProxy> {
    const proxy = new LinkProxy(target)
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(0, '127.0.0.1', resolve)
    })
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { readonly port: number }).port
  }

  set mode(mode: LinkMode) {
    this.#mode = mode
    for (const socket of this.#sockets)
      if (mode === 'cut') socket.destroy()
      else if (mode === 'hold') socket.pause()
      else socket.resume()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #onDialled(near: Socket): void {
    if (this.#mode === 'cut') {
      near.destroy()
      return
    }
    const far = connect(this.#target, '127.0.0.1')
    this.#join(near, far)
    this.#join(far, near)
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    // Not pipe(), which would resume what is held when the other side drains.
    from.on('data', (chunk) => {
      if (to.write(chunk)) return
      from.pause()
      to.once('drain', () => this.#mode !== 'hold' && from.resume())
    })
    if (this.#mode === 'hold') from.pause()
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }
}
