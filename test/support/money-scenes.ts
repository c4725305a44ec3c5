/**
 * What comes before a transaction that moves money, each on rows of its own.
 *
 * Subscriptions are monthly at 10.00 EUR; `platinum` is 30.00, `yearly` 120.00 a year.
 */
import { randomUUID } from 'node:crypto';
import { changeCredit } from '../../billing/customer/credits';
import { attemptPayment } from '../../billing/payment/attempt';
import { attemptOf } from '../../billing/payment/attempt-store';
import { beginAttempt } from '../../billing/payment/begin-attempt';
import { reserveRefund } from '../../billing/payment/pay-refund';
import { recordDispute } from '../../billing/payment/record-dispute';
import { settleAttempt } from '../../billing/payment/settle-attempt';
import { settleRefund } from '../../billing/payment/settle-refund';
import { applyPayment } from '../../billing/subscription/apply-payment';
import { commitCancellation } from '../../billing/subscription/commands';
import { commitChange } from '../../billing/subscription/commit-change';
import { concludeChange } from '../../billing/subscription/conclude-change';
import { recordDunningExhausted, recordDunningStarted } from '../../billing/subscription/dunning';
import { openDue } from '../../billing/subscription/open-due';
import type { ChangeCommand } from '../../contracts/workflows/commands';
import type { DisputeEvent } from '../../domain/ledger/dispute';
import type { AttemptOutcome } from '../../domain/payment/payment';
import type { RefundOutcome } from '../../domain/payment/refund';
import type { FinalAction } from '../../domain/retry/policy';
import type { RefundMode } from '../../domain/subscription/commands';
import { inTransaction, type Transaction } from '../../prisma/client';
import { anyAmount, completed, declined, pending, type TestBilling } from './billing';
import { actor } from './creation';
import { startLife, type SubscriptionLife } from './subscription-life';

/** What is done before, by the test's own hand; then the transaction, which can be repeated. */
export type Move = (given: TestBilling) => Promise<() => Promise<unknown>>;

const start = '2026-01-01T00:00:00.000Z';
const middle = '2026-01-16T00:00:00.000Z';
export const next = '2026-02-01T00:00:00.000Z';
/** Ten days into the second period. */
export const debtGivenUp = '2026-02-11T00:00:00.000Z';

export const transact =
  <T>({ db }: TestBilling, work: (tx: Transaction) => Promise<T>) =>
  () =>
    inTransaction(db, work);

/** A paid subscription in the middle of its first month. */
export async function paidLife(given: TestBilling, at = middle): Promise<SubscriptionLife> {
  given.provider.charges = [completed];
  const life = await startLife(given, start);
  await life.setNow(at);
  return life;
}

export async function paymentOf({ db }: TestBilling, subscriptionId: string, kind: string): Promise<string> {
  const where = { subscription_id: subscriptionId, kind };
  return (await db.payment.findFirstOrThrow({ where })).id;
}

export const customerOf = async ({ db }: TestBilling, { id }: SubscriptionLife): Promise<string> =>
  (await db.subscription.findUniqueOrThrow({ where: { id } })).customer_id;

export async function grant(given: TestBilling, customerId: string, amount: number) {
  const id = `ltx_${randomUUID()}`;
  return changeCredit(given.db, { id, customerId, amount, currency: 'EUR', reason: 'goodwill', actor });
}

/** The provider's word about the first attempt. */
export const settle = (given: TestBilling, paymentId: string, outcome: AttemptOutcome) =>
  transact(given, (tx) => settleAttempt(tx, paymentId, 1, outcome, 'webhook'));

/** A customer with a good card and nothing else. @returns the id */
export async function customer({ db }: TestBilling): Promise<string> {
  const id = `cus_${randomUUID()}`;
  await db.customer.create({ data: { id, time_zone: 'UTC' } });
  const method = { id: `pm_${randomUUID()}`, provider: 'sandbox', token: 'tok_ok' };
  await db.paymentMethod.create({ data: { ...method, customer_id: id } });
  return id;
}

/** A creation of which 4.00 are paid by credit, and whose attempt has begun. */
export async function begunWithCredit(given: TestBilling) {
  const customerId = await customer(given);
  await grant(given, customerId, 400);
  return given.begun({ customer_id: customerId, payment_method_id: await methodOf(given, customerId) });
}

/** The payment method of a customer. */
export const methodOf = async ({ db }: TestBilling, customerId: string): Promise<string> =>
  (await db.paymentMethod.findFirstOrThrow({ where: { customer_id: customerId } })).id;

/** A renewal whose period has opened, and whose attempt has begun. */
export async function renewing(given: TestBilling) {
  const life = await paidLife(given, next);
  await inTransaction(given.db, (tx) => openDue(tx, life.id, anyAmount));
  const paymentId = await paymentOf(given, life.id, 'renewal');
  await beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'renewal' }, false);
  return { life, paymentId };
}

/** Declined, and in dunning. */
export async function pastDue(given: TestBilling) {
  const { life, paymentId } = await renewing(given);
  await settle(given, paymentId, declined)();
  await recordDunningStarted(given, life.id, { payment_id: paymentId, period_index: 2 });
  return { life, paymentId };
}

/** The debt is given up. */
export async function exhaust(
  given: TestBilling,
  { life, paymentId }: Awaited<ReturnType<typeof pastDue>>,
  action: FinalAction,
) {
  const message = { payment_id: paymentId, period_index: 2, final_action: action };
  return recordDunningExhausted(given, life.id, message);
}

export const exhausted =
  (action: FinalAction): Move =>
  async (given) => {
    const debt = await pastDue(given);
    await debt.life.setNow(debtGivenUp);
    return () => exhaust(given, debt, action);
  };

function changeCommand({ id }: SubscriptionLife, more: Partial<ChangeCommand>): ChangeCommand {
  const same = { plan_id: null, quantity: null, payment_method_id: null, metadata: null } as const;
  const how = {
    cancel_at_period_end: null,
    effective: 'now',
    proration: 'charge_now',
    if_version: null,
  } as const;
  return { command_id: `${id}/change`, actor, answer_within_ms: 0, ...same, ...how, ...more };
}

/** To `platinum`, paid at once. */
export const upgrade = (given: TestBilling, life: SubscriptionLife) => {
  const command = changeCommand(life, { plan_id: 'platinum' });
  return () => commitChange(given, life.id, command);
};

export const changed =
  (more: Partial<ChangeCommand>): Move =>
  async (given) => {
    const life = await paidLife(given);
    return () => commitChange(given, life.id, changeCommand(life, more));
  };

/** A change to `platinum` whose payment has begun; 3.00 of the customer's credit are set aside for it. */
export async function changing(given: TestBilling) {
  const life = await paidLife(given);
  await grant(given, await customerOf(given, life), 300);
  await upgrade(given, life)();
  const paymentId = await paymentOf(given, life.id, 'proration');
  return { life, paymentId };
}

export const concluded =
  (outcome: AttemptOutcome): Move =>
  async (given) => {
    const { life, paymentId } = await changing(given);
    given.provider.charges = [outcome];
    await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'manual' });
    return () => concludeChange(given, life.id, paymentId, false);
  };

/** Left waiting for its payment, which has an answer since. */
export const answered =
  (outcome: AttemptOutcome): Move =>
  async (given) => {
    const { life, paymentId } = await changing(given);
    given.provider.charges = [pending];
    await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'manual' });
    await concludeChange(given, life.id, paymentId, false);
    await settle(given, paymentId, outcome)();
    return () => applyPayment(given, life.id, paymentId);
  };

/** In the second month of a paid year. */
async function yearlyLife(given: TestBilling): Promise<SubscriptionLife> {
  given.provider.charges = [completed];
  const life = await startLife(given, start, { plan_id: 'yearly' });
  await life.setNow('2026-01-31T00:00:00.000Z');
  return life;
}

export const monthlyAgain: Move = async (given) => {
  const life = await yearlyLife(given);
  return () => commitChange(given, life.id, changeCommand(life, { plan_id: 'gold' }));
};

/** With credit of its own: 110.14 of a year's price, after the move to a month. */
export async function creditFromYear(given: TestBilling) {
  const life = await yearlyLife(given);
  await life.change({ plan_id: 'gold', proration: 'charge_now' });
  await life.setNow('2026-02-10T00:00:00.000Z');
  return { life };
}

export const cancelled =
  (refund: RefundMode): Move =>
  async (given) => {
    const { life } = await creditFromYear(given);
    const command = { command_id: `${life.id}/cancel`, actor, mode: 'now', refund, reason: null } as const;
    return () => commitCancellation(given, life.id, command);
  };

/** With a refund of 4.00 that is reserved. */
export async function refunding(given: TestBilling, id = `rfd_${randomUUID()}`) {
  const life = await paidLife(given);
  const paymentId = await paymentOf(given, life.id, 'first');
  const reserve = () =>
    reserveRefund(given, paymentId, { refund_id: id, amount: 400, reason: 'goodwill', actor });
  return { life, paymentId, id, reserve };
}

export const failed: RefundOutcome = { status: 'failed', provider_reference: null, reason: 'refund_failed' };

/** @param before outcomes that came before */
export const refundSettled =
  (before: readonly RefundOutcome[], outcome: RefundOutcome): Move =>
  async (given) => {
    const { id, reserve } = await refunding(given);
    await reserve();
    for (const earlier of before) await transact(given, (tx) => settleRefund(tx, id, earlier))();
    return transact(given, (tx) => settleRefund(tx, id, outcome));
  };

export async function failedRefund(given: TestBilling) {
  const { id, reserve, paymentId } = await refunding(given);
  await reserve();
  await transact(given, (tx) => settleRefund(tx, id, failed))();
  return { id, paymentId };
}

/** Words about one dispute of 7.00 of a subscription's first payment. */
export function disputeOf(given: TestBilling, { id }: SubscriptionLife) {
  const reference = `dp_${randomUUID()}`;
  return (event: DisputeEvent) =>
    transact(given, async (tx) => {
      const attempt = await attemptOf(tx, await paymentOf(given, id, 'first'), 1);
      return recordDispute(tx, attempt, { provider: 'sandbox', reference, event, amount: 700 });
    });
}

/** @param before words about the same dispute that came before */
export const disputed =
  (before: readonly DisputeEvent[], event: DisputeEvent): Move =>
  async (given) => {
    const record = disputeOf(given, await paidLife(given));
    for (const earlier of before) await record(earlier)();
    return record(event);
  };
