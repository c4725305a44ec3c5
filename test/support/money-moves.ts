/**
 * Every transaction that moves money: what comes before it is done, then it can be run, and run again.
 */
import { randomUUID } from 'node:crypto';
import { changeCredit } from '../../billing/customer/credits';
import { beginErasure } from '../../billing/customer/erase';
import { payOutCredit } from '../../billing/customer/payouts';
import { limitsOfProviders } from '../../billing/ledger/limits';
import { resolveTask } from '../../billing/operator/resolve-task';
import { attemptOf } from '../../billing/payment/attempt-store';
import { beginAttempt } from '../../billing/payment/begin-attempt';
import { reserveRefund } from '../../billing/payment/pay-refund';
import { recordProviderRefund } from '../../billing/payment/provider-refund';
import { renewSubscription } from '../../billing/renewal/renew';
import { taskRow } from '../../billing/rows';
import { applyPayment } from '../../billing/subscription/apply-payment';
import { beginCreation } from '../../billing/subscription/begin';
import { commitCancellation, commitResumption } from '../../billing/subscription/commands';
import { abandonChange } from '../../billing/subscription/conclude-change';
import { createSubscription } from '../../billing/subscription/create';
import { applyFirstPayment } from '../../billing/subscription/first-payment';
import { openDue } from '../../billing/subscription/open-due';
import { anyAmount, completed, declined, refunded } from './billing';
import { actor } from './creation';
import * as scene from './money-scenes';
import { someTrace } from './trace';

const { transact, settle } = scene;

export const moneyMoves: Readonly<Record<string, scene.Move>> = {
  'a charge is collected': async (given) => {
    const { paymentId } = await given.begun();
    return settle(given, paymentId, completed);
  },
  'a creation is concluded': async (given) => {
    const { paymentId, subscriptionId } = await given.begun();
    await settle(given, paymentId, completed)();
    return () => applyFirstPayment(given.db, subscriptionId);
  },
  'a creation is charged and concluded at once': async (given) => {
    const creation = given.creation();
    await beginCreation(given, creation);
    given.provider.charges = [completed];
    return () => createSubscription(given, creation);
  },
  'a creation sets credit aside': async (given) => {
    const customerId = await scene.customer(given);
    await scene.grant(given, customerId, 400);
    const creation = given.creation({
      customer_id: customerId,
      payment_method_id: await scene.methodOf(given, customerId),
    });
    return () => beginCreation(given, creation);
  },
  'a creation is paid by credit': async (given) => {
    const customerId = await scene.customer(given);
    await scene.grant(given, customerId, 1_000);
    const creation = given.creation({
      customer_id: customerId,
      payment_method_id: await scene.methodOf(given, customerId),
    });
    return () => beginCreation(given, creation);
  },
  'a creation with credit is declined': async (given) => {
    const { paymentId, subscriptionId } = await scene.begunWithCredit(given);
    await settle(given, paymentId, declined)();
    return () => applyFirstPayment(given.db, subscriptionId);
  },
  'a creation with credit is concluded': async (given) => {
    const { paymentId, subscriptionId } = await scene.begunWithCredit(given);
    await settle(given, paymentId, completed)();
    return () => applyFirstPayment(given.db, subscriptionId);
  },
  'a period is opened': async (given) => {
    const life = await scene.paidLife(given, scene.next);
    await scene.grant(given, await scene.customerOf(given, life), 300);
    return transact(given, (tx) => openDue(tx, life.id, anyAmount));
  },
  'a renewal is applied': async (given) => {
    const { life, paymentId } = await scene.renewing(given);
    await settle(given, paymentId, completed)();
    return () => applyPayment(given, life.id, paymentId);
  },
  'a renewal is charged and applied at once': async (given) => {
    const { life } = await scene.renewing(given);
    given.provider.charges = [completed];
    return () => renewSubscription(given, life.id);
  },
  'a pause ends with a new period': async (given) => {
    const life = await scene.paidLife(given);
    await life.pause();
    await life.setNow('2026-03-10T00:00:00.000Z');
    const command = { command_id: `${life.id}/resume`, actor };
    return () => commitResumption(given, life.id, command);
  },
  'a change is carried to the next charge': scene.changed({ plan_id: 'platinum', proration: 'next_renewal' }),
  'a change leaves credit': scene.changed({ plan_id: 'free', proration: 'charge_now' }),
  'a change begins another period': scene.monthlyAgain,
  'a change sets credit aside for its charge': async (given) => {
    const life = await scene.paidLife(given);
    await scene.grant(given, await scene.customerOf(given, life), 300);
    return scene.upgrade(given, life);
  },
  'a change is paid': scene.concluded(completed),
  'a change is declined': scene.concluded(declined),
  'a change is paid late': scene.answered(completed),
  'a change fails late': scene.answered(declined),
  'a change is dropped before its charge': async (given) => {
    const { life, paymentId } = await scene.changing(given);
    return () => abandonChange(given, life.id, paymentId);
  },
  'a change that is paid was overtaken': async (given) => {
    const { life, paymentId } = await scene.changing(given);
    await beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'manual' }, false);
    await scene.disputeOf(given, life)('opened')();
    await settle(given, paymentId, completed)();
    return () => applyPayment(given, life.id, paymentId);
  },
  'an erasure takes granted credit back': async (given) => {
    const customerId = await scene.customer(given);
    await scene.grant(given, customerId, 400);
    return () => beginErasure(given.db, customerId, actor);
  },
  'a cancellation without a refund': scene.cancelled('none'),
  'a cancellation with what is not used': scene.cancelled('prorated'),
  'a cancellation with all of it': scene.cancelled('full'),
  'a cancellation while a change is charged': async (given) => {
    const { life } = await scene.changing(given);
    const command = { mode: 'now', refund: 'prorated', reason: null } as const;
    return () => commitCancellation(given, life.id, { command_id: `${life.id}/cancel`, actor, ...command });
  },
  'a cancellation that was scheduled': async (given) => {
    const life = await scene.paidLife(given);
    await life.cancel({ mode: 'period_end', refund: 'full' });
    await life.setNow(scene.next);
    return transact(given, (tx) => openDue(tx, life.id, anyAmount));
  },
  'money comes after the end': async (given) => {
    const { life, paymentId } = await scene.pastDue(given);
    await life.cancel({});
    return settle(given, paymentId, completed);
  },
  'a refund is reserved': async (given) => (await scene.refunding(given)).reserve,
  'a refund is paid': scene.refundSettled([], refunded),
  'a refund fails': scene.refundSettled([], scene.failed),
  'a refund fails after it was paid': scene.refundSettled([refunded], scene.failed),
  'a refund is paid after it failed': scene.refundSettled([scene.failed], refunded),
  'a failed refund is made again': async (given) => {
    const { paymentId } = await scene.failedRefund(given);
    const order = { refund_id: `rfd_${randomUUID()}`, amount: 1_000, reason: 'again', actor };
    return () => reserveRefund(given, paymentId, order);
  },
  'a failed refund is given up': async (given) => {
    const { id } = await scene.failedRefund(given);
    const task = taskRow(await given.db.operatorTask.findFirstOrThrow({ where: { subject_id: id } }));
    const decision = {
      actor,
      reason: 'the account is closed',
      outcome: 'failed',
      provider_reference: null,
      amount: null,
      trace: someTrace,
    } as const;
    return transact(given, (tx) => resolveTask(tx, task, decision));
  },
  'a refund is made at the provider': async (given) => {
    const { paymentId } = await scene.refunding(given);
    const reference = `re_${randomUUID()}`;
    const refund = { provider: 'sandbox', reference, amount: 600, status: 'succeeded' } as const;
    return transact(given, async (tx) => recordProviderRefund(tx, await attemptOf(tx, paymentId, 1), refund));
  },
  'a dispute is opened': scene.disputed([], 'opened'),
  'a dispute is won': scene.disputed(['opened'], 'won'),
  'a dispute is lost': scene.disputed(['opened'], 'lost'),
  'a dispute is lost at once': scene.disputed([], 'lost'),
  'a loss is taken back': scene.disputed(['opened', 'lost'], 'won'),
  'a debt is written off by a pause': scene.exhausted('pause'),
  'a debt is written off by a cancellation': scene.exhausted('cancel'),
  'a debt is written off by an expiry': scene.exhausted('expire'),
  'what was written off is paid late': async (given) => {
    const written = await scene.pastDue(given);
    await written.life.setNow(scene.debtGivenUp);
    await scene.exhaust(given, written, 'pause');
    await settle(given, written.paymentId, completed)();
    return () => applyPayment(given, written.life.id, written.paymentId);
  },
  'credit is granted': async (given) => {
    const request = { id: `ltx_${randomUUID()}`, customerId: await scene.customer(given), amount: 500 };
    return () => changeCredit(given.db, { ...request, currency: 'EUR', reason: 'goodwill', actor });
  },
  'credit is paid out': async (given) => {
    const { life } = await scene.creditFromYear(given);
    await life.cancel({});
    const request = { id: `pyo_${randomUUID()}`, customerId: await scene.customerOf(given, life), actor };
    const payout = { ...request, currency: 'EUR', amount: 5_000, reason: 'asked for' };
    return () => payOutCredit(given.db, limitsOfProviders(given.providers), payout);
  },
  'credit is corrected': async (given) => {
    const customerId = await scene.customer(given);
    await scene.grant(given, customerId, 700);
    const request = { id: `ltx_${randomUUID()}`, customerId, amount: -500 };
    return () => changeCredit(given.db, { ...request, currency: 'EUR', reason: 'a mistake', actor });
  },
};
