import { advanceClock } from '../../../activities/retry';
import { beginAdvance, failAdvance } from '../../../billing/test-clock/advance';
import { attemptPayment } from '../../../billing/payment/attempt';
import { recordNextLookup } from '../../../billing/payment/look-up';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { openDue } from '../../../billing/subscription/open-due';
import { publishDue } from '../../../billing/renewal/publish-due';
import { renewSubscription } from '../../../billing/renewal/renew';
import { commitCancellation } from '../../../billing/subscription/commands';
import { reserveRefunds } from '../../../billing/payment/cancellation-refunds';
import { inTransaction } from '../../../prisma/client';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { fakeMessenger } from '../../support/fake-messenger';
import { anyAmount, completed, useBilling, pending } from '../../support/billing';
import { actor } from '../../support/creation';

const began = '2030-01-15T00:00:00.000Z';
const given = useBilling();
let reported: { paymentId: string; now: string }[] = [];

let clocks = 0;
/** A clock that stands at `now`, and a customer of it. */
async function clockWithCustomer(now = began) {
  clocks += 1;
  const clock = `clk_${clocks}`;
  const customer = `cus_clock_${clocks}`;
  await given.db.testClock.create({ data: { id: clock, now: new Date(now) } });
  await given.db.customer.create({ data: { id: customer, test_clock_id: clock } });
  const method = { id: `pm_clock_${clocks}`, customer_id: customer, provider: 'sandbox', token: 'tok_ok' };
  await given.db.paymentMethod.create({ data: method });
  return { clock, customer, method: method.id };
}

/** An active subscription by the clock, with everything of it published. */
async function active(charge = completed, now = began) {
  const { clock, customer, method } = await clockWithCustomer(now);
  given.provider.charges = [charge];
  const { subscriptionId, paymentId } = await given.begun({
    customer_id: customer,
    payment_method_id: method,
  });
  await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
  await applyFirstPayment(given.db, subscriptionId);
  await publish();
  return { clock, subscriptionId, paymentId };
}

/** What the relay does. */
const publish = () =>
  given.db.outboxEvent.updateMany({ where: { published_at: null }, data: { published_at: new Date() } });

/** The activity's dependencies; `between` is what the rest of the system does between two looks. */
const deps = (between: () => Promise<unknown> = publish) => ({
  db: given.db,
  messenger: fakeMessenger({
    startRetry: () => Promise.resolve(),
    clockAdvanced: (paymentId: string, { now }: { now: string }) => {
      reported.push({ paymentId, now });
      return Promise.resolve();
    },
  }),
  stallMs: 60_000,
  allowTestClocks: true,
  pause: async () => void (await between()),
});

const announcements = (subject: string) =>
  given.db.outboxEvent.count({ where: { subject, topic: 'subscriptions.renew_required' } });

describe('an advance', () => {
  it('goes from one due instant to the next, saying each once', async () => {
    const { clock, subscriptionId } = await active();
    expect(await beginAdvance(given.db, clock, { to: '2030-04-20T00:00:00.000Z' })).toEqual({
      kind: 'begun',
    });
    const look = await advanceClock(
      deps(async () => {
        await renewSubscription(given, subscriptionId);
        await publish();
      }),
      clock,
    );
    expect(look.clock).toMatchObject({
      status: 'ready',
      now: '2030-04-20T00:00:00.000Z',
      target: null,
      steps: 3,
    });
    expect(await announcements(subscriptionId)).toBe(3);
    const payments = await given.db.payment.findMany({
      where: { subscription_id: subscriptionId },
      include: { attempts: true },
      orderBy: { period_index: 'asc' },
    });
    const settled = payments.map(({ attempts }) => attempts[0]?.settled_at?.toISOString());
    expect(settled).toEqual([
      began,
      '2030-02-15T00:00:00.000Z',
      '2030-03-15T00:00:00.000Z',
      '2030-04-15T00:00:00.000Z',
    ]);
    // What is technical is real.
    const [first] = payments;
    const realMs = Math.abs(Date.now() - (first?.attempts[0]?.started_at.getTime() ?? 0));
    expect(realMs).toBeLessThan(3_600_000);
  });

  it('announces what the scheduler leaves to the clock, however long it is due by real time', async () => {
    const { clock, subscriptionId } = await active(completed, '2020-01-15T00:00:00.000Z');
    const schedule = { renewalsPerSecond: 0, shards: 1, tickMs: 5_000 };
    expect(await publishDue(given.db, schedule, 0)).toMatchObject({ published: 0 });
    expect(await announcements(subscriptionId)).toBe(0);
    await beginAdvance(given.db, clock, { to: '2020-02-20T00:00:00.000Z' });
    const renew = async () => {
      await renewSubscription(given, subscriptionId);
      await publish();
    };
    expect((await advanceClock(deps(renew), clock)).clock).toMatchObject({ status: 'ready' });
    expect(await publishDue(given.db, schedule, 0)).toMatchObject({ published: 0 });
    expect(await announcements(subscriptionId)).toBe(1);
  });

  it.each([
    ['an event is not published', async () => {}],
    ['a consumer has not done its work', publish],
  ])('waits where it is while %s, naming that', async (_, between) => {
    const { clock, subscriptionId } = await active();
    await beginAdvance(given.db, clock, { to: '2031-01-15T00:00:00.000Z' });
    const shortly = { ...deps(between), advanceForMs: 2_000 };
    const { clock: seen, progress } = await advanceClock(shortly, clock);
    expect(seen).toMatchObject({ status: 'advancing', now: '2030-02-15T00:00:00.000Z', steps: 1 });
    expect(seen.detail).toContain(`due_not_opened (${subscriptionId})`);
    expect((await advanceClock(shortly, clock)).progress).toBe(progress);
    expect(await announcements(subscriptionId)).toBe(1);
    expect(await failAdvance(given.db, clock)).toMatchObject({ status: 'failed', detail: seen.detail });
    expect(await beginAdvance(given.db, clock, { to: '2030-02-16T00:00:00.000Z' })).toEqual({
      kind: 'begun',
    });
  });

  it('is refused for a clock that was deleted', async () => {
    const { clock } = await clockWithCustomer();
    await given.db.testClock.update({ where: { id: clock }, data: { deleted_at: new Date() } });
    expect(await beginAdvance(given.db, clock, { to: began })).toMatchObject({ code: 'not_found' });
  });
});

describe('quiet', () => {
  it('is not, while something was written a moment ago and not carried on', async () => {
    const { clock, subscriptionId } = await active();
    const now = new Date('2030-02-15T00:00:00Z');
    await given.db.testClock.update({ where: { id: clock }, data: { now } });
    await inTransaction(given.db, (tx) => openDue(tx, subscriptionId, anyAmount));
    // As if it were written after the question began: PostgreSQL's time goes on meanwhile.
    const soon = new Date(Date.now() + 3_600_000);
    await given.db.payment.updateMany({
      where: { subscription_id: subscriptionId },
      data: { updated_at: soon },
    });
    const found = await findStuckWork(given.db, { toleranceMs: 0, testClockId: clock, limit: 10 });
    expect(found).toEqual([
      { predicate: 'period_not_attempted', subject: { type: 'subscription', id: subscriptionId } },
    ]);
  });
});

describe('a refund that a cancellation asks for', () => {
  it('holds the clock from the record on until the provider has heard of it', async () => {
    const { clock, subscriptionId, paymentId } = await active();
    const stuckWork = async () =>
      (await findStuckWork(given.db, { toleranceMs: 0, testClockId: clock, limit: 10 })).map(
        ({ predicate, subject }) => `${predicate} ${subject.id}`,
      );
    const command = { command_id: `${subscriptionId}/c`, mode: 'now', reason: null, actor } as const;
    await commitCancellation(given, subscriptionId, { ...command, refund: 'full' });
    await publish();
    expect(await stuckWork()).toEqual([`refund_not_finished ${paymentId}`]);
    const { payload } = await given.db.outboxEvent.findFirstOrThrow({
      where: { subject: subscriptionId, topic: 'subscriptions.cancelled' },
    });
    await reserveRefunds(given.db, (JSON.parse(payload ?? '') as { data: never }).data);
    expect(await stuckWork()).toEqual([`refund_not_finished ${paymentId}`]);
  });
});

describe('an open payment', () => {
  it('holds the clock until it is said when it is asked about, and is told when its instant comes', async () => {
    reported = [];
    const { clock, paymentId } = await active(pending);
    // As the Payment Service does when it consumes subscriptions.created.
    await given.db.payment.update({ where: { id: paymentId }, data: { announced: true } });
    const stuckWork = () => findStuckWork(given.db, { toleranceMs: 0, testClockId: clock, limit: 10 });
    const due = { predicate: 'lookup_due', subject: { type: 'payment', id: paymentId } };
    expect(await stuckWork()).toEqual([due]);

    const askedAt = '2030-01-15T00:01:00.000Z';
    await recordNextLookup(given, paymentId, 1, askedAt);
    expect(await stuckWork()).toEqual([]);
    await beginAdvance(given.db, clock, { to: '2030-01-16T00:00:00.000Z' });
    const look = await advanceClock({ ...deps(), advanceForMs: 2_000 }, clock);
    expect(look.clock).toMatchObject({ status: 'advancing', now: askedAt });
    expect(look.wait_until).not.toBeNull();
    expect(reported).toContainEqual({ paymentId, now: askedAt });
    expect(await stuckWork()).toEqual([due]);

    // Nothing is left to ask: only a webhook can tell, and the clock does not wait for that.
    await recordNextLookup(given, paymentId, 1, null);
    expect((await advanceClock(deps(), clock)).clock).toMatchObject({
      status: 'ready',
      now: '2030-01-16T00:00:00.000Z',
    });
  });
});
