/**
 * Finds what is open and will never be looked at again: by no instant, no repair of the reconciliation, no operator task.
 *
 * States the ends of `domain/open-states.ts` as statements about the rows, without the predicates of the reconciliation: what
 * those find is looked at each minute. Instants are the customer's.
 */

/** Runs SQL. @returns all rows */
export type Ask = (sql: string) => Promise<{ line: string }[]>;

const customersNow = `coalesce((SELECT now FROM test_clocks c WHERE c.id = s.test_clock_id), clock_timestamp())`;
const openStatuses = `('processing', 'requires_action', 'pending', 'unknown')`;
const collectable = `('requested', 'processing', 'requires_action', 'pending', 'unknown', 'failed', 'completed',
  'partially_refunded', 'refunded', 'disputed')`;
const openTask = (kind: string, ...subjects: string[]) =>
  `EXISTS (SELECT 1 FROM operator_tasks t WHERE t.kind = '${kind}' AND t.subject_id IN (${subjects.join()}) AND t.status = 'open')`;
const anyTask = (kind: string, ...subjects: string[]) =>
  openTask(kind, ...subjects).replace(" AND t.status = 'open'", '');

/** Each selects ids of what it names. */
const waitsWithoutEnd: readonly [what: string, sql: string][] = [
  [
    'subscription that is never due',
    `SELECT id FROM subscriptions WHERE next_due_at IS NULL AND (status IN ('scheduled', 'trialing', 'active')
       OR status = 'paused' AND resume_at IS NOT NULL
       OR status IN ('past_due', 'paused') AND cancel_at IS NOT NULL)`,
  ],
  [
    'incomplete subscription without a first payment',
    `SELECT id FROM subscriptions WHERE status = 'incomplete' AND version > 0 AND first_payment_id IS NULL`,
  ],
  [
    'past due subscription that nothing collects for',
    `SELECT s.id FROM subscriptions s LEFT JOIN payments p ON p.id = s.open_payment_id
     WHERE s.status = 'past_due' AND (p.id IS NULL OR p.status NOT IN ${collectable})`,
  ],
  [
    'payment of a period that its subscription does not know',
    `SELECT p.id FROM payments p JOIN subscriptions s ON s.id = p.subscription_id
     WHERE p.kind = 'renewal' AND p.status = 'requested' AND s.open_payment_id IS DISTINCT FROM p.id
       AND s.status NOT IN ('cancelled', 'expired')`,
  ],
  [
    'open payment without an open attempt',
    `SELECT id FROM payments p WHERE status IN ${openStatuses} AND NOT EXISTS (
       SELECT 1 FROM payment_attempts a WHERE a.payment_id = p.id AND a.settled_at IS NULL)`,
  ],
  [
    'open attempt whose next lookup is not within a day',
    `SELECT a.payment_id || '/' || a.number AS id FROM payment_attempts a JOIN payments p ON p.id = a.payment_id
       JOIN customers s ON s.id = p.customer_id
     WHERE a.settled_at IS NULL AND a.status <> 'processing' AND a.next_question_at > ${customersNow} + interval '25 hours'`,
  ],
  [
    'attempt that is open for days without an operator task',
    `SELECT a.payment_id || '/' || a.number AS id FROM payment_attempts a JOIN payments p ON p.id = a.payment_id
       JOIN customers s ON s.id = p.customer_id
     WHERE a.settled_at IS NULL AND a.status <> 'processing'
       AND a.open_since <= ${customersNow} - CASE a.status WHEN 'unknown' THEN interval '50 hours' ELSE interval '98 hours' END
       AND NOT EXISTS (SELECT 1 FROM operator_tasks t WHERE t.subject_id = p.id AND t.status = 'open')`,
  ],
  [
    'failed refund without an operator task',
    `SELECT r.id FROM refunds r WHERE r.status = 'failed' AND r.released_at IS NULL
       AND NOT ${openTask('refund_failed', 'r.id')}`,
  ],
  [
    'open dispute that no operator knows',
    `SELECT d.id FROM disputes d WHERE d.status = 'open' AND NOT ${anyTask('dispute', 'd.payment_id')}`,
  ],
  [
    'retry request of a payment that is collected no more',
    `SELECT q.id FROM retry_requests q JOIN payments p ON p.id = q.payment_id
     WHERE q.settled_at IS NULL AND p.status IN ('cancelled', 'uncollectible')`,
  ],
  [
    'parked event without an operator task',
    `SELECT o.event_id AS id FROM outbox_events o WHERE o.published_at IS NULL AND o.parked_at IS NOT NULL
       AND NOT ${openTask('event_too_large', 'o.event_id')}`,
  ],
  [
    'test clock that advances to nothing',
    `SELECT id FROM test_clocks WHERE status = 'advancing' AND target IS NULL`,
  ],
];

/** Finds the open entities that have no next look. @returns a line for people for each */
export async function openWithoutNextLook(ask: Ask): Promise<string[]> {
  const lines = waitsWithoutEnd.map(
    ([what, sql]) => `SELECT '${what}: ' || id AS line FROM (${sql}) AS found`,
  );
  // One statement sees one moment.
  return (await ask(`${lines.join(' UNION ALL ')} ORDER BY line`)).map(({ line }) => line);
}
