/** A code and what is known of it: where jumps may go, and the constants that it pushes. */
export class Code {
  readonly bytes: Uint8Array
  readonly #constants: (bigint | undefined)[] = []
  #destinations: Uint8Array | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Whether a position is a JUMPDEST that is no data of a push. */
  isDestination(position: number): boolean {
    this.#destinations ??= findDestinations(this.bytes)
    return this.#destinations[position] === 1
  }

  /** The constant behind the PUSH at a position; beyond the end of the code there are zeros. */
  constant(position: number, length: number): bigint {
    const known = this.#constants[position]
    if (known !== undefined) return known
    const data = this.bytes.subarray(position + 1, position + 1 + length)
    let value = 0n
    for (let i = 0; i < length; i++) value = (value << 8n) | BigInt(data[i] ?? 0)
    this.#constants[position] = value
    return value
  }
}

function findDestinations(bytes: Uint8Array): Uint8Array {
  const destinations = new Uint8Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const opcode = bytes[i] as number
    if (opcode === 0x5b) destinations[i] = 1
    else if (opcode >= 0x60 && opcode <= 0x7f) i += opcode - 0x5f
  }
  return destinations
}

const known = new WeakMap<Uint8Array, Code>()

/** The analysed code of bytes that nobody changes; kept as long as they are. */
export function codeOf(bytes: Uint8Array): Code {
  let code = known.get(bytes)
  if (!code) {
    code = new Code(bytes)
    known.set(bytes, code)
  }
  return code
}
