/** Renewals, a change, a pause and an end of subscriptions, and the workflows that keep the fleet going. */
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { Client as Postgres } from 'pg';
import type { ChangeCommand } from '../../../contracts/workflows/commands';
import {
  reconciliationStart,
  renewalRunStart,
  renewalSchedulerStart,
  type WorkflowStart,
} from '../../../contracts/workflows/workflows';
import { periodPaymentId } from '../../../domain/ids';
import { moveBack } from '../due';
import { completed, declined, type TestBilling } from '../billing';
import { actor } from '../creation';
import { until } from '../until';

interface Recorder {
  given: TestBilling;
  client: Client;
  create(id: string, charges: (typeof completed)[]): Promise<void>;
  ask(id: string, update: string, command: object): Promise<unknown>;
  save(workflowId: string, name: string): Promise<void>;
}

const { EventType } = temporal.api.enums.v1;

/** What comes last in a history while a task is wanted or in hand. */
const underway: ReadonlySet<number> = new Set([
  EventType.EVENT_TYPE_UNSPECIFIED,
  EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
  EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
  EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
]);

/** The newest task of a workflow is done: its history is whole. */
async function untilIdle({ client }: Recorder, workflowId: string): Promise<void> {
  await until(`${workflowId} is at rest`, async () => {
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    return !underway.has(events?.at(-1)?.eventType ?? EventType.EVENT_TYPE_UNSPECIFIED);
  });
}

/** Its next period is due, and a renewal run of its own renews it. */
async function renew({ given, client }: Recorder, id: string): Promise<void> {
  const db = new Postgres({ connectionString: given.url });
  await db.connect();
  // A day more than a period, so that the next one is due on another day than the first was.
  await moveBack(db, id, '1 month 1 day');
  await db.end();
  const member = { subscription_id: id, due_at: '2026-01-01T00:00:00.000Z', by_clock: false };
  const { workflowType, ...options } = renewalRunStart({ run_id: id, members: [member] });
  await client.workflow.execute(workflowType, options);
}

async function saveWhenIdle(recorder: Recorder, workflowId: string, name: string): Promise<void> {
  await untilIdle(recorder, workflowId);
  await recorder.save(workflowId, name);
}

export async function recordRenewals(recorder: Recorder): Promise<void> {
  const { given, client, create } = recorder;
  const becomes = (id: string, wanted: object) =>
    until(`${id} is as wanted`, async () => given.db.subscription.findFirst({ where: { id, ...wanted } }));

  await create('sub_renewed', [completed]);
  await renew(recorder, 'sub_renewed');
  await becomes('sub_renewed', { period_index: 2, period_paid: true });
  await recorder.save('renewal-run/sub_renewed', 'renewal-run');
  await client.workflow.getHandle('subscription/sub_renewed').signal('look', { repair: true });
  await saveWhenIdle(recorder, 'subscription/sub_renewed', 'subscription-repaired');

  await create('sub_renewal_declined', [completed]);
  given.provider.charges = [declined];
  await renew(recorder, 'sub_renewal_declined');
  const paymentId = periodPaymentId('sub_renewal_declined', 2);
  await until('it is declined', async () => {
    const payment = await given.db.payment.findUnique({ where: { id: paymentId } });
    return payment?.status === 'failed';
  });
  const inDunning = client.workflow.getHandle('subscription/sub_renewal_declined');
  await inDunning.signal('dunningStarted', { payment_id: paymentId, period_index: 2 });
  await becomes('sub_renewal_declined', { status: 'past_due' });
  await saveWhenIdle(recorder, inDunning.workflowId, 'subscription-renewal-declined');
}

export async function recordCommands(recorder: Recorder): Promise<void> {
  const { client, create, ask, save } = recorder;
  const change: Omit<ChangeCommand, 'command_id'> = {
    actor,
    plan_id: null,
    quantity: 2,
    payment_method_id: null,
    metadata: null,
    cancel_at_period_end: null,
    effective: 'now',
    proration: 'charge_now',
    if_version: null,
    answer_within_ms: 1_000,
  };
  await create('sub_changed', [completed]);
  await ask('sub_changed', 'change', change);
  await saveWhenIdle(recorder, 'subscription/sub_changed', 'subscription-changed');

  await create('sub_paused', [completed]);
  await ask('sub_paused', 'pause', { actor, resume_at: null });
  await ask('sub_paused', 'resume', { actor });
  await saveWhenIdle(recorder, 'subscription/sub_paused', 'subscription-paused-resumed');

  await create('sub_ending', [completed]);
  await ask('sub_ending', 'cancel', { actor, mode: 'period_end', refund: 'none', reason: null });
  await renew(recorder, 'sub_ending');
  await client.workflow.getHandle('subscription/sub_ending').result();
  await save('subscription/sub_ending', 'subscription-cancelled-when-due');
}

export async function recordScheduler(recorder: Recorder): Promise<void> {
  const { client, save } = recorder;
  const start = <Input>({ workflowType, ...options }: WorkflowStart<Input>) =>
    client.workflow.start(workflowType, options);

  const scheduler = await start(renewalSchedulerStart(0));
  await until('the scheduler has looked three times', async () => {
    const { events } = await scheduler.fetchHistory();
    const fired = events?.filter(({ eventType }) => eventType === EventType.EVENT_TYPE_TIMER_FIRED) ?? [];
    return fired.length >= 2;
  });
  await saveWhenIdle(recorder, scheduler.workflowId, 'renewal-scheduler');
  await scheduler.terminate();

  const { workflowType, ...options } = reconciliationStart;
  await client.workflow.execute(workflowType, options);
  await save(options.workflowId, 'reconciliation');
}
