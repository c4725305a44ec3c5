/** The house: who may import whom (docs/architecture.md). Part of `make check`; `test/unit/house` proves each rule. */
const product = [
  'access',
  'activities',
  'api',
  'billing',
  'bin',
  'bridge',
  'cli',
  'contracts',
  'dev',
  'domain',
  'prisma',
  'providers',
  'temporal',
  'workflows',
];

/** `folder` imports of the product nothing but itself and what `allowed` (path patterns) names. */
const only = (folder, allowed, comment) => ({
  name: `${folder.replace(/[^a-z]+/g, '-')}-imports`,
  comment,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: `^(${product.join('|')})/|^config\\.ts$`,
    pathNot: [folder, ...allowed].map((path) => `^${path}${path.endsWith('.ts') ? '$' : '/'}`),
  },
});

/** Packages that only `from` may import. */
const fenced = (name, packages, from, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { pathNot: from },
  to: { path: `node_modules/(${packages.join('|')})/` },
});

/**
 * The rooms of billing, lowest first. A room imports those below it; the files in the root of `billing/` are the
 * kernel, below all. Rooms of one step do not import each other.
 */
const billingSteps = [
  ['notification'],
  ['ledger'],
  ['payment'],
  ['subscription', 'retry', 'webhook', 'operator', 'customer', 'catalog'],
  ['renewal'],
  ['reconcile'],
  ['test-clock'],
  ['report', 'timeline'],
];
const billingOrder = billingSteps.flatMap((step, index) => {
  const below = billingSteps.slice(0, index).flat();
  return step.map((room) => ({
    name: `billing-${room}-imports`,
    severity: 'error',
    from: { path: `^billing/${room}/` },
    to: { path: '^billing/[^/]+/', pathNot: [room, ...below].map((other) => `^billing/${other}/`) },
  }));
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('domain', []),
    only('contracts', ['domain']),
    only('prisma', []),
    only('temporal', ['contracts']),
    only('providers', ['domain', 'contracts']),
    only('access', ['contracts', 'prisma']),
    only('billing', ['domain', 'contracts', 'prisma', 'access', 'providers/port\\.ts']),
    only(
      'activities',
      ['billing', 'contracts', 'domain', 'temporal', 'prisma/client\\.ts'],
      'Of prisma only the type of the database handle, which billing is given (the linter: types only).',
    ),
    only('workflows', ['domain', 'contracts', 'activities']),
    only('bridge', ['billing', 'contracts', 'domain', 'temporal', 'prisma']),
    only(
      'api',
      ['billing', 'access', 'contracts', 'domain', 'temporal', 'prisma/client\\.ts'],
      'Of prisma only the type of the database handle, which billing is given (the linter: types only).',
    ),
    only('cli', ['contracts', 'domain', 'config\\.ts']),
    {
      name: 'bin-and-dev-are-imported-by-nothing',
      severity: 'error',
      from: { pathNot: '^(bin|dev|test)/' },
      to: { path: '^(bin|dev)/' },
    },
    {
      name: 'demo-is-a-caller',
      comment: 'The demo speaks HTTP as a caller does; it starts the system with dev/platform.',
      severity: 'error',
      from: { path: '^dev/demo/' },
      to: { path: '^(access|activities|api|billing|bin|bridge|prisma|providers|temporal|workflows)/' },
    },
    {
      name: 'billing-kernel-imports',
      severity: 'error',
      from: { path: '^billing/[^/]+\\.ts$' },
      to: { path: '^billing/[^/]+/' },
    },
    ...billingOrder,
    {
      name: 'billing-knows-no-transport',
      severity: 'error',
      from: { path: '^(billing|access|domain|contracts|prisma)/' },
      to: { path: 'node_modules/(@temporalio/[^/]+|express|kafkajs)/' },
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
    fenced('kafkajs-behind-its-port', ['kafkajs'], '^(bridge/kafka/kafkajs|test/|dev/)'),
    fenced(
      'express-in-api-only',
      ['express', 'helmet'],
      '^(api/http/|providers/sandbox/|test/|dev/bench/)',
      'The sandbox provider is a server of its own.',
    ),
    fenced(
      'temporal-client-in-temporal-only',
      ['@temporalio/client'],
      '^(temporal/|bin/|test/|dev/)',
      'One wrapper of the client; others have it from there.',
    ),
    {
      name: 'no-internals-of-the-temporal-sdk',
      comment: 'Its public modules only: what is inside changes with any release.',
      severity: 'error',
      from: {},
      to: { path: 'node_modules/@temporalio/[^/]+/lib/', pathNot: '/lib/index\\.' },
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
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    parser: 'swc',
  },
};
