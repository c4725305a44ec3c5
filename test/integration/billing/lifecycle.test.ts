import { attemptPayment } from '../../../billing/payment/attempt';
import { recordDunningExhausted, recordDunningStarted } from '../../../billing/subscription/dunning';
import { completed, declined, useBilling, pending } from '../../support/billing';
import { startLife } from '../../support/subscription-life';

const given = useBilling();
beforeEach(() => {
  given.provider.charges = [completed];
});

const paymentOf = (id: string, period: number) =>
  given.db.payment.findFirstOrThrow({
    where: { subscription_id: id, period_index: period, kind: 'renewal' },
  });

describe('renewing', () => {
  it('opens each period where the one before ended, charges it once and says so', async () => {
    const lived = await startLife(given, '2027-01-31T10:00:00.000Z');
    const now = await lived.advance('2027-05-01T00:00:00.000Z');
    expect(now).toMatchObject({ status: 'active', period: { index: 4, paid: true }, open_payment_id: null });
    expect(await lived.periods()).toEqual([
      { index: 1, start: '2027-01-31T10:00:00.000Z', end: '2027-02-28T10:00:00.000Z', paid: true },
      { index: 2, start: '2027-02-28T10:00:00.000Z', end: '2027-03-31T10:00:00.000Z', paid: true },
      { index: 3, start: '2027-03-31T10:00:00.000Z', end: '2027-04-30T10:00:00.000Z', paid: true },
      { index: 4, start: '2027-04-30T10:00:00.000Z', end: '2027-05-31T10:00:00.000Z', paid: true },
    ]);
    const updated = await lived.events('subscriptions.updated');
    expect(updated.map(({ changes }) => changes)).toEqual([['renewed'], ['renewed'], ['renewed']]);
    expect(await lived.events('payments.completed')).toHaveLength(3);
  });

  it('opens no further period while one is unpaid, and goes on when it is paid', async () => {
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
    given.provider.charges = [declined];
    const unpaid = await lived.advance('2027-02-15T00:00:00.000Z');
    expect(unpaid).toMatchObject({ status: 'active', period: { index: 2, paid: false } });
    const { id: paymentId } = await paymentOf(lived.id, 2);
    const started = { payment_id: paymentId, period_index: 2 };
    expect((await recordDunningStarted(given, lived.id, started)).subscription.status).toBe('past_due');
    await recordDunningStarted(given, lived.id, started);
    const later = await lived.advance('2027-04-15T00:00:00.000Z');
    expect(later).toMatchObject({ status: 'past_due', period: { index: 2, paid: false } });
    const events = await lived.events('subscriptions.updated');
    expect(events.map(({ changes }) => changes)).toEqual([['past_due']]);
  });

  it('ends as the policy says when collection is given up, unless the money came', async () => {
    for (const [action, status] of [
      ['expire', 'expired'],
      ['cancel', 'cancelled'],
      ['pause', 'paused'],
      ['leave_past_due', 'past_due'],
    ] as const) {
      given.provider.charges = [completed, declined];
      const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
      await lived.advance('2027-02-02T00:00:00.000Z');
      const { id: paymentId } = await paymentOf(lived.id, 2);
      const reported = { payment_id: paymentId, period_index: 2, final_action: action };
      const { subscription } = await recordDunningExhausted(given, lived.id, reported);
      expect(subscription.status).toBe(status);
      const { status: ofPayment } = await paymentOf(lived.id, 2);
      expect(ofPayment).toBe(action === 'leave_past_due' ? 'failed' : 'uncollectible');
    }
    given.provider.charges = [completed];
    const paid = await startLife(given, '2027-01-01T00:00:00.000Z');
    await paid.advance('2027-02-02T00:00:00.000Z');
    const { id: paymentId } = await paymentOf(paid.id, 2);
    const reported = { payment_id: paymentId, period_index: 2, final_action: 'expire' as const };
    expect((await recordDunningExhausted(given, paid.id, reported)).subscription.status).toBe('active');
  });

  it('records the money that came when collection is given up before its period was recorded as paid', async () => {
    given.provider.charges = [completed, declined];
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
    await lived.advance('2027-02-02T00:00:00.000Z');
    const { id: paymentId } = await paymentOf(lived.id, 2);
    given.provider.charges = [completed];
    await attemptPayment(given, { payment_id: paymentId, number: 2, trigger: 'automatic_retry' });
    const reported = { payment_id: paymentId, period_index: 2, final_action: 'expire' as const };
    const { subscription } = await recordDunningExhausted(given, lived.id, reported);
    expect(subscription).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
    expect((await paymentOf(lived.id, 2)).status).toBe('completed');
  });

  it('leaves a payment without a clear answer open, and records the period when it is paid', async () => {
    given.provider.charges = [completed, pending];
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
    const open = await lived.advance('2027-02-02T00:00:00.000Z');
    expect(open).toMatchObject({ status: 'active', period: { index: 2, paid: false } });
    expect(open.open_payment_id).not.toBeNull();
  });

  it('costs nothing when the plan is free', async () => {
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z', { plan_id: 'free' });
    const now = await lived.advance('2027-03-15T00:00:00.000Z');
    expect(now).toMatchObject({ period: { index: 3, paid: true } });
    expect(await given.db.payment.count({ where: { subscription_id: lived.id } })).toBe(0);
  });
});

describe('a trial, a later start', () => {
  it('charges the first period when the trial ends, from a new anchor', async () => {
    const lived = await startLife(given, '2027-01-31T10:00:00.000Z', { trial_days: 14 });
    expect(await lived.read()).toMatchObject({ status: 'trialing', period: { index: 0, paid: true } });
    const now = await lived.advance('2027-03-20T00:00:00.000Z');
    expect(now).toMatchObject({ status: 'active', period: { index: 2, paid: true } });
    expect((await lived.periods()).map(({ start }) => start)).toEqual([
      '2027-01-31T10:00:00.000Z',
      '2027-02-14T10:00:00.000Z',
      '2027-03-14T10:00:00.000Z',
    ]);
    const changes = (await lived.events('subscriptions.updated')).map((event) => event.changes);
    expect(changes).toEqual([['trial_ended'], ['renewed'], ['renewed']]);
  });

  it('begins when its start has come, with its trial when it has one', async () => {
    const start_at = '2027-02-01T00:00:00.000Z';
    const plain = await startLife(given, '2027-01-01T00:00:00.000Z', { start_at });
    expect(await plain.read()).toMatchObject({ status: 'scheduled', period: null });
    expect(await plain.advance('2027-02-03T00:00:00.000Z')).toMatchObject({
      status: 'active',
      period: { index: 1, start: start_at, end: '2027-03-01T00:00:00.000Z', paid: true },
    });
    const tried = await startLife(given, '2027-01-01T00:00:00.000Z', { start_at, trial_days: 7 });
    expect(await tried.advance('2027-02-03T00:00:00.000Z')).toMatchObject({
      status: 'trialing',
      trial_end: '2027-02-08T00:00:00.000Z',
    });
  });
});

describe('pausing and resuming', () => {
  it('continues the paid period, or opens a new one with a new anchor after its end', async () => {
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
    await lived.setNow('2027-01-10T00:00:00.000Z');
    await lived.pause();
    expect(await lived.read()).toMatchObject({ status: 'paused', paused_at: '2027-01-10T00:00:00.000Z' });
    await lived.setNow('2027-01-20T00:00:00.000Z');
    await lived.resume();
    expect(await lived.read()).toMatchObject({ status: 'active', paused_at: null, period: { index: 1 } });
    await lived.pause();
    expect(await lived.advance('2027-04-05T06:00:00.000Z')).toMatchObject({
      status: 'paused',
      period: { index: 1 },
    });
    await lived.resume();
    expect(await lived.read()).toMatchObject({
      status: 'active',
      billing_anchor: '2027-04-05T06:00:00.000Z',
      period: { index: 2, start: '2027-04-05T06:00:00.000Z', end: '2027-05-05T06:00:00.000Z', paid: true },
    });
    expect(await lived.advance('2027-06-06T00:00:00.000Z')).toMatchObject({
      period: { index: 4, start: '2027-06-05T06:00:00.000Z' },
    });
  });

  it('resumes by itself at the instant that was asked for', async () => {
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
    await lived.pause('2027-03-10T00:00:00.000Z');
    expect(await lived.advance('2027-03-11T00:00:00.000Z')).toMatchObject({
      status: 'active',
      period: { index: 2, start: '2027-03-10T00:00:00.000Z', paid: true },
    });
  });

  it('is refused where there is nothing to pause or resume, naming the state', async () => {
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z', { trial_days: 7 });
    expect(await lived.pause()).toMatchObject({
      kind: 'refused',
      code: 'subscription_state',
      reason: 'trialing',
    });
    expect(await lived.resume()).toMatchObject({ kind: 'refused', code: 'subscription_state' });
    await lived.cancel({});
    expect(await lived.pause()).toMatchObject({
      kind: 'refused',
      code: 'subscription_final',
      reason: 'cancelled',
    });
  });

  it('resumes into past due what was paused in it', async () => {
    given.provider.charges = [completed, declined];
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
    await lived.advance('2027-02-02T00:00:00.000Z');
    const { id: paymentId } = await paymentOf(lived.id, 2);
    await recordDunningStarted(given, lived.id, { payment_id: paymentId, period_index: 2 });
    await lived.pause();
    await lived.resume();
    expect((await lived.read()).status).toBe('past_due');
  });
});
