import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@hawser/source'] },
  ssr: { resolve: { conditions: ['@hawser/source'] } },
  test: {
    include: ['**/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/build/**', '**/dist/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: two files at a time keep end-to-end tests away from one another's slots.
    maxWorkers: 2,
  },
})
