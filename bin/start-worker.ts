/** The workers: one for each service, so that each can be run and scaled on its own. */
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { bundleWorkflowCode, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createAttemptActivities, createPaymentActivities } from '../activities/payment';
import type { WorkflowClient } from '../temporal/client';
import { connect } from '../temporal/connection';
import { installTemporalRuntime } from '../temporal/runtime';
import { createMessenger } from '../temporal/messenger';
import { createMissingWorkflows } from '../temporal/missing-workflows';
import { createReconciliationActivities } from '../activities/reconciliation';
import { createRenewalActivities } from '../activities/renewal';
import { createRetryActivities } from '../activities/retry';
import { createSubscriptionActivities } from '../activities/subscription';
import { taskQueues } from '../contracts/workflows/workflows';
import type { Config } from '../config';
import { closeDatabase, createDatabase, type Database } from '../prisma/client';
import { watchConnections, type Health } from './health';
import type { Metrics } from './metrics';
import { followUpTimes } from './follow-up-times';
import type { Part, ProcessContext } from './process';
import { ensureSingletons } from './singletons';
import { providersFrom } from './providers';
import { temporalSettings } from './temporal';
import { watchWorker } from './worker-health';

export type Service = keyof typeof taskQueues;

/** Slices of renewal runs that a worker renews at once. */
const parallelSlices = 4;

/** Starts a worker for each of `services`. */
export async function startWorkers(
  { config, log, onFatal }: ProcessContext,
  services: readonly Service[],
  metrics: Metrics,
  health: Health,
): Promise<Part[]> {
  installTemporalRuntime(log);
  const temporal = await connect(temporalSettings(config));
  const db = createDatabase(config.DATABASE_URL, config.DATABASE_POOL_SIZE);
  // The first of a month leaves connections to what callers wait for.
  const renewalsDb = services.includes('renewals')
    ? createDatabase(config.DATABASE_URL, config.DATABASE_POOL_SIZE)
    : null;
  const activities = activitiesOf(
    temporal.workflows,
    { db, renewalsDb: renewalsDb ?? db },
    config,
    log,
    metrics,
  );
  const workflowBundle = await workflowCode();
  const workers = await Promise.all(
    services.map((service) =>
      Worker.create({
        connection: temporal.native,
        namespace: config.TEMPORAL_NAMESPACE,
        taskQueue: taskQueues[service],
        workflowBundle,
        activities: activities[service],
        maxCachedWorkflows: config.WORKER_CACHED_WORKFLOWS,
        ...(service === 'renewals' && { maxConcurrentActivityTaskExecutions: parallelSlices }),
        shutdownGraceTime: config.SHUTDOWN_TIMEOUT_MS / 2,
        // A local activity that hangs would keep the worker draining for ever.
        shutdownForceTime: config.SHUTDOWN_TIMEOUT_MS * 0.75,
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  const singletons = ensureSingletons(temporal.workflows, config, services, log);
  watchConnections(health, db, temporal.workflows);
  const watches = workers.map((worker) => watchWorker(worker, temporal.workflows));
  watches.forEach((watch, at) => health.add(`worker ${services[at]}`, () => watch.fault()));
  let closing = false;
  for (const run of running) {
    run.catch((error: unknown) => {
      if (closing) log.warn({ err: error }, 'worker stopped with work in progress');
      else onFatal(error as Error);
    });
  }
  return [
    {
      name: 'workers',
      async close() {
        closing = true;
        singletons.stop();
        for (const watch of watches) watch.stop();
        for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
        await Promise.allSettled(running);
      },
    },
    { name: 'temporal', close: () => temporal.close() },
    {
      name: 'database',
      async close() {
        await closeDatabase(db);
        if (renewalsDb !== null) await closeDatabase(renewalsDb);
      },
    },
  ];
}

/** What the workers of each service can do. */
function activitiesOf(
  client: WorkflowClient,
  { db, renewalsDb }: { db: Database; renewalsDb: Database },
  config: Config,
  log: Logger,
  metrics: Metrics,
): Record<Service, object> {
  const attemptDeps = { db, providers: providersFrom(config) };
  const messenger = createMessenger(client, followUpTimes(config));
  const attempt = createAttemptActivities(attemptDeps);
  return {
    subscription: { ...createSubscriptionActivities({ ...attemptDeps, messenger }), ...attempt },
    payment: {
      ...createPaymentActivities({ ...attemptDeps, messenger }),
      ...attempt,
      ...createReconciliationActivities({
        toleranceMs: config.RECONCILE_AFTER_SECONDS * 1_000,
        firstLookupAfterMs: config.LOOKUP_AFTER_SECONDS * 1_000,
        ...attemptDeps,
        messenger,
        missing: createMissingWorkflows(client),
        idleStartsPerSecond: config.RECONCILE_STARTS_PER_SECOND,
        log,
        onFound: metrics.onFound,
      }),
    },
    renewals: createRenewalActivities({ ...attemptDeps, db: renewalsDb, messenger }),
    retry: {
      ...attempt,
      ...createRetryActivities({
        db,
        messenger,
        stallMs: config.TEST_CLOCK_STALL_SECONDS * 1_000,
        allowTestClocks: config.ALLOW_TEST_CLOCKS,
        onPublished: metrics.onPublished,
        schedule: {
          renewalsPerSecond: config.RENEWALS_PER_SECOND,
          shards: config.RENEWAL_SHARDS,
          tickMs: config.RENEWAL_TICK_SECONDS * 1_000,
        },
      }),
    },
  };
}

/** The bundle that the build made; from the sources (in tests) it is made now. */
async function workflowCode(): Promise<WorkflowBundleOption> {
  const built = join(__dirname, '..', 'workflow-bundle.js');
  if (existsSync(built)) return { codePath: built };
  return bundleWorkflowCode({ workflowsPath: join(__dirname, '..', 'workflows') });
}
