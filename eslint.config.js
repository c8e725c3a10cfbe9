import tseslint from 'typescript-eslint'

/**
 * Who may import what. Imports point inwards: processors know schemas, core and port types; connectors know ports, core and their
 * vendor's client; only compose.ts, data-directory.ts and the entry points know adapters. test/lint/import-rules.test.ts plants a violation of each.
 */
const layer = (files, forbidden) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: forbidden }] },
})

const adapters = { regex: '/adapters/', message: 'only src/compose.ts, src/data-directory.ts and the entry points name adapters' }
const barrel = { regex: '/index\\.ts$', message: 'import the defining file: there are no barrel files' }
const edges = { regex: '/(cli|http|config|observe)/|/(compose|data-directory)\\.ts$', message: 'the edges import the inside, not the other way round' }
const anyPackage = { regex: '^[^.]', message: 'the pure core imports no package and no node: module' }
const zodValue = { regex: '/schemas/config\\.ts$', message: 'a processor knows settings, never the config file' }

const ambientCalls = [
  ...['Date', 'Intl', 'process', 'Buffer', 'fetch', 'setTimeout', 'performance'].map((name) => ({
    selector: `Identifier[name='${name}']:not(MemberExpression > Identifier.property, MethodDefinition > Identifier.key, Property > Identifier.key, TSMethodSignature > Identifier.key)`,
    message: `${name} is ambient: a processor's outputs may depend on its input only`,
  })),
  { selector: "MemberExpression[object.name='Math'][property.name=/^(random|sin|cos|tan|exp|log|pow|sqrt|cbrt|log2|log10)$/]", message: 'not the same on every engine' },
  {
    selector: 'MemberExpression[property.name=/^(toLowerCase|toUpperCase|localeCompare|normalize|toLocale.*)$/]',
    message: 'depends on the engine’s Unicode data: use src/core/canonical-id.ts or src/core/order.ts',
  },
]

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'data/', '.cache/', '**/data/', 'types/', 'eslint.config.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-imports': ['error', { patterns: [barrel] }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off', // noUncheckedIndexedAccess makes indexing into checked bounds need it
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unnecessary-type-parameters': 'off', // State.get<V> names what the table holds
      '@typescript-eslint/no-confusing-void-expression': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/require-await': 'off', // ports are async so that a throw becomes a rejection
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  layer(['processors/**/*.ts'], [anyPackage, adapters, barrel, edges, zodValue, { regex: '/(connect|runtime|sink|reports)/', message: 'processors import schemas, core and port types' }]),
  layer(['src/core/**/*.ts'], [{ regex: '^(?!\\.|@noble/hashes)', message: 'core imports no package but @noble/hashes' }, barrel, { regex: '/(ports|connect|runtime|sink|reports|adapters|cli|http|config|observe)/', message: 'core imports core only' }]),
  layer(['src/ports/**/*.ts'], [adapters, barrel, edges, { regex: '/(connect|runtime|sink|reports)/', message: 'ports are interfaces: they import schemas only' }]),
  layer(['connectors/*/**/*.ts'], [adapters, barrel, edges, { regex: '^\\.\\./(?!\\.\\./(src/(core|ports|connect)/|schemas/))', message: 'a connector imports core, ports, src/connect helpers and its vendor’s client, never another connector' }]),
  layer(['src/runtime/**/*.ts', 'src/connect/**/*.ts', 'src/sink/**/*.ts', 'src/reports/**/*.ts', 'src/replay/**/*.ts', 'src/move/**/*.ts'], [adapters, barrel, edges]),
  {
    files: ['src/**/*.ts', 'connectors/**/*.ts'],
    ignores: ['src/adapters/log-kafka/kafkajs.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: [{ name: 'kafkajs', allowTypeImports: true, message: 'unrepaired: import src/adapters/log-kafka/kafkajs.ts' }] }] },
  },
  {
    // what answers at once: a command line, and a question to a running process
    files: ['src/cli/main.ts', 'src/cli/ask.ts', 'src/cli/actions.ts', 'src/cli/with-api.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{ regex: '^(?!\\.|node:|commander$|zod$)|/(compose|data-directory|local-api|registry)\\.ts$|/(adapters|threads|conformance)/|^\\./(run|verify|log|probe|config|connector-.*|hostile.*|test-.*)\\.ts$', allowTypeImports: true, message: 'import() it where it is called: who asks a running process waits for nothing else' }] }] },
  },
  { files: ['processors/**/*.ts', 'src/core/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...ambientCalls] } },
  { files: ['src/core/canonical-id.ts', 'src/core/fold-table.ts'], rules: { 'no-restricted-syntax': 'off' } }, // the one place for Unicode
  { files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'schemas/generate*.ts', 'src/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [barrel] }],
      'max-lines': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off', // vitest types its asymmetric matchers as any
    },
  },
)
