/** Plays what providers say about charges: in answer to a call or by a webhook, at once, late, or at a second attempt. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { createPayment } from '../../../billing/payment/create';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { renewSubscription } from '../../../billing/renewal/renew';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { concludeChange } from '../../../billing/subscription/conclude-change';
import { adoptSubscription } from '../../../billing/subscription/create';
import { recordDunningStarted } from '../../../billing/subscription/dunning';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { attemptIdempotencyKey } from '../../../domain/ids';
import { failure, type AttemptOutcome, type AttemptTrigger } from '../../../domain/payment/payment';
import { isFinal } from '../../../domain/subscription/subscription';
import { inTransaction } from '../../../prisma/client';
import { actor } from '../creation';
import { someTrace } from '../trace';
import type { PaymentFigures } from './rows';
import type { Stage } from './stage';

const completed = (key: string): AttemptOutcome => ({ status: 'completed', provider_reference: `ch_${key}` });
const declined = (key: string): AttemptOutcome => ({
  status: 'failed',
  provider_reference: `ch_${key}`,
  failure: failure('insufficient_funds', 'Not enough money.'),
});

/** Begins the first attempt of a payment; the provider gets the request, and nobody hears the answer yet. */
export async function begin(stage: Stage, paymentId: string, trigger: AttemptTrigger): Promise<void> {
  const begun = await beginAttempt(stage.db, { payment_id: paymentId, number: 1, trigger }, false);
  if (begun.kind !== 'call') throw new Error(`${paymentId} is not charged: ${JSON.stringify(begun.answer)}`);
  stage.provider.receive(begun.charge);
}

/** The provider has charged a payment: it is recorded, and not applied. */
export async function playCharged(stage: Stage, name: string): Promise<void> {
  const payment = stage.payment(name);
  const { id, status, attempts } = payment;
  const key = attemptIdempotencyKey(id, attempts);
  if (payment.is_open && canCall(stage, payment) && stage.way('charge') === 'answer') {
    stage.provider.answer(id, completed(key));
    await attempt(stage, id, attempts);
    return;
  }
  const isRetried = status === 'failed' && payment.kind === 'renewal' && canBegin(stage, payment);
  if (isRetried && stage.way('late charge') === 'retry') {
    stage.provider.answer(id, completed(attemptIdempotencyKey(id, attempts + 1)));
    await attempt(stage, id, attempts + 1);
    return;
  }
  stage.provider.collect(key);
  await stage.maybeTwice('webhook of a charge', () => settle(stage, id, attempts, completed(key)));
}

async function attempt(stage: Stage, id: string, number: number): Promise<void> {
  const trigger = number > 1 ? 'automatic_retry' : 'manual';
  const { status } = await attemptPayment(stage.deps, { payment_id: id, number, trigger });
  if (status !== 'completed' && status !== 'failed')
    throw new Error(`attempt ${number} of ${id} is ${status}`);
}

function settle({ db }: Stage, id: string, number: number, outcome: AttemptOutcome): Promise<unknown> {
  return inTransaction(db, (tx) => settleAttempt(tx, id, number, outcome, 'webhook'));
}

/** Nothing is called for what has ended. */
function canCall(stage: Stage, { subscription_id }: PaymentFigures): boolean {
  const sub = stage.rows.subs.find(({ id }) => id === subscription_id);
  return sub === undefined || !isFinal(sub.status);
}

function canBegin(stage: Stage, payment: PaymentFigures): boolean {
  const sub = stage.rows.subs.find(({ id }) => id === payment.subscription_id);
  return canCall(stage, payment) && sub?.status !== 'paused';
}

/** The provider's answer is recorded and applied in one transaction, where a process waits for it. */
async function answerAtOnce(
  stage: Stage,
  payment: PaymentFigures,
  outcome: AttemptOutcome,
): Promise<boolean> {
  const { id, kind, subscription_id: subId, attempts } = payment;
  const sub = stage.rows.subs.find((each) => each.id === subId);
  const isAlone = !stage.rows.payments.some(
    (other) => other.subscription_id === subId && other.unapplied > 0,
  );
  if (sub === undefined || !payment.is_open || attempts !== 1 || !isAlone) return false;
  const isCreating = kind === 'first' && sub.version === 0;
  // At the end of its period a subscription is past due, and its payment is not touched by a renewal.
  const lasts = sub.period_end !== null && !stage.isOver(sub.period_end);
  const isRenewing = kind === 'renewal' && sub.status === 'active' && sub.open_payment_id === id && lasts;
  if (!isCreating && !isRenewing) return false;
  if (stage.way('first attempt') === 'apart') return false;
  stage.provider.answer(id, outcome);
  if (isCreating) await adoptSubscription(stage.deps, sub.id);
  else await renewSubscription(stage.deps, sub.id);
  return true;
}

/** The provider has charged a payment, and its subscription is told of all that was charged. @param others before */
export async function playChargedAndApplied(
  stage: Stage,
  name: string,
  others: readonly string[],
): Promise<void> {
  const payment = stage.payment(name);
  if (await answerAtOnce(stage, payment, completed(attemptIdempotencyKey(payment.id, payment.attempts)))) {
    return;
  }
  await playCharged(stage, name);
  await playApply(stage, [...others, name]);
}

/** Money that came and went before it was applied is none that a command applies: its own message does. */
export async function playEmptied(stage: Stage, names: readonly string[]): Promise<void> {
  await playApply(
    stage,
    names.filter((name) => stage.payment(name).unapplied === 0),
  );
}

/** What was charged is applied, in the order in which it was asked for. */
export async function playApply(stage: Stage, names: readonly string[]): Promise<void> {
  const ids = new Set(names.map((name) => stage.named(name)));
  for (const payment of stage.rows.payments.filter(({ id }) => ids.has(id))) {
    await stage.maybeTwice('payment settled', () => notify(stage, payment));
  }
}

/** The subscription is told that a payment was settled. */
async function notify(stage: Stage, { id, kind, subscription_id: subId }: PaymentFigures): Promise<void> {
  if (subId === null) return;
  if (kind === 'first') await applyFirstPayment(stage.db, subId);
  else await applyPayment(stage.deps, subId, id);
}

/** The provider has declined a charge. */
export async function playDeclined(stage: Stage, name: string): Promise<void> {
  const payment = stage.payment(name);
  const { id, kind, subscription_id: subId, attempts } = payment;
  const outcome = declined(attemptIdempotencyKey(id, attempts));
  if (!(await answerAtOnce(stage, payment, outcome))) {
    if (canCall(stage, payment) && stage.way('decline') === 'answer') {
      stage.provider.answer(id, outcome);
      await attempt(stage, id, attempts);
    } else await stage.maybeTwice('webhook of a decline', () => settle(stage, id, attempts, outcome));
  }
  if (subId === null) return;
  const sub = stage.rows.subs.find((each) => each.id === subId);
  if (kind === 'first') await applyFirstPayment(stage.db, subId);
  if (kind === 'proration') await concludeOrNotify(stage, payment, sub?.pending === 'when_paid');
  if (kind === 'renewal' && sub?.open_payment_id === id) {
    const about = { payment_id: id, period_index: payment.period_index ?? 0 };
    await recordDunningStarted(stage.deps, subId, about);
  }
}

/** A caller who still waits for a change is answered; else the subscription is told. */
async function concludeOrNotify(stage: Stage, payment: PaymentFigures, isWaiting: boolean): Promise<void> {
  const { id, subscription_id: subId } = payment;
  if (subId === null) return;
  if (isWaiting || stage.way('declined change') === 'its subscription is told') await notify(stage, payment);
  else await concludeChange(stage.deps, subId, id, false);
}

/** A payment of its own is asked for, and charged. */
export async function playChargeApart(
  stage: Stage,
  { payment: name, amount }: { payment: string; amount: number },
): Promise<void> {
  const { db, provider, customerId: customer_id, methodId: payment_method_id, currency } = stage;
  const id = `pay_${stage.label}_${name}`;
  stage.call(name, id);
  const request = { customer_id, payment_method_id, currency, amount, reason: 'once' };
  await createPayment(db, { id, request, actor, trace: someTrace });
  provider.answer(id, completed(attemptIdempotencyKey(id, 1)));
  await attempt(stage, id, 1);
}
