import { expect, it } from 'vitest'
import { bitcoindCoins, esploraCoins } from './coin-lookup.ts'

const outpoint = { txid: 'ab'.repeat(32), vout: 1 }

it('reads an unspent coin from bitcoind to the satoshi, and a spent one as none', async () => {
  const asked: unknown[] = []
  const lookup = bitcoindCoins(async (method, params) => {
    asked.push([method, params])
    return asked.length === 1 ? { value: 0.29, scriptPubKey: { hex: '5120aa' } } : null
  })
  // 0.29 * 1e8 is 28999999.999999996.
  expect(await lookup(outpoint)).toEqual({ sats: 29_000_000n, scriptPubKey: '0x5120aa' })
  expect(await lookup(outpoint)).toBeUndefined()
  expect(asked[0]).toEqual(['gettxout', [outpoint.txid, 1, false]])
})

it('reads Esplora: unspent, spent, unknown, out of order', async () => {
  const site = (routes: Record<string, unknown>) =>
    esploraCoins('http://explorer', (async (url: string) => {
      const body = routes[url.replace('http://explorer', '')]
      if (body === 503) return new Response('', { status: 503 })
      return body === undefined ? new Response('', { status: 404 }) : Response.json(body)
    }) as typeof fetch)
  const tx = {
    vout: [
      { value: 1, scriptpubkey: '00' },
      { value: 546, scriptpubkey: '5120bb' },
    ],
  }
  const [path, spend] = [`/tx/${outpoint.txid}`, `/tx/${outpoint.txid}/outspend/1`]
  expect(await site({ [path]: tx, [spend]: { spent: false } })(outpoint)).toEqual({
    sats: 546n,
    scriptPubKey: '0x5120bb',
  })
  expect(await site({ [path]: tx, [spend]: { spent: true } })(outpoint)).toBeUndefined()
  expect(await site({})(outpoint)).toBeUndefined()
  expect(await site({ [path]: { vout: [] } })(outpoint)).toBeUndefined()
  // Without a word on its spending it does not count as there.
  expect(await site({ [path]: tx })(outpoint)).toBeUndefined()
  await expect(site({ [path]: 503 })(outpoint)).rejects.toThrow(/HTTP 503/)
})
