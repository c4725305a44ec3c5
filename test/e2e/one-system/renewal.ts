/** Renewals on the whole system: what one costs, and what an outage across the due date does to it. */
import { randomUUID } from 'node:crypto';
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { temporal as proto } from '@temporalio/proto';
import { Client as PostgresClient } from 'pg';
import { moveBack } from '../../support/due';
import { theSystem } from './system';
import { eventually } from '../../support/eventually';
import type { Json, TestSystem } from '../../support/system';

const { EventType } = proto.api.enums.v1;

let all: TestSystem;
let database: PostgresClient;
let connection: Connection;
let temporal: TemporalClient;
beforeAll(async () => {
  all = theSystem();
  database = new PostgresClient({ connectionString: all.system.environment['DATABASE_URL'] });
  await database.connect();
  connection = await Connection.connect({ address: all.system.environment['TEMPORAL_ADDRESS'] });
  temporal = new TemporalClient({ connection });
}, 240_000);
afterAll(async () => {
  await connection?.close();
  await database?.end();
}, 120_000);

async function subscribe(token = 'tok_ok'): Promise<{ id: string; customer: string }> {
  const { customer, order } = await all.buyer(token);
  const { status, body } = await all.call('POST', '/subscriptions', order, randomUUID());
  expect(status).toBe(201);
  return { id: String(body['id']), customer };
}

const paidPeriods = async (id: string): Promise<number> => {
  const { data } = (await all.get(`/subscriptions/${id}/periods`)) as { data: Json[] };
  return data.filter((period) => period['paid_at'] !== null).length;
};
const untilPaid = (id: string, periods: number) =>
  eventually(`${periods} paid periods of ${id}`, async () => (await paidPeriods(id)) >= periods, {
    timeoutMs: 60_000,
  });
const historyOf = async (workflowId: string) =>
  (await temporal.workflow.getHandle(workflowId).fetchHistory()).events ?? [];

describe('an ordinary renewal', () => {
  it('takes 8 events of history over all workflows, none of them of its own, and 3 records', async () => {
    const { id, customer } = await subscribe();
    await all.topicsAreIdle();
    const eventsBefore = (await historyOf(`subscription/${id}`)).length;
    const recordsBefore = all.topics.of(id).length;
    // A day more than the period: the next one is due at another instant than was said last, as in real life.
    await moveBack(database, id, '1 month 1 day');
    await untilPaid(id, 2);
    await all.topicsAreIdle();
    const records = all.topics.of(id).slice(recordsBefore);
    expect(records.map(({ topic }) => topic).sort()).toEqual([
      'payments.completed',
      'subscriptions.renew_required',
      'subscriptions.updated',
    ]);
    for (const record of records.filter(({ topic }) => topic === 'payments.completed')) {
      await all.topics.consumedBy('subscription-service', record);
    }
    expect(await historyOf(`subscription/${id}`)).toHaveLength(eventsBefore);
    const renewed = await all.row<{ run: string }>(
      `SELECT renewal_run_id AS run FROM payments WHERE subscription_id = $1 AND period_index = 2`,
      id,
    );
    const run = temporal.workflow.getHandle(`renewal-run/${renewed?.run}`);
    await run.result();
    const { events } = await run.fetchHistory();
    expect(
      (events ?? []).map(({ eventType }) => String(EventType[eventType ?? 0]).replace('EVENT_TYPE_', '')),
    ).toEqual([
      'WORKFLOW_EXECUTION_STARTED',
      'WORKFLOW_TASK_SCHEDULED',
      'WORKFLOW_TASK_STARTED',
      'WORKFLOW_TASK_COMPLETED',
      'MARKER_RECORDED',
      'MARKER_RECORDED',
      'MARKER_RECORDED',
      'WORKFLOW_EXECUTION_COMPLETED',
    ]);
    expect(await all.get(`/renewal-runs/${renewed?.run}`)).toMatchObject({
      status: 'finished',
      size: 1,
      left: 0,
      counts: { renewed: 1 },
    });
    const payments = temporal.workflow.list({
      query: `CustomerId = '${customer}' AND WorkflowType = 'payment'`,
    });
    for await (const { workflowId } of payments) throw new Error(`${workflowId} was started`);
    const updated = records.find(({ topic }) => topic === 'subscriptions.updated');
    expect(updated?.event.data).toMatchObject({ changes: ['renewed'] });
    expect(await all.charges(customer)).toHaveLength(2);
  });
});

describe('an outage across the due date', () => {
  /** Renewed once: one more period, one more charge, one renew_required for it. */
  async function expectRenewedOnce({ id, customer }: { id: string; customer: string }): Promise<void> {
    await untilPaid(id, 2);
    await all.topicsAreIdle();
    expect(await paidPeriods(id)).toBe(2);
    expect(await all.charges(customer)).toHaveLength(2);
    expect(all.topics.of(id, 'payments.completed')).toHaveLength(1);
    const updated = all.topics.of(id, 'subscriptions.updated').map(({ event }) => event.data['changes']);
    expect(updated).toEqual([['renewed']]);
  }

  it.each(['temporal', 'kafka'] as const)(
    'of %s delays each due subscription and renews it once',
    async (name) => {
      const due = [await subscribe(), await subscribe(), await subscribe()];
      const server = all.system.platform[name];
      await server.stop();
      for (const { id } of due) await moveBack(database, id, '1 month');
      await server.start();
      await all.heal();
      for (const each of due) await expectRenewedOnce(each);
      expect(all.crashed.filter((process) => process === 'api')).toEqual([]);
    },
    240_000,
  );
});
