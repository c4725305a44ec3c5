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

/** All that was written has arrived: nothing is on its way between the parts. */
export const arrived: readonly Condition[] = [
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
  sandboxHasNo('webhooks to be taken', '(SELECT count(*) FROM webhooks)'),
  counted(
    'webhooks to be used',
    `SELECT count(*)::int AS count FROM webhook_deliveries WHERE status = 'stored'`,
  ),
  counted(
    'payments to be applied',
    `SELECT count(*)::int AS count FROM payments WHERE unapplied_amount <> 0 AND disputed_amount = 0`,
  ),
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
];

/** A run whose members are all charged may still have something to tell a subscription's process. */
const renewed: Condition = {
  async waitingFor({ temporal }) {
    const query = `WorkflowType = 'renewalRun' AND ExecutionStatus = 'Running'`;
    const { count } = await temporal.workflow.count(query);
    return count === 0 ? null : `${count} renewal runs to end`;
  },
};

/** Nothing is open any more, either. */
const settled: readonly Condition[] = [
  renewed,
  counted(
    'payments to be settled',
    `SELECT count(*)::int AS count FROM payments
     WHERE status IN ('requested', 'processing', 'requires_action', 'pending', 'unknown')`,
  ),
  counted('retries to be made', `SELECT count(*)::int AS count FROM retry_requests WHERE settled_at IS NULL`),
  sandboxHasNo(
    'late outcomes',
    `(SELECT count(*) FROM late_successes) + (SELECT count(*) FROM late_disputes)
      + (SELECT count(*) FROM refunds WHERE fails_at IS NOT NULL)`,
  ),
  counted(
    'payments to be applied',
    'SELECT count(*)::int AS count FROM payments WHERE unapplied_amount <> 0',
  ),
  counted('refunds to be paid out', 'SELECT count(*)::int AS count FROM refunds WHERE settled_at IS NULL'),
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

function sandboxHasNo(what: string, count: string): Condition {
  return {
    async waitingFor(chaos) {
      const sandbox = chaos.its.system.environment['SANDBOX_DATABASE_URL'];
      const [row] = await rows<{ count: number }>(chaos, `SELECT (${count})::int AS count`, [], sandbox);
      return row?.count === 0 ? null : `${row?.count} ${what}`;
    },
  };
}

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
export async function untilIdle(
  chaos: Chaos,
  timeoutMs: number,
  conditions: readonly Condition[] = [...arrived, ...settled, ...arrived],
): Promise<void> {
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
