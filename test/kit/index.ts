export { GENESIS_TIME, TEST_SPEC, testAddress, TestChain, TestClock, testKey, VALIDATORS } from './test-chain.ts'
