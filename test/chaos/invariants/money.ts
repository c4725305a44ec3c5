/** Money: taken once, as our rows say, and not after the end. */
import type { Charge } from '../../../providers/sandbox/charge';
import type { Facts } from '../facts';
import { differences, type Invariant } from './invariant';

/** Statuses of a payment whose money was taken. */
export const paidStatuses = new Set(['completed', 'partially_refunded', 'refunded', 'disputed']);
const open = new Set(['requested', 'processing', 'requires_action', 'pending', 'unknown']);

/** What an attempt says when its charge stands like this. */
const meaning: Record<Charge['status'], string> = {
  succeeded: 'completed',
  failed: 'failed',
  pending: 'pending',
  requires_action: 'requires_action',
};

function oneChargeForEachPeriod({ charges, payments }: Facts): string[] {
  const periods = new Map(
    payments.map(({ id, kind, subscription_id, period_index }) => [
      id,
      // A change is paid beside its period.
      period_index === null || kind === 'proration'
        ? `payment ${id}`
        : `period ${period_index} of ${subscription_id}`,
    ]),
  );
  const count = new Map<string, number>();
  for (const { status, metadata } of charges) {
    if (status !== 'succeeded') continue;
    const payment = String(metadata['payment_id']);
    const period = periods.get(payment) ?? `payment ${payment}`;
    count.set(period, (count.get(period) ?? 0) + 1);
  }
  return [...count]
    .filter(([, times]) => times > 1)
    .map(([period, times]) => `${period} was paid ${times} times`);
}

function attemptsEqualCharges({ charges, attempts }: Facts): string[] {
  const byKey = new Map(attempts.map((attempt) => [attempt.idempotency_key, attempt]));
  const charged = new Set(charges.map(({ idempotency_key }) => idempotency_key));
  const strangers = charges.flatMap((charge) => {
    const attempt = byKey.get(charge.idempotency_key);
    if (attempt === undefined) return [`charge ${charge.id} belongs to no attempt`];
    const theirs = `${meaning[charge.status]} ${charge.amount} ${charge.currency} ${charge.id}`;
    const ours = `${attempt.status} ${attempt.amount} ${attempt.currency} ${attempt.provider_reference}`;
    return theirs === ours ? [] : [`${charge.idempotency_key}: the provider says ${theirs}, we say ${ours}`];
  });
  const uncharged = attempts
    .filter(({ status, idempotency_key }) => status === 'completed' && !charged.has(idempotency_key))
    .map(({ idempotency_key }) => `${idempotency_key} is completed, and the provider has no charge`);
  return [...strangers, ...uncharged];
}

function paymentsEqualAttempts({ payments, attempts }: Facts): string[] {
  const paid = new Set(
    attempts.filter(({ status }) => status === 'completed').map(({ payment_id }) => payment_id),
  );
  return payments
    .filter(({ id, status }) => paidStatuses.has(status) !== paid.has(id))
    .map(({ id, status }) => `${id} is ${status}, and its attempts say otherwise`);
}

/** An attempt is begun under the subscription's lock; what a charge that was begun before ends with is allowed. */
function noChargeAfterTheEnd({ subscriptions, payments, attempts }: Facts): string[] {
  const endedAt = new Map(subscriptions.map(({ id, cancelled_at }) => [id, cancelled_at]));
  const subscriptionOf = new Map(payments.map(({ id, subscription_id }) => [id, subscription_id]));
  return attempts.flatMap(({ idempotency_key, payment_id, started_at }) => {
    const ended = endedAt.get(subscriptionOf.get(payment_id) ?? '');
    return ended && started_at > ended
      ? [`${idempotency_key} was begun at ${started_at.toISOString()}, after ${ended.toISOString()}`]
      : [];
  });
}

/** Those that the provider refused at once have never been there. */
function refundsEqualTheProviders({ refunds, refundsAtProvider }: Facts): string[] {
  const theirs = refundsAtProvider.map(
    ({ id, status, amount, currency }) => `${id} ${status} ${amount} ${currency}`,
  );
  const ours = refunds
    .filter(({ status, provider_reference: reference }) => reference !== null || status !== 'failed')
    .map(({ provider_reference: id, status, amount, currency }) => `${id} ${status} ${amount} ${currency}`);
  const keys = new Set(refunds.map(({ idempotency_key: key }) => key));
  const strangers = refundsAtProvider
    .filter(({ idempotency_key: key }) => key !== null && !keys.has(key))
    .map(({ idempotency_key: key }) => `${key} is no refund of ours`);
  return [...differences(theirs, ours), ...strangers];
}

/** Given back is at most what was taken. What the bank has taken, or is about to, is disputed. */
function neverMoreBackThanTaken({ refunds, payments, ledger }: Facts): string[] {
  const moneyOf = new Map(ledger.payments.map((money) => [money.id, money]));
  return payments.flatMap(({ id, status, amount }) => {
    const back = refunds
      .filter((refund) => refund.payment_id === id && refund.status === 'succeeded' && refund.of_payment)
      .reduce((sum, refund) => sum + refund.amount, 0);
    const { disputed_amount: disputed = 0, lost_amount: lost = 0 } = moneyOf.get(id) ?? {};
    const isBlocked = disputed > 0 || (lost > 0 && lost + back >= amount);
    const wanted = isBlocked
      ? 'disputed'
      : back === 0
        ? null
        : back === amount
          ? 'refunded'
          : 'partially_refunded';
    const isPlain = !status.endsWith('refunded') && status !== 'disputed';
    const isTrue = back <= amount && (wanted === null ? isPlain : status === wanted);
    return isTrue ? [] : [`${id} of ${amount} is ${status}, and ${back} was given back`];
  });
}

export const moneyInvariants: readonly Invariant[] = [
  { name: 'a period is charged at most once', violations: oneChargeForEachPeriod },
  { name: 'attempts equal the provider’s list', violations: attemptsEqualCharges },
  { name: 'payments equal their attempts', violations: paymentsEqualAttempts },
  { name: 'refunds equal the provider’s', violations: refundsEqualTheProviders },
  { name: 'payments equal what was given back', violations: neverMoreBackThanTaken },
  { name: 'no charge is begun after a cancellation', violations: noChargeAfterTheEnd },
  {
    name: 'no payment stays open',
    violations: ({ payments }) =>
      payments.filter(({ status }) => open.has(status)).map(({ id, status }) => `${id} is ${status}`),
  },
];
