import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EmbeddedChain } from '../embedded/embedded-chain.ts'
import { serveEmbeddedRpc } from '../embedded/rpc-server.ts'
import { BitcoindClient } from './bitcoind-client.ts'
import { BitcoindSource } from './bitcoind-source.ts'
import { describeBitcoinBackend } from './compliance.ts'
import { startBitcoind } from './start-bitcoind.ts'

describeBitcoinBackend('embedded chain', async () => {
  const chain = new EmbeddedChain()
  const server = await serveEmbeddedRpc(chain)
  const client = new BitcoindClient({ url: server.url, auth: server.credentials })
  return {
    source: new BitcoindSource(client, { network: 'regtest' }),
    async stop() {
      client.close()
      await server.close()
    },
  }
})

const binary = process.env['HAWSER_BITCOIND']
if (binary)
  // Knots has a stricter relay policy of its own than Core: what passes both relays widest.
  for (const strictPolicy of [false, true])
    describeBitcoinBackend(strictPolicy ? 'bitcoind, its own policy' : 'bitcoind, policy of Core', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'hawser-bitcoind-'))
      const bitcoind = await startBitcoind({ binary, dataDir, strictPolicy })
      return {
        source: new BitcoindSource(bitcoind.client, { network: 'regtest' }),
        async stop() {
          await bitcoind.stop()
          rmSync(dataDir, { recursive: true, force: true })
        },
      }
    })
else
  describe('a Bitcoin backend: bitcoind', () => {
    const required = process.env['CI'] === 'true' && process.env['HAWSER_REQUIRE_BITCOIND'] === '1'
    it.skipIf(!required)('is needed: set HAWSER_BITCOIND to a binary (scripts/get-bitcoind.sh prints one)', () => {
      expect(binary, 'HAWSER_BITCOIND is not set').toBeDefined()
    })
  })
