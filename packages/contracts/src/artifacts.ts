/** Creation bytecode, apart from the index so that browsers need not load it. */
export * from './generated/bytecode.ts'
