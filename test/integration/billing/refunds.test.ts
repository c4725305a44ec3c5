import { attemptPayment } from '../../../billing/payment/attempt';
import { loadPayment } from '../../../billing/payment/follow-up';
import { requestRefundDecision, payRefund, reserveRefund } from '../../../billing/payment/pay-refund';
import { UnknownPayment } from '../../../billing/payment/payment-state';
import { inTransaction } from '../../../prisma/client';
import { settleRefund } from '../../../billing/payment/settle-refund';
import type { RefundOutcome } from '../../../domain/payment/refund';
import { completed, declined, useBilling, refunded } from '../../support/billing';
import { actor } from '../../support/creation';
import { expectLedgerHolds } from '../../support/ledger-rows';

const given = useBilling();
beforeEach(() => {
  given.provider.charges = [completed];
  given.provider.refunds = [refunded];
  given.provider.askedRefunds.length = 0;
});

const unclear: RefundOutcome = { status: 'unknown', reason: 'timeout' };
const refused: RefundOutcome = {
  status: 'failed',
  provider_reference: null,
  reason: 'charge_not_refundable',
};

async function tried(): Promise<string> {
  const { paymentId } = await given.begun();
  await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  return paymentId;
}
const promise = (paymentId: string, id: string, amount: number | null, by: object = actor) =>
  reserveRefund(given, paymentId, { refund_id: id, amount, reason: 'goodwill', actor: by as typeof actor });
const paymentOf = (id: string) => given.db.payment.findUniqueOrThrow({ where: { id } });
const tasksOf = (id: string) => given.db.operatorTask.findMany({ where: { subject_id: id } });

describe('refunds', () => {
  it('are promised before the provider is asked, then paid with their own key', async () => {
    const paymentId = await tried();
    expect(await promise(paymentId, 'rfd_a', 400)).toMatchObject({
      kind: 'reserved',
      refund: { status: 'pending', amount: 400, currency: 'EUR' },
    });
    expect(await loadPayment(given, paymentId)).toMatchObject({ refunds_due: ['rfd_a'] });
    expect(await payRefund(given, 'rfd_a')).toMatchObject({ status: 'succeeded' });
    expect(given.provider.askedRefunds).toEqual([
      {
        idempotencyKey: `${paymentId}/refund/rfd_a`,
        providerReference: 'ch_1',
        amount: 400,
        currency: 'EUR',
        paymentId,
      },
    ]);
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'partially_refunded', refunded_amount: 400n });
    expect(await loadPayment(given, paymentId)).toMatchObject({ refunds_due: [] });
  });

  it('are never promised for more than was paid, whoever asks at the same time', async () => {
    const paymentId = await tried();
    const reserved = await Promise.all(
      Array.from({ length: 10 }, (_, n) => promise(paymentId, `rfd_race_${n}`, 300)),
    );
    expect(reserved.filter(({ kind }) => kind === 'reserved')).toHaveLength(3);
    expect(reserved.find(({ kind }) => kind === 'refused')).toMatchObject({ reason: 'more_than_left' });
    expect(await promise(paymentId, 'rfd_race_rest', null)).toMatchObject({ refund: { amount: 100 } });
    expect(await promise(paymentId, 'rfd_race_none', null)).toMatchObject({ reason: 'nothing_left' });
  });

  it('asked for again with their id are the same, paid once', async () => {
    const paymentId = await tried();
    await Promise.all(Array.from({ length: 5 }, () => promise(paymentId, 'rfd_again', null)));
    await Promise.all(Array.from({ length: 5 }, () => payRefund(given, 'rfd_again')));
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'refunded', refunded_amount: 1000n });
    expect(await given.db.refund.count({ where: { payment_id: paymentId } })).toBe(1);
  });

  it('stay promised without a clear answer, and are asked for with the same key', async () => {
    const paymentId = await tried();
    await promise(paymentId, 'rfd_unclear', null);
    given.provider.refunds = [unclear, { status: 'pending', provider_reference: 're_2' }, refunded];
    expect(await payRefund(given, 'rfd_unclear')).toMatchObject({ status: 'pending' });
    expect(await payRefund(given, 'rfd_unclear')).toMatchObject({ status: 'pending' });
    expect(await promise(paymentId, 'rfd_beside', 1)).toMatchObject({ reason: 'nothing_left' });
    expect(await payRefund(given, 'rfd_unclear')).toMatchObject({ status: 'succeeded' });
    expect(new Set(given.provider.askedRefunds.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it('that the provider refuses free what they had reserved', async () => {
    const paymentId = await tried();
    await promise(paymentId, 'rfd_refused', null);
    given.provider.refunds = [refused];
    expect(await payRefund(given, 'rfd_refused')).toMatchObject({ status: 'failed' });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', refunded_amount: 0n });
    expect(await tasksOf('rfd_refused')).toMatchObject([{ kind: 'refund_failed', status: 'open' }]);
    expect(await promise(paymentId, 'rfd_second_try', null)).toMatchObject({ refund: { amount: 1000 } });
    expect(await tasksOf('rfd_refused')).toMatchObject([{ status: 'resolved' }]);
  });

  it('that nobody waits for are shown to a person when they fail', async () => {
    const paymentId = await tried();
    await promise(paymentId, 'rfd_system', null, { kind: 'system', id: 'payment-service', reason: null });
    given.provider.refunds = [refused];
    await payRefund(given, 'rfd_system');
    expect(await tasksOf('rfd_system')).toMatchObject([{ kind: 'refund_failed', subject_type: 'refund' }]);
  });

  it('are settled once, however often they are told; one that fails after it succeeded has not gone', async () => {
    const paymentId = await tried();
    await promise(paymentId, 'rfd_once', 400);
    const settle = (outcome: RefundOutcome) =>
      inTransaction(given.db, (tx) => settleRefund(tx, 'rfd_once', outcome));
    const reported = await Promise.all(Array.from({ length: 10 }, () => settle(refunded)));
    expect(reported.filter(({ settledNow }) => settledNow)).toHaveLength(1);
    expect(await paymentOf(paymentId)).toMatchObject({ refunded_amount: 400n });
    expect(await settle(refused)).toMatchObject({ settledNow: true, refund: { status: 'failed' } });
    expect(await paymentOf(paymentId)).toMatchObject({ status: 'completed', refunded_amount: 0n });
  });

  it.each<[what: string, meanwhile: RefundOutcome, answer: RefundOutcome, status: string, back: bigint]>([
    ['a report of failure', { ...refused, reason: 'refund_failed' }, refunded, 'failed', 0n],
    ['a report of success', refunded, refused, 'succeeded', 400n],
    [
      'a report that it is pending',
      { status: 'pending', provider_reference: 're_1' },
      refunded,
      'succeeded',
      400n,
    ],
    ['an operator who saw no refund', { ...refused, reason: 'operator' }, refunded, 'succeeded', 400n],
  ])('go by %s or by the answer that was on its way', async (what, meanwhile, answer, status, back) => {
    const paymentId = await tried();
    const id = `rfd_${paymentId}`;
    await promise(paymentId, id, 400);
    jest.spyOn(given.provider, 'refund').mockImplementationOnce(async () => {
      await inTransaction(given.db, (tx) => settleRefund(tx, id, meanwhile));
      return answer;
    });
    expect([what, await payRefund(given, id)]).toMatchObject([what, { status }]);
    expect(await paymentOf(paymentId)).toMatchObject({ refunded_amount: back });
    await expectLedgerHolds(given.db, 'cus_1');
  });

  it('of what was not paid, or does not exist, are refused', async () => {
    given.provider.charges = [declined];
    expect(await promise(await tried(), 'rfd_unpaid', null)).toMatchObject({ reason: 'not_paid' });
    await expect(promise('pay_nobody', 'rfd_nobody', null)).rejects.toThrow(UnknownPayment);
  });

  it('without a final answer for more than a day become a task, unless they got one meanwhile', async () => {
    const paymentId = await tried();
    await promise(paymentId, 'rfd_day', 100);
    await requestRefundDecision(given, 'rfd_day');
    expect(await tasksOf('rfd_day')).toMatchObject([{ kind: 'unknown_outcome', subject_type: 'refund' }]);
    await promise(paymentId, 'rfd_done', 100);
    await payRefund(given, 'rfd_done');
    await requestRefundDecision(given, 'rfd_done');
    expect(await tasksOf('rfd_done')).toEqual([]);
  });
});
