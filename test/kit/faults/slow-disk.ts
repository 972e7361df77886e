import { GuardedSigner } from '@hawser/consensus'
import { delay } from '@hawser/primitives'
import { LevelStore } from '@hawser/storage'
import { decorated } from './decorated.ts'
import type { Fault } from './fault.ts'

/** A disk whose fsync takes so long: that of the database, and that of the guard before each seal and vote. */
export function slowDisk(syncMs: number): Fault {
  return {
    makes: {
      async openStore(folder) {
        const store = await LevelStore.open(folder)
        return decorated(store, {
          async write(writes, options) {
            if (options?.sync) await delay(syncMs)
            await store.write(writes, options)
          },
        })
      },
      createSigner(network, sessionKey, guard) {
        const signer = new GuardedSigner(network, sessionKey, guard)
        return decorated(signer, {
          async sign(request) {
            if (request.kind === 'seal' || request.kind === 'vote') await delay(syncMs)
            return signer.sign(request)
          },
        })
      },
    },
  }
}
