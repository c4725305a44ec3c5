/** The house: who may import whom (docs/architecture.md). Part of `make check`. */
const product = [
  'activities',
  'api',
  'bridge',
  'bin',
  'contracts',
  'domain',
  'infra',
  'prisma',
  'providers',
  'workflows',
];
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: {
    path: `^(${product.join('|')}|config\\.ts)(/|$)`,
    pathNot: [from, ...allowed.map((folder) => `^${folder}(/|$)`)],
  },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('domain-imports-nothing', '^domain/', []),
    only('contracts-import-domain', '^contracts/', ['domain']),
    only('prisma-imports-domain-and-contracts', '^prisma/', ['domain', 'contracts']),
    only('workflows-import-domain-and-types', '^workflows/', ['domain', 'contracts', 'activities']),
    only('activities-import-the-port-only', '^activities/', [
      'domain',
      'contracts',
      'prisma',
      'providers/port\\.ts',
    ]),
    only('bridge-stands-alone', '^bridge/', ['domain', 'contracts', 'prisma']),
    only('api-stands-alone', '^api/', ['domain', 'contracts', 'prisma']),
    only('providers-stand-alone', '^providers/', ['domain', 'contracts']),
    only('infra-reads-settings', '^infra/', ['config\\.ts']),
    {
      name: 'bin-is-imported-by-nothing',
      severity: 'error',
      from: { pathNot: '^(bin|test|bench)/' },
      to: { path: '^bin/' },
    },
    {
      name: 'workflows-compute-no-dates',
      comment: 'Time-zone data changes with the runtime; a replay would differ.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: ['^domain/(calendar|ids|money)\\.ts$'] },
    },
    {
      name: 'workflows-are-deterministic',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'workflows-know-temporal-only',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { dependencyTypes: ['npm', 'npm-dev'], pathNot: 'node_modules/@temporalio/(workflow|common)/' },
    },
    {
      name: 'kafkajs-behind-its-port',
      severity: 'error',
      from: { pathNot: '^(bridge/kafka/kafkajs|test/|bench/|infra/platform/|bin/demo)' },
      to: { path: 'node_modules/kafkajs/' },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^@prisma/schema-engine-wasm' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'dist', 'prisma/generated'] },
    exclude: { path: ['^dist/', '^node_modules/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    parser: 'swc',
  },
};
