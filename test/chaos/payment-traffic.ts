/**
 * Payments besides first ones: those that callers ask for, renewals that come due, and retries that people wish for.
 *
 * Owns: what callers ask for and what they were told. Does not own the pace (`load.ts`).
 */
import { randomUUID } from 'node:crypto';
import { Client as PostgresClient } from 'pg';
import { moveBack } from '../support/due';
import { eventually } from '../support/eventually';
import { rows, untilAnswered, type Chaos } from './context';
import type { Random } from './random';

/** What an order cannot have, for a first payment would wait for its customer, or end before it was retried. */
const laterTokens = [
  ['tok_fail_1_then_ok', 3],
  ['tok_declined_then_late_ok', 1],
  ['tok_authentication_required', 1],
] as const;

/** More than a month that was paid; a year is left alone. */
const aPeriod = '32 days';

/** POST /payments, by a customer of its own. */
export async function requestPaymentOf(chaos: Chaos, random: Random): Promise<void> {
  const { its, reported } = chaos;
  const token = random.weighted<string>([...chaos.tokens, ...laterTokens]);
  const { customer } = await eventually('a customer', () => its.buyer(token), { timeoutMs: 240_000 });
  const body = { customer_id: customer, amount: random.int(100, 5_000), currency: 'EUR', reason: 'an extra' };
  const answer = await untilAnswered(chaos, 'POST', '/payments', body, randomUUID());
  reported.payments.push({ customer, paymentId: String(answer.body['id']), status: answer.status });
}

/** So many at once; `onAnswer` is told of each. */
export async function requestPayments(
  chaos: Chaos,
  random: Random,
  count: number,
  onAnswer: () => void = () => undefined,
): Promise<void> {
  const each = Array.from({ length: count }, (_, place) =>
    requestPaymentOf(chaos, random.fork(String(place))).then(onAnswer),
  );
  await Promise.all(each);
}

/** The paid period of a subscription is over, so that the scheduler finds it. */
export function makeRenewer(chaos: Chaos, random: Random): () => Promise<void> {
  return async () => {
    const found = await eventually(
      'subscriptions to renew',
      () =>
        rows<{ id: string }>(
          chaos,
          `SELECT id FROM subscriptions WHERE status = 'active' AND period_paid AND cancel_at IS NULL
           AND next_due_at > now() AND period_end <= now() + interval '${aPeriod}'
           ORDER BY created_at DESC LIMIT 20`,
        ),
      { timeoutMs: 240_000 },
    );
    const candidates = found.filter(({ id }) => !chaos.reserved.has(id));
    if (candidates.length === 0) return;
    await endPeriods(chaos, [random.pick(candidates).id]);
  };
}

/** As if the paid periods of all these were over at once; what is due already, or not paid, is left alone. */
export async function endPeriods(chaos: Chaos, subscriptionIds: readonly string[]): Promise<void> {
  const end = () => moveBackWhatIsPaid(chaos, subscriptionIds);
  const ended = await eventually('periods to be over', end, { timeoutMs: 240_000 });
  chaos.reported.ended.push(...ended);
  chaos.figures.add('periods that were made to be over', ended.length);
}

/** @returns those that were moved */
async function moveBackWhatIsPaid({ its }: Chaos, ids: readonly string[]): Promise<string[]> {
  const client = new PostgresClient({ connectionString: its.system.environment['DATABASE_URL'] });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN');
    const { rows: found } = await client.query<{ id: string }>(
      `SELECT id FROM subscriptions WHERE id = ANY($1) AND status = 'active' AND period_paid AND next_due_at > now()
         AND period_end <= now() + $2::interval
       ORDER BY id FOR UPDATE`,
      [ids, aPeriod],
    );
    for (const { id } of found) await moveBack(client, id, aPeriod);
    await client.query('COMMIT');
    return found.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

/** POST /payments/{id}/retry of one that failed; what turns out paid in the end is left alone. */
export function makeRetrier(chaos: Chaos, random: Random): () => Promise<void> {
  const { reported } = chaos;
  return async () => {
    const candidates = await eventually(
      'failed payments',
      () =>
        rows<{ id: string }>(
          chaos,
          `SELECT p.id FROM payments p JOIN payment_attempts a ON a.payment_id = p.id
           JOIN payment_methods m ON m.id = a.payment_method_id
           WHERE p.status = 'failed' AND p.kind = 'manual' AND m.token NOT LIKE 'tok\\_declined\\_then%'
           GROUP BY p.id, p.created_at HAVING count(*) = 1 ORDER BY p.created_at DESC LIMIT 20`,
        ),
      { timeoutMs: 240_000 },
    );
    if (candidates.length === 0) return;
    const { id: paymentId } = random.pick(candidates);
    const request = { reason: 'the customer says that there is money now' };
    const answer = await untilAnswered(chaos, 'POST', `/payments/${paymentId}/retry`, request, randomUUID());
    const requestId = answer.body['retry_request_id'];
    reported.retries.push({
      paymentId,
      status: answer.status,
      requestId: typeof requestId === 'string' ? requestId : null,
    });
  };
}
