/** An object with some of its members in other hands; the rest stays its own, private state and all. */
export function decorated<T extends object>(real: T, members: Partial<T>): T {
  return new Proxy(real, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name) as unknown
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
