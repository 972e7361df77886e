/** The one way to start work without waiting for it: whatever it throws reaches `onError`. */
export function spawn(task: () => Promise<unknown>, onError: (error: unknown) => void): void {
  void (async () => {
    try {
      await task()
    } catch (error) {
      onError(error)
    }
  })()
}
