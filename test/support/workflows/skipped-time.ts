/** A Temporal server that skips time, and workers with fake activities on it. One test file at a time. */
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { searchAttributes } from '../../../contracts/workflows/workflows';
import { forFile } from '../for-file';
import { workflowBundle } from '../servers/workflows';

export interface SkippedTime {
  env: TestWorkflowEnvironment;
  /** Runs `work` while a worker serves the task queue with these activities. */
  withWorker<T>(taskQueue: string, activities: object, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The SDK gives the Java program 5 s to start; a busy machine may need more than one try. */
async function startServer(path: string, triesLeft = 3): Promise<TestWorkflowEnvironment> {
  try {
    return await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
  } catch (error) {
    if (triesLeft <= 1) throw error;
    return startServer(path, triesLeft - 1);
  }
}

/** Opens one for all tests of this file. */
export const useSkippedTime = (): SkippedTime => forFile(skippedTime, (time) => time.close());

export async function skippedTime(): Promise<SkippedTime> {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: 'OFF' } },
  });
  const path = process.env['TEST_TIME_SKIPPING_SERVER'];
  if (path === undefined) throw new Error('the jest global setup did not run');
  const env = await startServer(path);
  const { IndexedValueType } = temporal.api.enums.v1;
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(
      Object.entries(searchAttributes).map(([name, type]) => [
        name,
        type === 'Keyword'
          ? IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
          : IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
      ]),
    ),
  });
  return {
    env,
    async withWorker(taskQueue, activities, work) {
      const worker = await Worker.create({
        connection: env.nativeConnection,
        taskQueue,
        workflowBundle: workflowBundle(),
        activities,
        shutdownGraceTime: 0,
        shutdownForceTime: '2 s',
      });
      return worker.runUntil(work);
    },
    close: () => env.teardown(),
  };
}
