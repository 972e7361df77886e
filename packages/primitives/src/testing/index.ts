/** For tests of every room that reads what others send. */
export { anyMessage, crumbs, fuzzDecoder, nestedBomb, type FuzzedDecoder } from './decoder-fuzz.ts'
