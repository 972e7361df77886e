import mcl from 'mcl-wasm'

let ready: Promise<unknown> | undefined

/** The BLS12-381 library (WebAssembly), set up once for the process. */
export async function loadBls(): Promise<typeof mcl> {
  ready ??= mcl.init(mcl.BLS12_381)
  await ready
  return mcl
}
