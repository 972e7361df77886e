import { MIXED_PROFILES, type Act, type Fault, type Profile, type SimConfig } from './config.ts'
import { between, pick, prng, sample, type Draw } from './prng.ts'

/** One seed in so many runs with real signatures. */
const REAL_CRYPTO_EVERY = 100
const GST_MS = 5000
/** From the settling on: ten gossip durations until a node calls itself stuck, and some rounds with all timers. */
const LIVE_WITHIN_MS = 15_000
const ACTS: readonly Act[] = ['equivocate', 'blocks', 'withhold', 'forge', 'amnesia', 'trap']
const EPOCHS = 40
/** Four is where most is won and lost: one faulty, and no vote to spare. */
const SIZES = [1, 2, 3, 4, 4, 4, 4, 4, 4, 5, 6, 7, 7, 10]

/** A network in which all is well, of any size. */
export function healthyPlan(
  seed: number,
  nodes: number,
  { minMs, maxMs, endMs }: { minMs: number; maxMs: number; endMs: number },
): SimConfig {
  const plain = planOf({ seed, profile: 'random', nodes })
  const weights = Array.from({ length: nodes }, () => 1)
  // The settling is at the end: a run with one before would end soon after it.
  return {
    ...plain,
    followers: 0,
    weights,
    faults: [],
    listen: false,
    crypto: 'tags',
    minMs,
    maxMs,
    gstMs: endMs - 2500,
    endMs,
  }
}

export interface PlanOptions {
  readonly seed: number
  readonly profile?: Profile
  /** Validators; drawn where it is not given. */
  readonly nodes?: number
}

/** The config of a seed: everything that a run does follows from it. */
export function planOf({ seed, profile: wanted, nodes }: PlanOptions): SimConfig {
  const faultDraw = prng(seed, 'faults')
  const work = prng(seed, 'workload')
  const profile = wanted ?? (MIXED_PROFILES[seed % MIXED_PROFILES.length] as Profile)
  const setChange = profile === 'set-change'
  const validators =
    nodes ?? (setChange ? between(work, 4, 7) : profile === 'accountability' ? between(work, 4, 7) : pick(work, SIZES))
  const followers = setChange ? 1 : work() < 0.2 ? 1 : 0
  const all = Array.from({ length: validators }, (_, i) => i)
  const firstSet = setChange ? sample(work, all, Math.max(4, validators - 1)).sort((a, b) => a - b) : all
  const weighted = !setChange && profile !== 'accountability' && work() < 0.15
  const weights = all.map(() => (weighted ? between(work, 1, 3) : 1))
  const faults = faultsOf(profile, faultDraw, { all, firstSet, weights, followers })
  const faulty = new Set(
    faults.flatMap((fault) => (fault.type === 'byzantine' || fault.type === 'twin' ? [fault.node] : [])),
  )
  const sets = setChange
    ? Array.from({ length: EPOCHS }, () => [nextSet(work, all, faulty), nextSet(work, all, faulty)] as const)
    : []
  const minMs = between(work, 5, 40)
  return {
    seed,
    profile,
    validators,
    followers,
    weights,
    sets,
    firstSet,
    epochBlocks: setChange ? between(work, 2, 6) : 1_000_000,
    slotSeconds: 1,
    gossipMs: 300,
    gstMs: faults.length === 0 ? 0 : GST_MS,
    minMs,
    maxMs: minMs + between(work, 20, 160),
    endMs: GST_MS + LIVE_WITHIN_MS,
    crypto: seed % REAL_CRYPTO_EVERY === 0 ? 'real' : 'tags',
    listen: faultDraw() < 0.1,
    guard: faults.some(({ type }) => type === 'rollback') || faultDraw() < 0.5,
    faults,
  }
}

/** Any members of whom less than a third is faulty; often the same as before but for one. */
function nextSet(draw: Draw, all: readonly number[], faulty: ReadonlySet<number>): number[] {
  const size = between(draw, Math.min(4, all.length), all.length)
  const drawn = sample(draw, all, size)
  const most = Math.floor((size - 1) / 3)
  let bad = 0
  const kept = drawn.filter((node) => !faulty.has(node) || ++bad <= most)
  const rest = all.filter((node) => !faulty.has(node) && !kept.includes(node))
  const filled = [...kept, ...rest.slice(0, size - kept.length)]
  const f = Math.floor((filled.length - 1) / 3)
  const badKept = filled.filter((node) => faulty.has(node))
  return filled.filter((node) => !faulty.has(node) || badKept.indexOf(node) < f).sort((a, b) => a - b)
}

interface People {
  readonly all: readonly number[]
  readonly firstSet: readonly number[]
  readonly weights: readonly number[]
  readonly followers: number
}

function faultsOf(profile: Profile, draw: Draw, people: People): Fault[] {
  const { all, firstSet, weights, followers } = people
  const total = firstSet.reduce((sum, node) => sum + (weights[node] ?? 1), 0)
  const f = Math.floor((total - 1) / 3)
  const faults: Fault[] = []
  /** Faulty validators up to a weight. */
  const corrupt = (weight: number, make: (node: number) => Fault): void => {
    let left = weight
    for (const node of sample(draw, firstSet, firstSet.length)) {
      if ((weights[node] ?? 1) > left) continue
      left -= weights[node] ?? 1
      faults.push(make(node))
    }
  }
  const honest = () => {
    const bad = new Set(
      faults.flatMap((fault) => (fault.type === 'byzantine' || fault.type === 'twin' ? [fault.node] : [])),
    )
    return all.filter((node) => !bad.has(node))
  }
  const everybody = Array.from({ length: all.length + followers }, (_, i) => i)
  switch (profile) {
    case 'random':
      if (draw() < 0.1) return []
      if (draw() < 0.6)
        corrupt(between(draw, 0, f), (node) => ({
          type: 'byzantine',
          node,
          acts: sample(draw, ACTS, between(draw, 0, 3)),
        }))
      if (draw() < 0.6) faults.push(...network(draw, everybody))
      if (draw() < 0.5) faults.push(...crashes(draw, honest()))
      if (draw() < 0.2) faults.push(...clocks(draw, honest()))
      break
    case 'adversarial':
      if (draw() < 0.3) corrupt(f, (node) => ({ type: 'twin', node }))
      else corrupt(f, (node) => ({ type: 'byzantine', node, acts: sample(draw, ACTS, between(draw, 1, 3)) }))
      if (draw() < 0.6) faults.push({ type: 'isolate', node: pick(draw, honest()), from: between(draw, 500, 3000) })
      if (draw() < 0.4) faults.push(...network(draw, everybody))
      if (draw() < 0.2) faults.push(...crashes(draw, honest()))
      break
    case 'crash':
      faults.push(...crashes(draw, honest()), ...crashes(draw, honest()))
      // A validator on yesterday's database is refused by its guard, and so as good as silent: it counts among the faulty.
      if (draw() < 0.4)
        corrupt(f, (node) => {
          const at = between(draw, 1500, GST_MS)
          return { type: 'rollback', node, takenAt: between(draw, 200, at - 500), at }
        })
      else if (draw() < 0.6) corrupt(f, (node) => ({ type: 'byzantine', node, acts: sample(draw, ACTS, 1) }))
      if (draw() < 0.3) faults.push({ type: 'slow-disk', node: pick(draw, honest()), fsyncMs: between(draw, 50, 400) })
      if (draw() < 0.3) faults.push(...network(draw, everybody))
      break
    case 'partition':
      for (let i = between(draw, 1, 4); i > 0; i--) faults.push(partition(draw, everybody))
      if (draw() < 0.4)
        corrupt(f, (node) =>
          draw() < 0.5 ? { type: 'twin', node } : { type: 'byzantine', node, acts: sample(draw, ACTS, 2) },
        )
      if (draw() < 0.3) faults.push(...crashes(draw, honest()))
      if (draw() < 0.3) faults.push(...clocks(draw, honest()))
      break
    case 'set-change':
      if (draw() < 0.4)
        corrupt(between(draw, 0, f), (node) => ({
          type: 'byzantine',
          node,
          acts: sample(draw, ACTS, between(draw, 0, 2)),
        }))
      if (draw() < 0.5) faults.push(...network(draw, everybody))
      if (draw() < 0.4) faults.push(...crashes(draw, honest()))
      faults.push({ type: 'join', node: all.length + followers - 1, at: between(draw, 2000, 8000) })
      break
    case 'no-pull':
      faults.push({ type: 'no-pull' })
      corrupt(f, (node) => ({ type: 'byzantine', node, acts: ['trap', ...sample(draw, ACTS, between(draw, 0, 1))] }))
      faults.push(...network(draw, everybody))
      break
    case 'accountability':
      // The first ones, so that honest nodes are on either side of the partition by even and odd.
      for (const node of all.slice(0, f + 1)) faults.push({ type: 'twin', node })
      for (const side of [0, 1]) {
        const senders = honest().filter((node) => node % 2 === side)
        faults.push({
          type: 'partition',
          from: 0,
          to: GST_MS,
          senders,
          receivers: honest().filter((node) => node % 2 !== side),
        })
      }
      break
  }
  return faults
}

function network(draw: Draw, everybody: readonly number[]): Fault[] {
  const faults: Fault[] = []
  const from = between(draw, 0, 2000)
  if (draw() < 0.6) faults.push({ type: 'drop', from, to: between(draw, from + 500, GST_MS), share: 0.5 * draw() })
  if (draw() < 0.3) faults.push({ type: 'duplicate', share: 0.3 * draw() })
  if (draw() < 0.5) faults.push({ type: 'slow', from: 0, to: GST_MS, meanMs: between(draw, 50, 800) })
  if (draw() < 0.3) faults.push(partition(draw, everybody))
  return faults
}

/** Often one way only. */
function partition(draw: Draw, everybody: readonly number[]): Fault {
  const senders = sample(draw, everybody, between(draw, 1, Math.max(1, everybody.length - 1)))
  const receivers =
    draw() < 0.5
      ? everybody.filter((node) => !senders.includes(node))
      : sample(draw, everybody, between(draw, 1, everybody.length))
  const from = between(draw, 0, 3500)
  return { type: 'partition', from, to: between(draw, from + 300, GST_MS), senders, receivers }
}

function crashes(draw: Draw, nodes: readonly number[]): Fault[] {
  return Array.from({ length: between(draw, 1, 3) }, () => ({
    type: 'crash' as const,
    node: pick(draw, nodes),
    at: between(draw, 100, 4000),
    effects: between(draw, 0, 30),
    downMs: between(draw, 1, 1500),
    kept: draw() < 0.5 ? 0 : draw(),
  }))
}

function clocks(draw: Draw, nodes: readonly number[]): Fault[] {
  return [{ type: 'clock', node: pick(draw, nodes), offsetMs: between(draw, -1000, 1000) }]
}
