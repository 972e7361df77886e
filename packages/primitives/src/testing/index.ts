/** For the tests of every room. */
export { anyMessage, crumbs, fuzzDecoder, nestedBomb, type FuzzedDecoder } from './decoder-fuzz.ts'
export { HastyClock } from './hasty-clock.ts'
