/**
 * Starts a platform in the folder that is its argument, says so, and stays until it is killed. JavaScript, because a
 * test runs it as a process of its own, which has no TypeScript loader.
 */
const { transformFileSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformFileSync(filename, {
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};
const { startPlatform } = require('../../../dev/platform/platform');

void startPlatform({ dir: process.argv[2], ports: 'free' }).then(
  (platform) => process.stdout.write(`${JSON.stringify(platform.environment)}\n`),
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
