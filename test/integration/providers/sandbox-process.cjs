/**
 * The sandbox provider as a process of its own, so that a test can kill it. Arguments: the database's URL.
 * Tells its port as one line of JSON once it listens.
 */
const { randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  module._compile(code, filename);
};

const { createSandbox } = require('../../../providers/sandbox/server.ts');

const silent = () => undefined;
void createSandbox({
  databaseUrl: process.argv[2],
  now: () => new Date(),
  newId: randomUUID,
  log: { info: silent, warn: silent, error: silent },
}).then(({ app }) => {
  const server = app.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
  });
});
