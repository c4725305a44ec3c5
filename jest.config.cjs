/** Four kinds of tests, by what they need: nothing, skipped time, real servers, the whole system. */
const transform = {
  '^.+\\.[jt]s$': [
    '@swc/jest',
    { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
  ],
};
const project = (name, more = {}) => ({
  displayName: name,
  testEnvironment: 'node',
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  transform,
  // Prisma's generated TypeScript imports its own files by the names that they have when compiled.
  moduleNameMapper: { '^(\\.{1,2}/(?:internal/|models/)?[A-Za-z]+)\\.js$': '$1' },
  // Packages that are ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!temporal-polyfill|temporal-utils)'],
  ...more,
});
/** The server that skips time, and the bundle of the workflows. */
const workflows = { globalSetup: '<rootDir>/test/support/servers/workflows.ts' };
/** Real servers, started once for each worker of the run. */
const servers = {
  globalSetup: '<rootDir>/test/support/servers/start.ts',
  globalTeardown: '<rootDir>/test/support/servers/stop.ts',
  setupFiles: ['<rootDir>/test/support/servers/of-worker.ts'],
};

/** @type {import('jest').Config} */
module.exports = {
  testTimeout: 60_000,
  maxWorkers: 2,
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  projects: [
    project('unit'),
    project('workflow', process.env.RECORD_HISTORIES === '1' ? servers : workflows),
    project('integration', servers),
    // Each of its files has a whole system of its own.
    project('e2e'),
  ],
};
