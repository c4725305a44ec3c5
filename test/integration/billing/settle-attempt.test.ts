import { beginAttempt } from '../../../billing/payment/begin-attempt';
import { cancelPayment } from '../../../billing/payment/follow-up';
import { commitCancellation } from '../../../billing/subscription/commands';
import type { AttemptOutcome } from '../../../domain/payment/payment';
import { inTransaction } from '../../../prisma/client';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { completed, declined, useBilling, pending } from '../../support/billing';
import { actor } from '../../support/creation';

const given = useBilling();

/** A payment with an open attempt. */
async function open(more: { kind?: string; announced?: boolean } = {}) {
  const { paymentId, subscriptionId } = await given.begun();
  await beginAttempt(given.db, { payment_id: paymentId, number: 1, trigger: 'first' }, false);
  await given.db.payment.update({ where: { id: paymentId }, data: more });
  return { paymentId, subscriptionId };
}
const settle = (paymentId: string, outcome: AttemptOutcome, by: 'answer' | 'webhook' | 'lookup' = 'answer') =>
  inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, outcome, by));
const eventsOf = (paymentId: string) => given.db.outboxEvent.findMany({ where: { subject: paymentId } });
const paymentOf = (paymentId: string) => given.db.payment.findUniqueOrThrow({ where: { id: paymentId } });

describe('settling an attempt', () => {
  it('happens once, by whoever comes first of twenty; the others adopt what stands', async () => {
    const { paymentId } = await open({ kind: 'renewal', announced: true });
    const settlements = await Promise.all(Array.from({ length: 20 }, () => settle(paymentId, declined)));
    expect(settlements.filter(({ settledNow }) => settledNow)).toHaveLength(1);
    expect(new Set(settlements.map(({ attempt }) => attempt.status))).toEqual(new Set(['failed']));
    const events = await eventsOf(paymentId);
    expect(events.map(({ event_id }) => event_id)).toEqual([`${paymentId}/attempt/1/failed`]);
  });

  it('ends as a success when twenty tell success and failure at once, published once each', async () => {
    const { paymentId } = await open({ kind: 'renewal', announced: true });
    const reported: AttemptOutcome[] = [completed, declined];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => settle(paymentId, reported[index % 2] as AttemptOutcome)),
    );
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed' });
    const ids = (await eventsOf(paymentId)).map(({ event_id }) => event_id);
    expect(ids.filter((id) => id.endsWith('/completed'))).toHaveLength(1);
    expect(await given.db.refund.count({ where: { payment_id: paymentId } })).toBe(0);
  });

  it('of a first payment is not published as long as it was not announced', async () => {
    const { paymentId } = await open();
    await settle(paymentId, completed);
    expect(await eventsOf(paymentId)).toEqual([]);
  });

  it.each([
    ['an announced first payment', { announced: true }],
    ['a renewal', { kind: 'renewal' }],
  ])('of %s is published with its change', async (_, more) => {
    const { paymentId, subscriptionId } = await open(more);
    await settle(paymentId, declined, 'webhook');
    const [event] = await eventsOf(paymentId);
    expect(event).toMatchObject({
      event_id: `${paymentId}/attempt/1/failed`,
      topic: 'payments.failed',
      key: subscriptionId,
    });
    const { data } = JSON.parse(event?.payload ?? '{}') as { data: object };
    expect(data).toMatchObject({
      payment_id: paymentId,
      attempt: 1,
      amount: 1000,
      failure: { code: 'insufficient_funds' },
    });
  });

  it('says what is known while it is open, and forgets the next action when it is done', async () => {
    const { paymentId } = await open();
    const next_action = { type: 'redirect', url: 'https://pay.example/1', expires_at: null };
    await settle(paymentId, { status: 'requires_action', provider_reference: 'ch_1', next_action });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'requires_action', next_action });
    await settle(paymentId, completed);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', next_action: null });
  });

  it('makes a failure the cancellation that was wished for meanwhile', async () => {
    const { paymentId } = await open();
    await cancelPayment(given, paymentId, 'subscription_cancelled');
    expect(await paymentOf(paymentId)).toMatchObject({
      status: 'processing',
      cancel_reason: 'subscription_cancelled',
    });
    await settle(paymentId, declined);
    expect((await paymentOf(paymentId)).status).toBe('cancelled');
  });

  it.each([
    ['a failure', declined],
    ['a step back', pending],
  ])('takes no notice of %s told after a success', async (_, late) => {
    const { paymentId } = await open();
    await settle(paymentId, completed);
    const { version } = await paymentOf(paymentId);
    expect(await settle(paymentId, late)).toMatchObject({
      settledNow: false,
      attempt: { status: 'completed' },
    });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', version });
  });

  it('gives money back that was taken for what has ended, and shows it to a person', async () => {
    const { paymentId, subscriptionId } = await open();
    const command = { command_id: 'c', mode: 'now', refund: 'none', reason: null, actor } as const;
    await commitCancellation(given, subscriptionId, command);
    await settle(paymentId, completed, 'webhook');
    const tasks = await given.db.operatorTask.findMany({ where: { subject_id: paymentId } });
    expect(tasks).toMatchObject([{ kind: 'second_success' }]);
    expect(await given.db.refund.findMany({ where: { payment_id: paymentId } })).toMatchObject([
      { attempt: 1, amount: 1000n, status: 'pending', reason: 'subscription_final' },
    ]);
  });

  it('is refused for an attempt that never began', async () => {
    const { paymentId } = await given.opened();
    await expect(settle(paymentId, completed)).rejects.toThrow('does not exist');
  });
});
