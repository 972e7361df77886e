import { messageOf } from '@hawser/primitives'
import { cliError } from '../errors.ts'
import { seconds } from '../format.ts'
import type { Output } from '../output.ts'
import type { StopRequest } from '../stop-request.ts'

/** What a step reports for scripts. */
export interface StepReport {
  readonly step: string
  readonly ms: number
  readonly facts: Readonly<Record<string, unknown>>
}

/** What a step says while it runs. */
export interface StepNotes {
  /** A line that stays, with the seconds since the step began. */
  note(text: string): void
  /** A value of the step's report. */
  fact(name: string, value: unknown): void
}

/** A tour's steps, numbered, timed and reported one after the other. */
export class Tour {
  readonly reports: StepReport[] = []
  readonly #output: Output
  readonly #stop: StopRequest
  readonly #count: number
  readonly #began = Date.now()

  constructor(output: Output, stop: StopRequest, count: number) {
    this.#output = output
    this.#stop = stop
    this.#count = count
  }

  get elapsedMs(): number {
    return Date.now() - this.#began
  }

  /** Runs a step; a stop request ends it at once. @throws DEMO_FAILED, INTERRUPTED */
  async step<T>(title: string, work: (notes: StepNotes) => Promise<T>): Promise<T> {
    this.#stop.check()
    const number = this.reports.length + 1
    const began = Date.now()
    const facts: Record<string, unknown> = {}
    this.#output.line(`${number}/${this.#count}  ${title}`)
    const notes: StepNotes = {
      note: (text) => this.#output.line(`     ${seconds(Date.now() - began).padStart(7)}  ${text}`),
      fact: (name, value) => (facts[name] = value),
    }
    try {
      const result = await Promise.race([
        work(notes),
        this.#stop.requested.then(() => {
          this.#stop.check()
          throw new Error('stopped')
        }),
      ])
      const ms = Date.now() - began
      this.reports.push({ step: title, ms, facts })
      this.#output.line(`     ${seconds(ms).padStart(7)}  done\n`)
      return result
    } catch (error) {
      if (this.#stop.isRequested) throw error
      throw cliError('DEMO_FAILED', `step ${number} of the tour failed (${title}): ${messageOf(error)}`, error)
    }
  }
}

/** States what a tour must find. */
export function expectThat(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}
