import fc from 'fast-check'
import { createEOACode7702Tx, createFeeMarket1559Tx, type TypedTransaction } from '@ethereumjs/tx'
import { describe, expect, it } from 'vitest'
import { keccak256, toHex, uintBE, utf8, type Hash32 } from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'
import { createCommon } from './common.ts'
import { upfrontCost } from './pool-rules.ts'
import type { PoolAccount } from './sender-queue.ts'
import { effectiveTip, maxFeePerGas, senderOf, transactionHash } from './transaction.ts'
import { TransactionPool } from './transaction-pool.ts'
import { RLP } from '@ethereumjs/rlp'

const common = createCommon(18443)
const GAS_LIMIT = 30_000_000n
const MIN_FEE = 10n
const to = `0x${'aa'.repeat(20)}` as const
const keyOf = (name: string) => keccak256(utf8(name))

function transfer(from: string, nonce: bigint, fee: bigint, tip: bigint): TypedTransaction {
  return createFeeMarket1559Tx(
    { nonce, gasLimit: 21_000n, to, value: 1n, maxFeePerGas: fee, maxPriorityFeePerGas: tip, chainId: 18443n },
    { common },
  ).sign(keyOf(from))
}

const SENDERS = ['a', 'b', 'c']
const addressOf = new Map(SENDERS.map((name) => [name, senderOf(transfer(name, 0n, MIN_FEE, 0n))]))

/** The pool's rules as simply as they can be said: a list for each sender. */
class Model {
  readonly accounts = new Map(SENDERS.map((name) => [name, { nonce: 0n, balance: 10n ** 9n } as PoolAccount]))
  readonly lists = new Map<string, TypedTransaction[]>(SENDERS.map((name) => [name, []]))

  accepts(name: string, tx: TypedTransaction): boolean {
    const account = this.accounts.get(name) as PoolAccount
    const list = this.lists.get(name) as TypedTransaction[]
    const old = list.find((other) => other.nonce === tx.nonce)
    if (list.some((other) => transactionHash(other) === transactionHash(tx)) || tx.nonce < account.nonce) return false
    const tenth = (a: bigint, b: bigint) => b * 10n >= a * 11n
    if (old && !(tenth(maxFeePerGas(old), maxFeePerGas(tx)) && tenth(effectiveTip(old, 0n), effectiveTip(tx, 0n))))
      return false
    const rest = list.filter((other) => other !== old)
    if ([tx, ...rest].reduce((sum, other) => sum + upfrontCost(other), 0n) > account.balance) return false
    this.lists.set(
      name,
      [...rest, tx].sort((x, y) => Number(x.nonce - y.nonce)),
    )
    return true
  }

  setAccount(name: string, account: PoolAccount): void {
    this.accounts.set(name, account)
    const list = (this.lists.get(name) as TypedTransaction[]).filter((tx) => tx.nonce >= account.nonce)
    while (list.reduce((sum, tx) => sum + upfrontCost(tx), 0n) > account.balance) list.pop()
    this.lists.set(name, list)
  }

  ready(name: string): TypedTransaction[] {
    const { nonce } = this.accounts.get(name) as PoolAccount
    return (this.lists.get(name) as TypedTransaction[]).filter((tx, i) => tx.nonce === nonce + BigInt(i))
  }

  hashes(): Hash32[] {
    return [...this.lists.values()].flat().map(transactionHash).sort()
  }
}

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      name: fc.constantFrom(...SENDERS),
      nonce: fc.bigInt(0n, 6n),
      fee: fc.bigInt(10n, 30n),
      tip: fc.bigInt(0n, 10n),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('account' as const),
      name: fc.constantFrom(...SENDERS),
      nonce: fc.bigInt(0n, 6n),
      balance: fc.constantFrom(0n, 700_000n, 1_500_000n, 10n ** 9n),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), at: fc.nat(20) }) },
)

describe('TransactionPool against a model', () => {
  it('takes, replaces, follows accounts and drops as the model does, and offers the best first', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.bigInt(10n, 25n), (actions, baseFee) => {
        const pool = new TransactionPool({ sessionKeys: [], minFeePerGas: MIN_FEE })
        const model = new Model()
        for (const step of actions) {
          if (step.kind === 'add') {
            const tx = transfer(step.name, step.nonce, step.fee, step.tip)
            const account = model.accounts.get(step.name) as PoolAccount
            let taken = true
            try {
              pool.add(tx, account, GAS_LIMIT)
            } catch {
              taken = false
            }
            expect(taken).toBe(model.accepts(step.name, tx))
          } else if (step.kind === 'account') {
            const account = { nonce: step.nonce, balance: step.balance }
            model.setAccount(step.name, account)
            const address = addressOf.get(step.name)
            if (address) pool.update(address, account)
          } else {
            const hash = model.hashes()[step.at]
            if (!hash) continue
            pool.drop(hash)
            for (const [name, list] of model.lists)
              model.lists.set(
                name,
                list.filter((tx) => transactionHash(tx) !== hash),
              )
          }
          expect([...pool.all()].map(transactionHash).sort()).toEqual(model.hashes())
          const pending = SENDERS.reduce((sum, name) => sum + model.ready(name).length, 0)
          expect(pool.counts()).toEqual({ pending, queued: pool.size - pending })
        }
        const offered = [...pool.ready(baseFee)]
        const payable = SENDERS.flatMap((name) => {
          const ready = model.ready(name)
          const stop = ready.findIndex((tx) => effectiveTip(tx, baseFee) < 0n)
          return stop === -1 ? ready : ready.slice(0, stop)
        })
        expect(offered.map(transactionHash).sort()).toEqual(payable.map(transactionHash).sort())
        // Best first: each one pays no less than what was already possible in its place.
        for (const [i, tx] of offered.entries())
          for (const later of offered.slice(i + 1)) {
            const possible = offered.slice(i, offered.indexOf(later)).every((x) => senderOf(x) !== senderOf(later))
            if (possible) expect(effectiveTip(tx, baseFee) >= effectiveTip(later, baseFee)).toBe(true)
          }
      }),
      { numRuns: 150, seed: 20260729 },
    )
  })
})

describe('the work that a transaction makes', () => {
  /** How often Map and Array are asked or gone through while `task` runs. */
  function stepsOf(task: () => void): number {
    let steps = 0
    const restore: (() => void)[] = []
    const count = (prototype: object, names: readonly string[]) => {
      for (const name of names) {
        const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown
        Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]) {
          steps++
          return original.apply(this, args)
        })
        restore.push(() => Reflect.set(prototype, name, original))
      }
    }
    count(Map.prototype, ['get', 'set', 'has', 'delete', 'keys', 'values', 'entries'])
    count(Array.prototype, ['push', 'pop', 'splice', 'filter', 'sort', 'map', 'at'])
    try {
      task()
    } finally {
      for (const undo of restore) undo()
    }
    return steps
  }

  /** A pool with a backlog: `count` transactions of one sender, and one of each of `count` more. */
  function backlog(count: number): TransactionPool {
    const pool = new TransactionPool({ sessionKeys: [], minFeePerGas: MIN_FEE })
    const account = { nonce: 0n, balance: 10n ** 18n }
    for (let i = 0; i < count; i++) {
      pool.add(transfer('long', BigInt(i), 20n, 5n), account, GAS_LIMIT)
      pool.add(transfer(`s${i}`, 0n, 30n, 5n + BigInt(i % 7)), account, GAS_LIMIT)
    }
    return pool
  }
  const SMALL = 8
  const LARGE = 512
  const account = { nonce: 0n, balance: 10n ** 18n }

  it('does not grow with the backlog: adding, following a head, and taking the first few for a block', () => {
    const work = (count: number) => {
      const pool = backlog(count)
      const add = transfer('long', BigInt(count), 20n, 5n)
      const fresh = transfer('fresh', 0n, 20n, 5n)
      for (const tx of [add, fresh]) senderOf(tx)
      const sender = senderOf(add)
      return {
        add: stepsOf(() => pool.add(add, account, GAS_LIMIT)),
        fresh: stepsOf(() => pool.add(fresh, account, GAS_LIMIT)),
        update: stepsOf(() => pool.update(sender, { ...account, nonce: 2n })),
        ready: stepsOf(() => {
          const best = pool.ready(MIN_FEE)
          for (let i = 0; i < 5; i++) best.next()
        }),
      }
    }
    const [small, large] = [work(SMALL), work(LARGE)]
    // A heap of 64 times as many is six levels deeper, with a handful of steps at each.
    for (const name of ['add', 'fresh', 'update', 'ready'] as const)
      expect(large[name], name).toBeLessThanOrEqual(small[name] + 60)
  })
})

describe('accounts with a delegation', () => {
  const rich = { nonce: 0n, balance: 10n ** 18n }
  const pool = () => new TransactionPool({ sessionKeys: [], minFeePerGas: MIN_FEE })

  it('have one transaction in the pool, which may be replaced, and none behind a gap', () => {
    const p = pool()
    const delegated = { ...rich, delegated: true }
    expect(() => p.add(transfer('a', 1n, 20n, 5n), delegated, GAS_LIMIT)).toThrow('gapped-nonce tx')
    p.add(transfer('a', 0n, 20n, 5n), delegated, GAS_LIMIT)
    expect(() => p.add(transfer('a', 1n, 20n, 5n), delegated, GAS_LIMIT)).toThrow('in-flight transaction limit reached')
    p.add(transfer('a', 0n, 22n, 6n), delegated, GAS_LIMIT)
    expect(p.size).toBe(1)
  })

  it('are bound in the same way by an authorization that waits in the pool', () => {
    const p = pool()
    const address = new Uint8Array(20).fill(7)
    const digest = keccak256(Uint8Array.of(5, ...RLP.encode([uintBE(18443n, 2), address, new Uint8Array()])))
    const signature = secp256k1.sign(digest, keyOf('authority'))
    const trim = (bytes: Uint8Array) => bytes.subarray(bytes.findIndex((byte) => byte !== 0))
    const authorization = {
      chainId: toHex(uintBE(18443n, 2)),
      address: toHex(address),
      nonce: '0x',
      yParity: signature[64] === 1 ? '0x1' : '0x',
      r: toHex(trim(signature.subarray(0, 32))),
      s: toHex(trim(signature.subarray(32, 64))),
    }
    const set = createEOACode7702Tx(
      { nonce: 0n, gasLimit: 100_000n, to, maxFeePerGas: 20n, authorizationList: [authorization] as never },
      { common },
    ).sign(keyOf('sponsor'))
    p.add(set, rich, GAS_LIMIT)
    p.add(transfer('authority', 0n, 20n, 5n), rich, GAS_LIMIT)
    expect(() => p.add(transfer('authority', 1n, 20n, 5n), rich, GAS_LIMIT)).toThrow('in-flight')
    p.drop(transactionHash(set))
    p.add(transfer('authority', 1n, 20n, 5n), rich, GAS_LIMIT)
    expect(() => p.add(set, rich, GAS_LIMIT)).toThrow('authority already reserved')
  })
})
