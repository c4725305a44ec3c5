/**
 * What may be open when nothing is on its way any more: what an operator is asked about, or what has a next look ahead and
 * is in a state that may last so long.
 *
 * One row for each state of `domain/open-states.ts`: a statement about the rows, without the predicates of the
 * reconciliation. Instants are the customer's, save where a comment says otherwise.
 */
import type { Ask } from '../../support/next-look';

/** Of `s`: a subscription, or a customer. */
const now = `coalesce((SELECT c.now FROM test_clocks c WHERE c.id = s.test_clock_id), clock_timestamp())`;
const asked = (...subjects: string[]) =>
  `EXISTS (SELECT 1 FROM operator_tasks t WHERE t.subject_id IN (${subjects.join()}) AND t.status = 'open')`;
const openStatuses = `('processing', 'requires_action', 'pending', 'unknown')`;

const subscriptions = (where: string) =>
  `SELECT s.id FROM subscriptions s WHERE ${where} AND NOT ${asked('s.id')}`;
const payments = (where: string) =>
  `SELECT p.id FROM payments p JOIN customers s ON s.id = p.customer_id
   LEFT JOIN subscriptions b ON b.id = p.subscription_id WHERE ${where} AND NOT ${asked('p.id')}`;
const attempts = (status: string, lastsFor: string) =>
  `SELECT a.payment_id || '/' || a.number AS id FROM payment_attempts a JOIN payments p ON p.id = a.payment_id
   JOIN customers s ON s.id = p.customer_id WHERE a.settled_at IS NULL AND a.status IN (${status})
     AND (a.next_question_at IS NULL OR a.next_question_at <= ${now}
       OR coalesce(a.open_since, a.began_at) <= ${now} - interval '${lastsFor}' AND NOT ${asked('p.id')})`;

const isDue = `(s.next_due_at IS NULL OR s.next_due_at <= ${now})`;
const latestPlan = `(SELECT r FROM retry_plans r WHERE r.payment_id = p.id ORDER BY r.sequence DESC LIMIT 1)`;
/** The latest plan of `p` lies ahead, or leaves it past due. */
const isPlanned = `coalesce((${latestPlan}).at > ${now} OR (${latestPlan}).final_action = 'leave_past_due', false)`;

/** By entity and states as the table has them; each selects ids of what is open without right. Null: it may last. */
export const openWithoutRight: Readonly<Record<string, string | null>> = {
  'subscription: scheduled, trialing': subscriptions(`s.status IN ('scheduled', 'trialing') AND ${isDue}`),
  // INCOMPLETE_HOURS, and an hour.
  'subscription: incomplete': subscriptions(
    `s.status = 'incomplete' AND s.created_at <= ${now} - interval '24 hours'`,
  ),
  'subscription: active': subscriptions(
    `s.status = 'active' AND (${isDue} OR NOT s.period_paid AND s.open_payment_id IS NULL)`,
  ),
  'subscription: past_due': subscriptions(
    `s.status = 'past_due' AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.id = s.open_payment_id
      AND (p.status IN ${openStatuses} OR p.status = 'failed' AND ${isPlanned}))`,
  ),
  'subscription: paused': subscriptions(`s.status = 'paused' AND s.resume_at IS NOT NULL AND ${isDue}`),
  'renewal run: running, paused': `SELECT id FROM renewal_runs WHERE finished_at IS NULL`,
  'change: waits for the end of the period': subscriptions(
    `s.pending_change ->> 'effective' = 'period_end' AND s.status <> 'paused' AND ${isDue}`,
  ),
  'change: waits for its charge': subscriptions(
    `s.pending_change ->> 'effective' = 'when_paid' AND NOT EXISTS (SELECT 1 FROM payments p
      WHERE p.id = s.pending_change ->> 'payment_id' AND p.status IN ${openStatuses})`,
  ),
  'payment: requested': payments(`p.status = 'requested'`),
  'payment: processing, requires_action, pending, unknown': payments(
    `p.status IN ${openStatuses} AND NOT EXISTS (
      SELECT 1 FROM payment_attempts a WHERE a.payment_id = p.id AND a.settled_at IS NULL)`,
  ),
  'payment: failed': payments(
    `p.status = 'failed' AND p.kind = 'renewal' AND b.status <> 'paused' AND NOT ${isPlanned}`,
  ),
  'payment: disputed': payments(`p.disputed_amount > 0`),
  'payment: collected, not applied': payments(`p.unapplied_amount <> 0`),
  'attempt: processing': `SELECT payment_id || '/' || number AS id FROM payment_attempts
    WHERE settled_at IS NULL AND status = 'processing'`,
  // The task comes with the first lookup after a day, or three; the next lookup is a day later at most.
  'attempt: requires_action, pending': attempts(`'requires_action', 'pending'`, '97 hours'),
  'attempt: unknown': attempts(`'unknown'`, '49 hours'),
  // In real time: the provider's.
  'refund: pending': `SELECT r.id FROM refunds r WHERE r.status = 'pending'
    AND (r.provider_reference IS NULL OR r.created_at <= clock_timestamp() - interval '25 hours')
    AND NOT ${asked('r.id')}`,
  'refund: failed': `SELECT r.id FROM refunds r WHERE r.status = 'failed' AND r.released_at IS NULL
    AND NOT ${asked('r.id')}`,
  'dispute: open': `SELECT d.id FROM disputes d WHERE d.status = 'open' AND NOT ${asked('d.payment_id')}`,
  'retry plan: attempt, wait_for_payment_method, wait_for_customer, exhausted': payments(
    `p.status = 'failed' AND coalesce(b.status, 'active') IN ('active', 'past_due')
      AND ${latestPlan} IS NOT NULL AND NOT ${isPlanned}`,
  ),
  'retry request: requested': `SELECT q.id FROM retry_requests q WHERE q.settled_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM payment_attempts a WHERE a.payment_id = q.payment_id AND a.settled_at IS NULL)`,
  'bulk retry: previewed': null,
  'bulk retry: running': `SELECT id FROM bulk_retries WHERE status = 'running'`,
  'bulk retry: paused': null,
  'test clock: advancing': `SELECT id FROM test_clocks WHERE status = 'advancing'`,
  'test clock: failed': `SELECT id FROM test_clocks WHERE status = 'failed'`,
  'webhook delivery: stored': `SELECT id FROM webhook_deliveries WHERE status = 'stored'`,
  'webhook delivery: failed': `SELECT w.id FROM webhook_deliveries w
    WHERE w.status = 'failed' AND NOT ${asked('w.id', 'w.payment_id')}`,
  'outbox event: unpublished': `SELECT event_id AS id FROM outbox_events
    WHERE published_at IS NULL AND parked_at IS NULL`,
  'outbox event: parked': `SELECT o.event_id AS id FROM outbox_events o
    WHERE o.published_at IS NULL AND o.parked_at IS NOT NULL AND NOT ${asked('o.event_id')}`,
  // No poison is written here.
  'dead letter: open': `SELECT id FROM dead_letters WHERE status = 'open'`,
  'notification: sending': `SELECT id FROM notifications WHERE status = 'sending'`,
  'operator task: open': null,
};

/** @returns a line for people for each that is open without right */
export async function openAtTheEnd(ask: Ask): Promise<string[]> {
  const lines = Object.entries(openWithoutRight).flatMap(([state, sql]) =>
    sql === null ? [] : [`SELECT '${state}: ' || found.id AS line FROM (${sql}) AS found`],
  );
  // One statement sees one moment.
  return (await ask(`${lines.join(' UNION ALL ')} ORDER BY line`)).map(({ line }) => line);
}
