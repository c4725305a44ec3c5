import type { RefundCommand } from '../../contracts/workflows/commands';
import type { RefundStatus } from '../../domain/payment/refund';
import { scriptPayment } from '../support/workflows/payment-activities';
import { startOrRunning, startPayment } from '../support/workflows/payment-runs';
import { actor } from '../support/creation';
import { useSkippedTime } from '../support/workflows/skipped-time';

const time = useSkippedTime();

const start = (paymentId: string) => startPayment(time, paymentId);

describe('payment/{id} and refunds', () => {
  const command: RefundCommand = { refund_id: 'rfd_1', amount: 400, reason: 'goodwill', actor };

  /** Resolves when the workflow has accepted it. */
  function beginRefund(paymentId: string) {
    return time.env.client.workflow.startUpdateWithStart('refund', {
      startWorkflowOperation: startOrRunning(paymentId),
      args: [command],
      waitForStage: 'ACCEPTED',
    });
  }
  const requestRefund = async (paymentId: string): Promise<unknown> =>
    (await beginRefund(paymentId)).result();
  const ended = (paymentId: string) => time.env.client.workflow.getHandle(`payment/${paymentId}`).result();

  it('promises a refund, asks for it, answers how it stands, and ends', async () => {
    const { activities, whats } = scriptPayment(time, 'completed', { refunds: ['succeeded'] });
    await time.withWorker('payment-service', activities, async () => {
      expect(await requestRefund('pay_refund')).toMatchObject({ id: 'rfd_1', status: 'succeeded' });
      await ended('pay_refund');
    });
    expect(whats().filter((what) => !what.startsWith('tell'))).toEqual([
      'load',
      'reserve 400',
      'refund rfd_1',
      'load',
    ]);
  });

  it('adds no work for callers who ask again while their refund is not yet answered', async () => {
    const { activities, whats } = scriptPayment(time, 'completed', { refunds: ['succeeded'] });
    const { reserveRefund } = activities;
    let release = (): void => undefined;
    const allHaveAsked = new Promise<void>((resolve) => (release = resolve));
    activities.reserveRefund = async (...args) => {
      await allHaveAsked;
      return reserveRefund(...args);
    };
    await time.withWorker('payment-service', activities, async () => {
      const asked = [];
      for (let count = 0; count < 3; count += 1) asked.push(await beginRefund('pay_impatient'));
      release();
      const answers = await Promise.all(asked.map((each) => each.result()));
      expect(answers).toEqual(Array(3).fill(expect.objectContaining({ status: 'succeeded' })));
      await ended('pay_impatient');
    });
    expect(whats().filter((what) => what.startsWith('reserve'))).toHaveLength(1);
    expect(whats().filter((what) => what.startsWith('refund'))).toHaveLength(1);
  });

  it('refuses what cannot be refunded, with the reason, and pays nothing', async () => {
    const { activities, whats } = scriptPayment(time, 'failed');
    await time.withWorker('payment-service', activities, async () => {
      const asked = requestRefund('pay_not_paid');
      await expect(asked).rejects.toMatchObject({
        cause: { type: 'payment_not_refundable', details: [{ reason: 'not_paid' }] },
      });
      await ended('pay_not_paid');
    });
    expect(whats().some((what) => what.startsWith('refund'))).toBe(false);
  });

  it('says in a refusal what the step says of how much is left', async () => {
    const { activities } = scriptPayment(time, 'completed');
    const left = { reason: 'more_than_left', available: { amount: 600, currency: 'EUR' } } as const;
    activities.reserveRefund = () =>
      Promise.resolve({ kind: 'refused', detail: '6.00 EUR are left', ...left });
    await time.withWorker('payment-service', activities, async () => {
      await expect(requestRefund('pay_partly_lost')).rejects.toMatchObject({
        cause: { type: 'payment_not_refundable', message: '6.00 EUR are left', details: [left] },
      });
      await ended('pay_partly_lost');
    });
  });

  it('answers pending without a clear answer, then asks after 1, 5, 15 minutes, 1, 6, 24 hours, then daily', async () => {
    const { activities, minutesBetween, whats } = scriptPayment(time, 'completed', {
      refunds: [...Array<RefundStatus>(8).fill('pending'), 'succeeded'],
    });
    await time.withWorker('payment-service', activities, async () => {
      expect(await requestRefund('pay_slow_refund')).toMatchObject({ status: 'pending' });
      await ended('pay_slow_refund');
    });
    expect(minutesBetween('refund rfd_1')).toEqual([1, 5, 15, 60, 360, 1440, 1440, 1440]);
    expect(whats().filter((what) => what === 'operator about refund')).toHaveLength(1);
  });

  it('pays what somebody else promised, once it is told to look', async () => {
    const { activities, whats, settle, promise } = scriptPayment(time, 'unknown', { refunds: ['succeeded'] });
    await time.withWorker('payment-service', activities, async () => {
      const handle = await start('pay_unwanted');
      settle('completed');
      promise('rfd_2');
      await handle.signal('settled');
      await handle.result();
    });
    expect(whats()).toContain('refund rfd_2');
    expect(whats().at(-1)).toBe('tell sub_1 completed');
  });

  it('looks at the row again when it is told something while it ends', async () => {
    const { activities, whats, promise } = scriptPayment(time, 'completed', { refunds: ['succeeded'] });
    const report = activities.signalFirstPaymentSettled;
    let first = true;
    activities.signalFirstPaymentSettled = async (...args) => {
      await report(...args);
      if (!first) return;
      first = false;
      promise('rfd_3');
      await time.env.client.workflow.getHandle('payment/pay_told_late').signal('settled');
    };
    await time.withWorker('payment-service', activities, async () => (await start('pay_told_late')).result());
    expect(whats()).toContain('refund rfd_3');
  });

  it('W1: an attempt and a refund that stay open are asked about each day, also by the run that continues', async () => {
    const { activities, minutesBetween, promise } = scriptPayment(time, 'pending', {
      kind: 'renewal',
      lookups: [...Array<'pending'>(230).fill('pending'), 'completed'],
      refunds: [...Array<RefundStatus>(230).fill('pending'), 'succeeded'],
    });
    promise('rfd_5');
    await time.withWorker('payment-service', activities, async () => {
      const handle = await start('pay_for_ever');
      await handle.result();
      const first = time.env.client.workflow.getHandle('payment/pay_for_ever', handle.firstExecutionRunId);
      expect((await first.describe()).status.name).toBe('CONTINUED_AS_NEW');
    });
    expect(minutesBetween('lookup').slice(5)).toEqual(Array(225).fill(1440));
    expect(minutesBetween('refund rfd_5').slice(6)).toEqual(Array(224).fill(1440));
  }, 60_000);

  it('goes on asking about an open attempt while a refund of another one waits', async () => {
    const { activities, whats, promise } = scriptPayment(time, 'unknown', {
      lookups: ['unknown', 'completed'],
      refunds: ['pending', 'pending', 'succeeded'],
    });
    promise('rfd_4');
    await time.withWorker('payment-service', activities, async () => (await start('pay_both')).result());
    expect(whats().filter((what) => what.startsWith('refund'))).toHaveLength(3);
    expect(whats().filter((what) => what.startsWith('lookup'))).toHaveLength(2);
  });
});
