/** The reconciliation's SQL about retries finds what the domain's rules say, for every combination of rows. */
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { paymentKinds, paymentStatuses } from '../../../domain/payment/payment';
import { needsPlan, withoutPlan } from '../../../domain/retry/eligibility';
import type { Predicate } from '../../../domain/stuck-work';
import { subscriptionStatuses } from '../../../domain/subscription/subscription';
import { useBilling } from '../../support/billing';

const given = useBilling();

interface Case {
  id: string;
  kind: (typeof paymentKinds)[number];
  status: (typeof paymentStatuses)[number];
  subscription: (typeof subscriptionStatuses)[number];
}

const cases = (prefix: string): Case[] =>
  paymentKinds.flatMap((kind) =>
    paymentStatuses.flatMap((status) =>
      subscriptionStatuses.map((subscription) => ({
        id: `${prefix}-${kind}-${status}-${subscription}`,
        kind,
        status,
        subscription,
      })),
    ),
  );

/** A copy of the subscription and of its payment for each case, the payment changed two minutes ago. */
async function insertCases(prefix: string): Promise<Case[]> {
  const { subscriptionId, paymentId } = await given.opened();
  const all = cases(prefix);
  const rows = JSON.stringify(all);
  const at = new Date(Date.now() - 120_000).toISOString();
  await given.db.$executeRaw`
    INSERT INTO subscriptions
    SELECT (jsonb_populate_record(s, jsonb_build_object('id', 'sub-' || c.id, 'status', c.subscription,
      'open_payment_id', null, 'next_due_at', null))).*
    FROM subscriptions s, jsonb_to_recordset(${rows}::jsonb) AS c(id text, subscription text)
    WHERE s.id = ${subscriptionId}`;
  await given.db.$executeRaw`
    INSERT INTO payments
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', c.id, 'subscription_id', 'sub-' || c.id,
      'kind', c.kind, 'status', c.status, 'updated_at', ${at}::text, 'next_notice_at', ${at}::text))).*
    FROM payments p, jsonb_to_recordset(${rows}::jsonb) AS c(id text, kind text, status text)
    WHERE p.id = ${paymentId}`;
  return all;
}

async function insertDuePlans(all: readonly Case[]): Promise<void> {
  const at = new Date(Date.now() - 120_000);
  const plan = { sequence: 1, after_attempt: 1, kind: 'attempt', at, created_at: at, reason: 'test' };
  await given.db.retryPlan.createMany({
    data: all.map(({ id }) => ({ payment_id: id, ...plan, policy_id: 'default', policy_version: 1 })),
  });
}

async function found(predicate: Predicate, prefix: string): Promise<string[]> {
  const items = await findStuckWork(given.db, { toleranceMs: 60_000, testClockId: null, limit: 5_000 });
  const ids = items.filter((item) => item.predicate === predicate).map(({ subject }) => subject.id);
  return ids.filter((id) => id.startsWith(`${prefix}-`)).toSorted();
}

const idsOf = (all: readonly Case[], isStuck: (given: Case) => boolean) =>
  all
    .filter(isStuck)
    .map(({ id }) => id)
    .toSorted();

it('finds a failed payment without a plan exactly where the rule requires one', async () => {
  const all = await insertCases('unplanned');
  const expected = idsOf(all, (row) => needsPlan(row, row.subscription));
  expect(expected).toHaveLength(2);
  expect(await found('failed_without_plan', 'unplanned')).toEqual(expected);
});

it('finds a plan and a notice that are due exactly where the rule allows a plan', async () => {
  const all = await insertCases('planned');
  await insertDuePlans(all);
  // A period is charged in these statuses, and stops being charged in those; others have no plan of a period.
  const inDunning = all.filter(
    ({ kind, subscription }) =>
      kind === 'renewal' && ['active', 'past_due', 'paused', 'cancelled', 'expired'].includes(subscription),
  );
  const expected = idsOf(inDunning, (row) => withoutPlan(row, row.subscription) === null);
  expect(expected).toHaveLength(2);
  const ids = new Set(inDunning.map(({ id }) => id));
  const withPlan = (await found('plan_due', 'planned')).filter((id) => ids.has(id));
  const withNotice = (await found('notice_due', 'planned')).filter((id) => ids.has(id));
  expect([withPlan, withNotice]).toEqual([expected, expected]);
});
