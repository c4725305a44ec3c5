/** A pause while a payment is retried: its time stands still, and the end of the pause wakes it; W3. */
import { renewSubscription } from '../../../billing/renewal/renew';
import { addPaymentMethod } from '../../../billing/customer/payment-methods';
import { findStuckWork } from '../../../billing/reconcile/stuck-work';
import { completed, useBilling } from '../../support/billing';
import { actor } from '../../support/creation';
import { activitiesOf, failRenewal } from '../../support/failed-renewals';

const given = useBilling();

const pausedAt = '2031-02-04T12:00:00.000Z';
const resumedAt = '2031-05-05T12:00:00.000Z';

/** Past due since 1 February, tried again on the 2nd, paused from the 4th on, and the clock goes to 5 May. */
async function paused(resumeAt?: string, at = pausedAt) {
  const failed = await failRenewal(given);
  const { lived } = failed;
  await lived.setNow('2031-02-02T12:00:00.000Z');
  await failed.attempt();
  await failed.plan();
  await lived.setNow(at);
  await lived.pause(resumeAt);
  await lived.setNow(resumedAt);
  expect(await failed.plan()).toEqual({ kind: 'wait', until: null, reason: 'the subscription is paused' });
  const { activities, woken } = activitiesOf(given);
  const resume = () => activities.commitResumption(lived.id, { actor, command_id: `${lived.id}/resume` });
  return { ...failed, activities, woken, resume };
}

async function giveCard({ lived, customerId }: Awaited<ReturnType<typeof paused>>): Promise<void> {
  const id = `pm_${lived.id}`;
  const method = { provider: 'sandbox', token: 'tok_ok#other', default: false };
  await addPaymentMethod(given.db, { id, customerId, fingerprint: null, isLive: false, method });
  await lived.change({ payment_method_id: id });
}

it('W3: a pause longer than grace, another card, resumed: past due, the card is tried at once', async () => {
  const held = await paused();
  await giveCard(held);
  const committed = await held.resume();
  expect(committed.record.subscription.status).toBe('past_due');
  expect(held.woken).toEqual([`${held.paymentId} release`]);
  expect(await held.plan()).toMatchObject({ kind: 'attempt', at: resumedAt });
  // It fails, too: grace goes on with the eleven days that were left.
  await held.attempt();
  expect(await held.plan()).toMatchObject({ kind: 'attempt' });
  await held.lived.setNow('2031-05-16T12:00:00.000Z');
  expect(await held.plan()).toMatchObject({ kind: 'exhausted', at: '2031-05-16T12:00:00.000Z' });
  expect(await held.giveUp('expire')).toBe('expired');
});

it('W3: the same card goes on along its schedule where it stood', async () => {
  const held = await paused();
  await held.resume();
  // The fifth day of dunning; the third one passed on the day of the pause, and is made up for.
  expect(await held.plan()).toMatchObject({ kind: 'attempt', at: '2031-05-05T12:00:00.000Z' });
  await held.attempt();
  expect(await held.plan()).toMatchObject({ kind: 'attempt', at: '2031-05-07T12:00:00.000Z' });
});

it('W3: the resumption that was due wakes the retry as well, and a second pause adds to the first', async () => {
  const held = await paused(resumedAt);
  const { record, messages } = await renewSubscription(given, held.lived.id);
  expect(record.subscription.status).toBe('past_due');
  expect(messages).toEqual([{ kind: 'start_retry', payment_id: held.paymentId, reason: 'release' }]);
  await held.lived.setNow('2031-05-06T12:00:00.000Z');
  await held.lived.pause();
  await held.lived.setNow('2031-05-08T12:00:00.000Z');
  await held.lived.resume();
  const { pauses } = await given.db.payment.findUniqueOrThrow({ where: { id: held.paymentId } });
  expect(pauses).toEqual([
    { from: pausedAt, to: resumedAt },
    { from: '2031-05-06T12:00:00.000Z', to: '2031-05-08T12:00:00.000Z' },
  ]);
  await held.lived.setNow('2031-05-18T12:00:00.000Z');
  expect(await held.plan()).toMatchObject({ kind: 'exhausted', at: '2031-05-18T12:00:00.000Z' });
});

it('W3: resumed before its next attempt was due, the plan of the row moves with the pause, and nothing is found late', async () => {
  const held = await paused(undefined, '2031-02-03T12:00:00.000Z');
  const latest = () =>
    given.db.retryPlan.findFirstOrThrow({
      where: { payment_id: held.paymentId },
      orderBy: { sequence: 'desc' },
    });
  const before = await latest();
  expect(before.at.toISOString()).toBe('2031-02-04T12:00:00.000Z');
  await held.resume();
  const at = '2031-05-06T12:00:00.000Z';
  expect(await held.plan()).toMatchObject({ kind: 'attempt', at });
  expect(await latest()).toMatchObject({ sequence: before.sequence + 1, at: new Date(at) });
  const { test_clock_id: testClockId } = await held.lived.read();
  const stuck = await findStuckWork(given.db, { toleranceMs: 0, testClockId, limit: 10 });
  expect(stuck.map(({ predicate }) => predicate)).not.toContain('plan_due');
  // Due, it is planned for each later instant, and stays one row.
  for (const later of [at, '2031-05-06T13:00:00.000Z']) {
    await held.lived.setNow(later);
    expect(await held.plan()).toMatchObject({ kind: 'attempt', at: later });
  }
  expect((await latest()).sequence).toBe(before.sequence + 1);
});

it('W3: nothing is noted of a paid period, whose pause has no dunning', async () => {
  const held = await paused();
  await held.resume();
  given.provider.charges = [completed];
  await held.attempt();
  await held.activities.applyPayment(held.lived.id, held.paymentId);
  await held.lived.pause();
  await held.lived.resume();
  const { pauses } = await given.db.payment.findUniqueOrThrow({ where: { id: held.paymentId } });
  expect(pauses).toHaveLength(1);
});
