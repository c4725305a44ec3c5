/** What tests of workflows need: the server that skips time, and the workflows' code as one file. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { repositoryFolder } from '../../../dev/platform/options';
import { ensureTestServer } from '../../../dev/platform/temporal-test-server';

export { prepareWorkflows as default };

/** Sets the variables that `skippedTime` and `workflowBundle` read; once for all projects of a run. */
export async function prepareWorkflows(): Promise<void> {
  if (process.env['TEST_WORKFLOW_BUNDLE'] !== undefined) return;
  const [testServer, bundle] = await Promise.all([
    ensureTestServer({ report: (line) => void process.stderr.write(`${line}\n`) }),
    currentBundle(),
  ]);
  Object.assign(process.env, { TEST_TIME_SKIPPING_SERVER: testServer, TEST_WORKFLOW_BUNDLE: bundle });
}

/** In a test: the workflows' code, for a worker. */
export function workflowBundle(): { codePath: string } {
  const codePath = process.env['TEST_WORKFLOW_BUNDLE'];
  if (codePath === undefined) throw new Error('the jest global setup did not run');
  return { codePath };
}

/** The build's bundle or an earlier run's, when nothing that it is made of has changed since; otherwise a new one. */
async function currentBundle(): Promise<string> {
  const root = repositoryFolder();
  const own = join(root, 'node_modules', '.cache', 'perennial', 'workflow-bundle.js');
  const sources = ['workflows', 'domain', 'contracts', 'package-lock.json'];
  const changedMs = Math.max(...sources.map((name) => newestMs(join(root, name))));
  const current = [join(root, 'dist', 'workflow-bundle.js'), own].find(
    (path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > changedMs,
  );
  if (current !== undefined) return current;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows'),
    logger: new DefaultLogger('ERROR'),
  });
  mkdirSync(dirname(own), { recursive: true });
  writeFileSync(own, code);
  return own;
}

/** When a file or folder, or anything within it, changed; a folder changes when a name in it does. */
function newestMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}
