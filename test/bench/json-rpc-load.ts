import { Agent, request } from 'node:http'
import { invariant } from '@hawser/primitives'
import type { Hex } from 'viem'

/** Requests under way at the same time, as a busy exchange would have them. */
const CONNECTIONS = 32
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

/** One HTTP POST on a connection that is kept: fetch would cost more than the node's answer. */
function post(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => (text += part))
        response.on('end', () => resolve(text))
        response.on('error', reject)
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}

interface RpcAnswer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

function unwrap(answer: RpcAnswer): unknown {
  if (answer.error) throw new Error(answer.error.message)
  return answer.result
}

/** One JSON-RPC call. */
export async function ask<T>(url: string, method: string, params: readonly unknown[] = []): Promise<T> {
  const text = await post(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  return unwrap(JSON.parse(text) as RpcAnswer) as T
}

/**
 * Sends signed transactions, `batchSize` to a request, over all connections; a sender's own go in order of nonce.
 * @throws when one is refused
 */
export async function sendAll(url: string, bySender: readonly (readonly Hex[])[], batchSize: number): Promise<void> {
  await Promise.all(
    bySender.map(async (raws) => {
      for (let first = 0; first < raws.length; first += batchSize) {
        const batch = raws.slice(first, first + batchSize)
        const calls = batch.map((raw, id) => ({ jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params: [raw] }))
        const text = await post(url, JSON.stringify(batchSize === 1 ? calls[0] : calls))
        const answers = JSON.parse(text) as RpcAnswer | RpcAnswer[]
        for (const answer of Array.isArray(answers) ? answers : [answers]) unwrap(answer)
        invariant(!Array.isArray(answers) || answers.length === batch.length, 'every request of a batch is answered')
      }
    }),
  )
}

/** Closes the connections. */
export function closeConnections(): void {
  agent.destroy()
}
