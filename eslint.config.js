import tseslint from 'typescript-eslint'

/** What runs on virtual time: the simulator, and the consensus cores that it runs. */
const DETERMINISTIC = [
  'test/sim/*.ts',
  'packages/chain/src/block-tree.ts',
  ...[
    'aura',
    'aura-consensus',
    'catch-up',
    'chain-view',
    'commit',
    'guard-rule',
    'header-tree',
    'inventory',
    'parking',
    'round',
    'set-changes',
    'tree-chain-view',
    'vote-graph',
    'vote-records',
    'voter',
    'voter-set',
    'voting-rules',
  ].map((name) => `consensus/src/${name}.ts`),
]
/** The simulator's shells: they measure real time and start processes. */
const SIMULATOR_SHELLS = ['main', 'mutants-main', 'long', 'bundle'].map((name) => `test/sim/${name}.ts`)
const CLOCKS = ['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'crypto']

export default tseslint.config(
  {
    ignores: [
      '**/build/**',
      '**/dist/**',
      '**/node_modules/**',
      '**/out/**',
      '**/cache/**',
      'packages/contracts/lib/**',
      'examples/**',
      '**/*.mjs',
      '*.js',
      '*.config.ts',
    ],
  },
  ...tseslint.configs.recommended,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['**/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'RLP',
          property: 'decode',
          message: 'decodeRlp bounds depth and items first: nested lists cost memory and time without end.',
        },
      ],
    },
  },
  {
    files: DETERMINISTIC,
    ignores: [...SIMULATOR_SHELLS, 'test/sim/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...CLOCKS.map((name) => ({ name, message: 'A run must follow from its seed.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'A run must follow from its seed.' },
      ],
    },
  },
)
