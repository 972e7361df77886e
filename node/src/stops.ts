import { messageOf } from '@hawser/primitives'

type Step = () => Promise<void> | void

/** What a node has started, to be stopped in reverse order. */
export class Stops {
  readonly #steps: Step[] = []
  #done: Promise<void> | undefined

  push(step: Step): void {
    this.#steps.push(step)
  }

  /**
   * Stops everything, once: all callers wait for the same end. A step that fails keeps no other from its turn.
   * @throws AggregateError of what steps have thrown
   */
  run(): Promise<void> {
    return (this.#done ??= this.#run())
  }

  async #run(): Promise<void> {
    const errors: unknown[] = []
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map(messageOf).join('; '))
  }
}
