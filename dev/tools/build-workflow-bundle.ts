/** Part of the build: the workflows' code as one file, so that workers start without bundling it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const logger = new DefaultLogger('WARN');
bundleWorkflowCode({ workflowsPath: join(__dirname, '..', '..', 'workflows'), logger }).then(
  ({ code }) => writeFileSync(join(__dirname, '..', '..', 'workflow-bundle.js'), code),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
  },
);
