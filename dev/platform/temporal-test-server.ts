/**
 * Temporal's time-skipping test server, for workflow tests that live through years in seconds.
 *
 * Owns: its jars and the script that `@temporalio/testing` starts. Does not own running it: the test environment
 * does, with `createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyJars, type BuildContext } from './builds';
import { cacheRoot, ensureCached, type CacheEntry } from './cache';
import { PlatformError } from './errors';
import type { Report } from './progress';
import { javaProblem } from './tool-problems';
import { machineTools, type Tools } from './tools';

const version = '1.38.0';

// `exec`, because only this process is killed at the end. The jars lie beside the script, wherever that is.
const script = `#!/bin/sh
folder=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec "\${JAVA_HOME:+$JAVA_HOME/bin/}java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$folder/lib/*" io.temporal.testserver.TestServer "$@"
`;

function entryOf(context: BuildContext): CacheEntry {
  return {
    component: 'temporal-test-server',
    version,
    build: async (folder) => {
      await copyJars(
        {
          title: `Temporal test server ${version}`,
          artefacts: [`io.temporal:temporal-test-server:${version}`],
        },
        folder,
        context,
      );
      await writeFile(join(folder, 'temporal-test-server'), script, { mode: 0o755 });
    },
  };
}

/**
 * The path of a program that runs the time-skipping test server with the arguments `<port> [--enable-time-skipping]`;
 * fetched when it is not in the cache.
 * @throws PlatformError `missing_tools` without Java 17, or without Maven when it has to be fetched; `build_failed`
 */
export async function ensureTestServer(
  options: {
    readonly report?: Report;
    readonly tools?: Tools;
    readonly cacheDir?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<string> {
  const { report = () => undefined, tools = machineTools, cacheDir = cacheRoot(), signal } = options;
  const problem = await javaProblem(tools);
  if (problem) {
    throw new PlatformError('missing_tools', `The Temporal test server needs Java 17 or newer: ${problem}.`);
  }
  const folder = await ensureCached(entryOf({ report, tools, signal }), { root: cacheDir, report, signal });
  return join(folder, 'temporal-test-server');
}
