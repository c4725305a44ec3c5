/**
 * Stripe's own stand-in for its API, for tests: it judges each request by Stripe's published description of the API
 * and answers with examples; it keeps nothing.
 *
 * Owns: its program. Does not own running it: the tests that need it do.
 */
import { join } from 'node:path';
import { installGoPrograms, type BuildContext } from './builds';
import { cacheRoot, ensureCached, machineSuffix, type CacheEntry } from './cache';
import type { Report } from './progress';
import { machineTools, type Tools } from './tools';

const version = '0.197.0';

function entryOf(context: BuildContext): CacheEntry {
  return {
    component: 'stripe-mock',
    version: `${version}-${machineSuffix}`,
    build: (folder) =>
      installGoPrograms(
        {
          title: `stripe-mock ${version}`,
          packages: [`github.com/stripe/stripe-mock@v${version}`],
          linkerFlags: '-s -w',
        },
        folder,
        context,
      ),
  };
}

/**
 * The path of the program `stripe-mock`, built when it is not in the cache.
 * @throws PlatformError `missing_tools` without Go when it has to be built; `build_failed`
 */
export async function ensureStripeMock(
  options: {
    readonly report?: Report;
    readonly tools?: Tools;
    readonly cacheDir?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<string> {
  const { report = () => undefined, tools = machineTools, cacheDir = cacheRoot(), signal } = options;
  const folder = await ensureCached(entryOf({ report, tools, signal }), { root: cacheDir, report, signal });
  return join(folder, 'bin', 'stripe-mock');
}
