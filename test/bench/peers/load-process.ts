// The load, in a process of its own: what it costs is nobody's. It is told what to send, sends it, and says how long that took.
import { Agent, request } from 'node:http'

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
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const waiting = [...bodies]
  let error: string | undefined
  const worker = async () => {
    for (let list = waiting.shift(); list; list = waiting.shift())
      for (const body of list) {
        const answer = await post(url, agent, body)
        if (error === undefined && answer.includes('"error"')) error = answer.slice(0, 300)
      }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: connections }, worker))
  const ms = performance.now() - began
  agent.destroy()
  return { ms, ...(error === undefined ? {} : { error }) }
}

function post(url: string, agent: Agent, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
    call.on('error', reject)
    call.end(body)
  })
}
