/** Longer than any answer of a busy node, shorter than anybody's patience. */
const LIMIT_MS = 5_000

/** One JSON-RPC call over HTTP. */
export async function jsonRpc<T>(url: string, method: string, params: readonly unknown[] = []): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(LIMIT_MS),
  })
  const { result, error } = (await response.json()) as { result?: T; error?: { readonly message: string } }
  if (error) throw new Error(`${method}: ${error.message}`)
  return result as T
}
