// The load, in a process of its own: what it costs is nobody's. It is told what to send, sends it, and says how long that took.
import { Client } from 'undici'

const JSON_HEADERS = { 'content-type': 'application/json' }

/** Requests, one list for each account; those of a list go one after the other, in order of nonce. */
export interface LoadTask {
  readonly url: string
  readonly connections: number
  readonly bodies: readonly (readonly string[])[]
}

export interface LoadResult {
  readonly ms: number
  /** The first error that an answer held. */
  readonly error?: string
}

process.on('message', (task: LoadTask) => {
  run(task).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ ms: 0, error: String(error) } satisfies LoadResult),
  )
})

async function run({ url, connections, bodies }: LoadTask): Promise<LoadResult> {
  const waiting = [...bodies]
  let error: string | undefined
  const clients = Array.from({ length: connections }, () => new Client(url, { pipelining: 1 }))
  const work = async (client: Client) => {
    for (let list = waiting.shift(); list; list = waiting.shift())
      for (const body of list) {
        const answer = await client.request({ path: '/', method: 'POST', headers: JSON_HEADERS, body })
        const text = await answer.body.text()
        if (error === undefined && text.includes('"error"')) error = text.slice(0, 300)
      }
  }
  const began = performance.now()
  await Promise.all(clients.map(work))
  const ms = performance.now() - began
  await Promise.all(clients.map((client) => client.close()))
  return { ms, ...(error === undefined ? {} : { error }) }
}
