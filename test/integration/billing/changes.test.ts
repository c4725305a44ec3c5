import { completed, declined, useBilling, pending } from '../../support/billing';
import { applyPayment } from '../../../billing/subscription/apply-payment';
import { inTransaction } from '../../../prisma/client';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { expectLedgerHolds } from '../../support/ledger-rows';
import { startLife } from '../../support/subscription-life';

const given = useBilling();
beforeAll(async () => {
  const monthly = { currency: 'EUR', interval_unit: 'month', interval_count: 1 };
  await given.db.plan.createMany({
    data: [
      { id: 'platinum', name: 'Platinum', amount: 3000, ...monthly },
      {
        id: 'yearly',
        name: 'Gold, by the year',
        currency: 'EUR',
        amount: 10_000,
        interval_unit: 'year',
        interval_count: 1,
      },
      { id: 'dollar', name: 'Dollar', amount: 1000, ...monthly, currency: 'USD' },
    ],
  });
});
beforeEach(() => {
  given.provider.charges = [completed];
});
afterEach(async () => {
  const customers = await given.db.customer.findMany({ select: { id: true } });
  for (const { id } of customers) await expectLedgerHolds(given.db, id);
});

const paymentOf = (id: string, period: number) =>
  given.db.payment.findFirstOrThrow({
    where: { subscription_id: id, period_index: period, kind: 'renewal' },
  });

describe('cancelling', () => {
  it('at the period’s end waits for it, can be taken back, and takes effect there', async () => {
    const lived = await startLife(given, '2027-01-01T00:00:00.000Z');
    await lived.cancel({ mode: 'period_end' });
    expect(await lived.read()).toMatchObject({ status: 'active', cancel_at: '2027-02-01T00:00:00.000Z' });
    await lived.change({ cancel_at_period_end: false });
    expect(await lived.advance('2027-02-10T00:00:00.000Z')).toMatchObject({
      status: 'active',
      period: { index: 2 },
    });
    await lived.change({ cancel_at_period_end: true });
    const ended = await lived.advance('2027-03-10T00:00:00.000Z');
    expect(ended).toMatchObject({
      status: 'cancelled',
      cancelled_at: '2027-03-01T00:00:00.000Z',
      period: { index: 2 },
    });
    expect(await lived.events('subscriptions.cancelled')).toMatchObject([
      { mode: 'period_end', refund: null },
    ]);
  });

  it('gives back the unused part, all, or nothing of what was paid for the period', async () => {
    for (const [refund, amount] of [
      ['none', null],
      ['prorated', 500],
      ['full', 1000],
    ] as const) {
      const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
      await lived.setNow('2027-02-15T00:00:00.000Z');
      await lived.cancel({ refund });
      const [event] = await lived.events('subscriptions.cancelled');
      expect(event?.refund ?? null).toEqual(amount === null ? null : { amount, currency: 'EUR' });
    }
  });

  it('is at once where no period is paid for', async () => {
    const scheduled = await startLife(given, '2027-01-01T00:00:00.000Z', {
      start_at: '2027-02-01T00:00:00.000Z',
    });
    await scheduled.cancel({ mode: 'period_end' });
    expect((await scheduled.read()).status).toBe('cancelled');
  });
});

describe('changing', () => {
  it('puts the difference on the next renewal, both sides shown', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    await lived.setNow('2027-02-15T00:00:00.000Z');
    await lived.change({ plan_id: 'platinum' });
    expect(await lived.read()).toMatchObject({ plan_id: 'platinum', amount: 3000, balance: 1000 });
    await lived.advance('2027-03-02T00:00:00.000Z');
    const renewal = await paymentOf(lived.id, 2);
    expect(renewal.amount).toBe(4000n);
    expect(renewal.lines).toMatchObject([{ amount: 3000 }, { amount: -500 }, { amount: 1500 }]);
    expect(await lived.read()).toMatchObject({ balance: 0 });
  });

  it('carries a credit over that is larger than what is due', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z', { plan_id: 'platinum', quantity: 3 });
    await lived.change({ plan_id: 'gold', quantity: 1 });
    expect(await lived.read()).toMatchObject({ amount: 1000, balance: -8000 });
    const now = await lived.advance('2027-03-02T00:00:00.000Z');
    expect(now).toMatchObject({ period: { index: 2, paid: true }, balance: -7000 });
    expect(await given.db.payment.count({ where: { subscription_id: lived.id, kind: 'renewal' } })).toBe(0);
  });

  it('charges the difference first, and changes nothing when that is declined', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    await lived.setNow('2027-02-15T00:00:00.000Z');
    given.provider.charges = [declined];
    expect(await lived.change({ plan_id: 'platinum', proration: 'charge_now' })).toMatchObject({
      kind: 'declined',
      failure: { code: 'insufficient_funds' },
    });
    expect(await lived.read()).toMatchObject({ plan_id: 'gold', version: 1 });
    given.provider.charges = [completed];
    await lived.change({ plan_id: 'platinum', proration: 'charge_now', metadata: { why: 'more' } });
    expect(await lived.read()).toMatchObject({ plan_id: 'platinum', balance: 0, metadata: { why: 'more' } });
    const charged = await given.db.payment.findMany({
      where: { subscription_id: lived.id, kind: 'proration' },
      orderBy: { status: 'asc' },
    });
    expect(charged.map(({ status, amount }) => [status, amount])).toEqual([
      ['cancelled', 1000n],
      ['completed', 1000n],
    ]);
    expect(await lived.events('payments.completed')).toEqual([]);
  });

  it('gives a charge back whose change was overtaken while it was being paid', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    await lived.setNow('2027-02-15T00:00:00.000Z');
    given.provider.slow = async () => {
      given.provider.slow = () => Promise.resolve();
      await lived.change({ metadata: { faster: 'yes' } });
    };
    const overtaken = await lived.change({ plan_id: 'platinum', proration: 'charge_now' });
    expect(overtaken).toMatchObject({ kind: 'refused', code: 'subscription_state' });
    expect(await lived.read()).toMatchObject({ plan_id: 'gold', metadata: { faster: 'yes' } });
    const refunds = await given.db.refund.findMany({
      where: { payment: { subscription_id: lived.id, kind: 'proration' } },
    });
    expect(refunds).toMatchObject([{ status: 'pending', amount: 1000n, reason: 'change_overtaken' }]);
  });

  it('waits for a charge that stays open, announced, and holds when it is paid', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    given.provider.charges = [pending];
    await lived.change({ plan_id: 'platinum', proration: 'charge_now' });
    const waiting = await lived.read();
    expect(waiting).toMatchObject({
      plan_id: 'gold',
      pending_change: { plan_id: 'platinum', effective: 'when_paid' },
    });
    const payment = await given.db.payment.findFirstOrThrow({
      where: { subscription_id: lived.id, kind: 'proration' },
    });
    expect(payment.announced).toBe(true);
    expect(await lived.change({ quantity: 2 })).toMatchObject({
      kind: 'refused',
      code: 'subscription_state',
    });
  });

  it('gives a charge back that was paid after its change was overtaken, and waits for it no longer', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    given.provider.charges = [pending];
    await lived.change({ plan_id: 'platinum', proration: 'charge_now' });
    await lived.change({ metadata: { faster: 'yes' } });
    const { pending_change: waiting } = await lived.read();
    const paymentId = waiting?.payment_id ?? '';
    await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'webhook'));
    // Told by the topic, and once more by whoever looks.
    for (let times = 0; times < 2; times += 1) await applyPayment(given, lived.id, paymentId);
    expect(await lived.read()).toMatchObject({ plan_id: 'gold', pending_change: null, version: 4 });
    expect(await given.db.refund.findMany({ where: { payment_id: paymentId } })).toMatchObject([
      { amount: 2000n, reason: 'change_overtaken' },
    ]);
    given.provider.charges = [completed];
    await lived.change({ plan_id: 'platinum', proration: 'charge_now' });
    expect(await lived.read()).toMatchObject({ plan_id: 'platinum', pending_change: null });
  });

  it('takes effect with the next period when that was asked for', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    await lived.change({ plan_id: 'platinum', quantity: 2, effective: 'period_end' });
    expect(await lived.read()).toMatchObject({
      plan_id: 'gold',
      pending_change: { effective: 'period_end' },
    });
    expect(await lived.advance('2027-03-02T00:00:00.000Z')).toMatchObject({
      plan_id: 'platinum',
      quantity: 2,
      amount: 6000,
      pending_change: null,
      period: { index: 2, paid: true },
    });
    const changes = (await lived.events('subscriptions.updated')).map((event) => event.changes);
    expect(changes).toEqual([['change_scheduled'], ['plan_changed', 'quantity_changed'], ['renewed']]);
  });

  it('begins a new period with a new anchor when the interval is another one', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    await lived.setNow('2027-02-15T00:00:00.000Z');
    expect(await lived.change({ plan_id: 'yearly' })).toMatchObject({ kind: 'refused', reason: 'proration' });
    await lived.change({ plan_id: 'yearly', proration: 'charge_now' });
    expect(await lived.read()).toMatchObject({
      plan_id: 'yearly',
      interval: { unit: 'year', count: 1 },
      billing_anchor: '2027-02-15T00:00:00.000Z',
      period: { index: 2, start: '2027-02-15T00:00:00.000Z', end: '2028-02-15T00:00:00.000Z', paid: true },
    });
    expect(await lived.periods()).toMatchObject([
      { index: 1, end: '2027-02-15T00:00:00.000Z' },
      { index: 2 },
    ]);
    const charged = await given.db.payment.findFirstOrThrow({
      where: { subscription_id: lived.id, kind: 'proration' },
    });
    expect(charged.amount).toBe(9500n);
  });

  it('is refused with the field, the state or the version at fault', async () => {
    const lived = await startLife(given, '2027-02-01T00:00:00.000Z');
    const refused = [
      [{ plan_id: 'none' }, 'validation_failed', 'plan_id'],
      [{ plan_id: 'dollar' }, 'validation_failed', 'plan_id'],
      [{ quantity: 1_000_000_000_000 }, 'validation_failed', 'quantity'],
      [{ payment_method_id: 'pm_1' }, 'validation_failed', 'payment_method_id'],
      [{ quantity: 2, if_version: 7 }, 'version_mismatch', '1'],
    ] as const;
    for (const [request, code, reason] of refused) {
      expect(await lived.change(request)).toMatchObject({ kind: 'refused', code, reason });
    }
    expect((await lived.read()).version).toBe(1);
  });
});
