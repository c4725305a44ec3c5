/**
 * Records the histories that `test/workflow/replay.test.ts` replays: real server, real activities, a scripted provider.
 *
 * `npm run histories:record` writes those of the next release. Those of released workflows stay as they are: code that
 * no longer replays them would stop the processes that customers have running.
 */
import { join } from 'node:path';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createAttemptActivities, createPaymentActivities } from '../../../activities/payment';
import { createMessenger } from '../../../temporal/messenger';
import { createMissingWorkflows } from '../../../temporal/missing-workflows';
import { createReconciliationActivities } from '../../../activities/reconciliation';
import { createRenewalActivities } from '../../../activities/renewal';
import { createRetryActivities } from '../../../activities/retry';
import { createSubscriptionActivities } from '../../../activities/subscription';
import {
  paymentStart,
  searchAttributes,
  subscriptionStart,
  taskQueues,
} from '../../../contracts/workflows/workflows';
import { periodPaymentId } from '../../../domain/ids';
import { inTransaction } from '../../../prisma/client';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { completed, declined, openBilling, noAnswer, pending, type TestBilling } from '../billing';
import { actor } from '../creation';
import { writeHistory } from './files';
import { workflowBundle } from '../servers/workflows';
import { recordBulkRetry } from './bulk-retry';
import { recordTestClock } from './test-clock';
import { recordCommands, recordScheduler, recordRenewals } from './subscriptions';
import { recordManualPayments, recordRefunds } from './payments';
import { until } from '../until';
import { WorkflowClient } from '../../../temporal/client';

const identity = 'recorder';

interface Recorder {
  given: TestBilling;
  client: Client;
  create(id: string, charges: (typeof completed)[], more?: object): Promise<void>;
  /** A command to a subscription; its id follows from both. */
  ask(id: string, update: string, command: object): Promise<unknown>;
  /** Writes the history of a workflow as it stands. */
  save(workflowId: string, name: string): Promise<void>;
}

export async function recordHistories(folder: string): Promise<void> {
  const address = process.env['TEST_TEMPORAL_ADDRESS'];
  const [connection, native, given] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
    openBilling(),
  ]);
  const client = new Client({ connection, identity });
  await registerSearchAttributes(connection);
  const workers = await makeWorkers(native, client, given);
  const recorder: Recorder = {
    given,
    client,
    create: (id, charges, more) => create(recorder, id, charges, more),
    ask: (id, update, command) =>
      ask(recorder, id, null, update, [{ command_id: `${id}/${update}`, ...command }]),
    async save(workflowId, name) {
      const history = await client.workflow.getHandle(workflowId).fetchHistory();
      writeHistory(join(folder, name), history);
    },
  };
  const [subscriptions, payments, clocks, renewals] = workers;
  try {
    await subscriptions.runUntil(() =>
      payments.runUntil(() => clocks.runUntil(() => renewals.runUntil(() => recordAll(recorder)))),
    );
  } finally {
    await Promise.all([connection.close(), native.close(), given.end()]);
  }
}

async function registerSearchAttributes(connection: Connection): Promise<void> {
  const { IndexedValueType } = temporal.api.enums.v1;
  const types = {
    Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  };
  const wanted = Object.entries(searchAttributes).map(([name, type]) => [name, types[type]]);
  await connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(wanted) as Record<string, number>,
  });
}

async function makeWorkers(connection: NativeConnection, client: Client, given: TestBilling) {
  const messenger = createMessenger(new WorkflowClient(client), { incompleteHours: 23 });
  const attempt = createAttemptActivities(given);
  const make = (taskQueue: string, activities: object) =>
    Worker.create({
      connection,
      identity,
      taskQueue,
      workflowBundle: workflowBundle(),
      activities: { ...activities, ...attempt },
    });
  return Promise.all([
    make(taskQueues.subscription, createSubscriptionActivities({ ...given, messenger })),
    make(taskQueues.payment, {
      ...createPaymentActivities({ ...given, messenger }),
      ...createReconciliationActivities({
        toleranceMs: 60_000,
        firstLookupAfterMs: 60_000,
        ...given,
        messenger,
        idleStartsPerSecond: 1_000,
        missing: createMissingWorkflows(new WorkflowClient(client)),
        log: pino({ level: 'silent' }),
        onFound: () => undefined,
      }),
    }),
    make(
      taskQueues.retry,
      createRetryActivities({
        db: given.db,
        messenger,
        schedule: { renewalsPerSecond: 0, shards: 1, tickMs: 5_000 },
        onPublished: () => undefined,
        stallMs: 60_000,
        allowTestClocks: true,
      }),
    ),
    make(taskQueues.renewals, createRenewalActivities({ ...given, messenger })),
  ]);
}

function ask({ client }: Recorder, id: string, creation: object | null, update: string, args: unknown[]) {
  const { workflowType, ...options } = subscriptionStart({
    subscription_id: id,
    creation: creation as never,
  });
  const start = new WithStartWorkflowOperation(workflowType, {
    ...options,
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  });
  return client.workflow.executeUpdateWithStart(update, { startWorkflowOperation: start, args });
}

async function create(
  recorder: Recorder,
  id: string,
  charges: (typeof completed)[],
  more: object = {},
): Promise<void> {
  const { given } = recorder;
  given.provider.charges = charges;
  await ask(recorder, id, given.creation({ ...more, subscription_id: id }), 'awaitCreated', []);
}

async function recordAll(recorder: Recorder): Promise<void> {
  const { given, client, save } = recorder;
  const paymentOf = (id: string) => periodPaymentId(id, 1);
  const becomes = (id: string, status: string) =>
    until(`${id} is ${status}`, async () => {
      const row = await given.db.subscription.findUnique({ where: { id } });
      return row?.status === status;
    });

  await recorder.create('sub_paid', [completed]);
  await save('subscription/sub_paid', 'subscription-paid');

  await recorder.create('sub_declined', [declined]);
  await client.workflow.getHandle('subscription/sub_declined').result();
  await save('subscription/sub_declined', 'subscription-declined');

  await recorder.create('sub_cancelled', [completed]);
  const command = { command_id: 'sub_cancelled/c', mode: 'now', refund: 'none', reason: null, actor };
  await ask(recorder, 'sub_cancelled', null, 'cancel', [command]);
  await client.workflow.getHandle('subscription/sub_cancelled').result();
  await save('subscription/sub_cancelled', 'subscription-cancelled');

  await recorder.create('sub_late', [pending]);
  await becomes('sub_late', 'incomplete');
  await inTransaction(given.db, (tx) => settleAttempt(tx, paymentOf('sub_late'), 1, completed, 'webhook'));
  const followUp = client.workflow.getHandle(`payment/${paymentOf('sub_late')}`);
  await followUp.signal('settled');
  await followUp.result();
  await becomes('sub_late', 'active');
  await save('subscription/sub_late', 'subscription-incomplete-activated');
  await save(followUp.workflowId, 'payment-settled-elsewhere');

  await recorder.create('sub_repeated', [noAnswer, completed]);
  await client.workflow.getHandle(`payment/${paymentOf('sub_repeated')}`).result();
  await save(`payment/${paymentOf('sub_repeated')}`, 'payment-repeated');

  await recorder.create('sub_unknown', [noAnswer]);
  await until('the outcome is unknown', async () => {
    const row = await given.db.payment.findUnique({ where: { id: paymentOf('sub_unknown') } });
    return row?.status === 'unknown';
  });
  const unknown = client.workflow.getHandle(`payment/${paymentOf('sub_unknown')}`);
  await unknown.signal('cancel', { reason: 'subscription_cancelled' });
  await until('the wish is recorded', async () => {
    const row = await given.db.payment.findUnique({ where: { id: paymentOf('sub_unknown') } });
    return row?.cancel_requested_at;
  });
  await save(unknown.workflowId, 'payment-unknown');

  given.provider.charges = [completed];
  const { paymentId } = await given.begun({ subscription_id: 'sub_untried' });
  const { workflowType, ...options } = paymentStart(paymentId, { incompleteHours: 23 });
  await client.workflow.execute(workflowType, options);
  await save(`payment/${paymentId}`, 'payment-first-attempt');
  await recordRefunds(recorder);
  await recordManualPayments(recorder);
  await recordBulkRetry(recorder);
  await recordTestClock(recorder);
  await recordRenewals(recorder);
  await recordCommands(recorder);
  await recordScheduler(recorder);
}
