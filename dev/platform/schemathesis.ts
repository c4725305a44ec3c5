/**
 * Schemathesis, which makes requests up from an OpenAPI document and judges the answers by it.
 *
 * Owns: its program. Does not own running it: `test/fuzz` does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPythonPackages } from './builds';
import { cacheRoot, ensureCached, machineSuffix } from './cache';
import type { Report } from './progress';
import { machineTools } from './tools';

/**
 * The command that runs it, installed when it is not in the cache.
 * @param requirements the file of `pip` that pins it
 * @throws PlatformError `missing_tools` without Python when it has to be installed; `build_failed`
 */
export async function ensureSchemathesis(requirements: string, report: Report): Promise<string[]> {
  const version = /^schemathesis==(\S+)$/m.exec(readFileSync(requirements, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${requirements} does not pin schemathesis`);
  const folder = await ensureCached(
    {
      component: 'schemathesis',
      version: `${version}-${machineSuffix}`,
      build: (into) =>
        installPythonPackages({ title: `Schemathesis ${version}`, requirements }, into, {
          report,
          tools: machineTools,
        }),
    },
    { root: cacheRoot(), report },
  );
  // Its script names the folder that it was installed into, which has another name since; Python finds its own.
  return [join(folder, 'bin', 'python'), join(folder, 'bin', 'schemathesis')];
}
