/** When all is quiet: nothing that was begun is still on its way. Each condition says what it waits for. */
import { eventually } from '../support/eventually';
import { bridgesOf, rows, type Chaos } from './context';
import { describeGroups, endsOf, lagOf } from './groups';

interface Condition {
  /** @returns what is still on its way; null when nothing is */
  waitingFor(chaos: Chaos): Promise<string | null>;
}

const counted = (what: string, sql: string): Condition => ({
  async waitingFor(chaos) {
    const [row] = await rows<{ count: number }>(chaos, sql);
    return row?.count === 0 ? null : `${row?.count} ${what}`;
  },
});

const conditions: readonly Condition[] = [
  {
    waitingFor: ({ its }) => {
      const down = its.processes.filter((name) => its.system.product(name).pid === undefined);
      return Promise.resolve(down.length === 0 ? null : `${down.join()} to run`);
    },
  },
  counted(
    'rows to be published',
    'SELECT count(*)::int AS count FROM outbox_events WHERE published_at IS NULL',
  ),
  { waitingFor: groupsAtTheEnd },
  counted(
    'payments to be settled',
    `SELECT count(*)::int AS count FROM payments
     WHERE status IN ('requested', 'processing', 'requires_action', 'pending', 'unknown')`,
  ),
  counted('retries to be made', `SELECT count(*)::int AS count FROM retry_requests WHERE settled_at IS NULL`),
  {
    async waitingFor(chaos) {
      const sandbox = chaos.its.system.environment['SANDBOX_DATABASE_URL'];
      const sql = `SELECT (SELECT count(*) FROM webhooks)::int AS webhooks,
        (SELECT count(*) FROM late_successes)::int
          + (SELECT count(*) FROM late_disputes)::int
          + (SELECT count(*) FROM refunds WHERE fails_at IS NOT NULL)::int AS late`;
      const [row] = await rows<{ webhooks: number; late: number }>(chaos, sql, [], sandbox);
      if (row?.webhooks === 0 && row.late === 0) return null;
      return `${row?.webhooks} webhooks to be taken, ${row?.late} late outcomes`;
    },
  },
  counted(
    'webhooks to be used',
    `SELECT count(*)::int AS count FROM webhook_deliveries WHERE status = 'stored'`,
  ),
  counted(
    'payments to be applied',
    'SELECT count(*)::int AS count FROM payments WHERE unapplied_amount <> 0',
  ),
  counted('refunds to be paid out', 'SELECT count(*)::int AS count FROM refunds WHERE settled_at IS NULL'),
  {
    async waitingFor(chaos) {
      const [row] = await rows<{ count: number }>(
        chaos,
        `SELECT count(*)::int AS count FROM subscriptions WHERE status NOT IN ('cancelled', 'expired')`,
      );
      const { count } = await chaos.temporal.workflow.count(
        `WorkflowType = 'subscription' AND ExecutionStatus = 'Running'`,
      );
      return count >= (row?.count ?? 0) ? null : `${(row?.count ?? 0) - count} processes of subscriptions`;
    },
  },
  counted(
    'subscriptions to be renewed',
    `SELECT count(*)::int AS count FROM subscriptions
     WHERE status NOT IN ('cancelled', 'expired') AND next_due_at <= now()`,
  ),
  counted(
    'subscriptions to be concluded',
    `SELECT count(*)::int AS count FROM subscriptions WHERE version = 0 OR status = 'incomplete'`,
  ),
];

async function groupsAtTheEnd(chaos: Chaos): Promise<string | null> {
  const { admin } = chaos;
  const bridges = bridgesOf(chaos).length;
  const groups = await describeGroups(admin);
  if (groups.length === 0) return 'the consumer groups';
  for (const state of groups) {
    if (!state.isStable || state.members.length !== bridges) {
      return `group ${state.group} to have its ${bridges} members`;
    }
    const lag = await lagOf(admin, state, await endsOf(admin, state));
    const behind = [...lag.values()].reduce((sum, records) => sum + records, 0);
    if (behind > 0) return `group ${state.group} to handle ${behind} records`;
  }
  return null;
}

/** @throws Error that names what is still on its way when the deadline has passed */
export async function untilIdle(chaos: Chaos, timeoutMs: number): Promise<void> {
  let last = 'a look';
  const look = async (): Promise<boolean> => {
    for (const { waitingFor } of conditions) {
      const waiting = await waitingFor(chaos);
      if (waiting === null) continue;
      last = waiting;
      return false;
    }
    return true;
  };
  await eventually('all to be quiet', look, { timeoutMs, everyMs: 500 }).catch((error: unknown) => {
    throw new Error(`it does not become quiet: it waits for ${last}`, { cause: error });
  });
}
