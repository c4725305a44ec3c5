import { attemptPayment } from '../../../billing/payment/attempt';
import { commitCancellation } from '../../../billing/subscription/commands';
import { applyFirstPayment } from '../../../billing/subscription/first-payment';
import { completed, useBilling, noAnswer } from '../../support/billing';
import { actor } from '../../support/creation';

const given = useBilling();

const command = (id: string, more: object = {}) =>
  ({
    command_id: `${id}/cancel`,
    mode: 'now',
    refund: 'none',
    reason: 'moved away',
    actor,
    ...more,
  }) as const;
const cancel = (id: string, more: object = {}) => commitCancellation(given, id, command(id, more));
const attempt = (paymentId: string, outcome = completed) => {
  given.provider.charges = [outcome];
  return attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'first' });
};
const cancelledEvents = async (id: string) => {
  const events = await given.db.outboxEvent.findMany({
    where: { key: id, topic: 'subscriptions.cancelled' },
  });
  return events.map(({ payload }) => (JSON.parse(payload ?? '{}') as { data: Record<string, unknown> }).data);
};

describe('cancelling now', () => {
  it('ends the subscription, with its actor, reason and event', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    await attempt(paymentId);
    await applyFirstPayment(given.db, id);
    const { kind, record } = await cancel(id);
    expect(kind).toBe('committed');
    expect(record).toMatchObject({
      next_due_at: null,
      subscription: { status: 'cancelled', version: 2, open_payment_id: null },
    });
    expect(await cancelledEvents(id)).toMatchObject([
      {
        mode: 'now',
        refund: null,
        reason: 'moved away',
        open_payment_ids: [],
        actor,
        subscription: { version: 2 },
      },
    ]);
    const change = await given.db.change.findUniqueOrThrow({ where: { command_id: `${id}/cancel` } });
    expect(change).toMatchObject({
      version: 2,
      changes: ['cancelled'],
      actor,
      previous: { status: 'active' },
    });
  });

  it('has one effect for one command, however many execute it', async () => {
    const { subscriptionId: id } = await given.begun();
    const all = await Promise.all(Array.from({ length: 20 }, () => cancel(id)));
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['committed']));
    expect(new Set(all.map(({ record }) => record.subscription.version))).toEqual(new Set([1]));
    expect(await cancelledEvents(id)).toHaveLength(1);
  });

  it('records the period as paid whose payment was completed meanwhile', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    await attempt(paymentId, noAnswer);
    await applyFirstPayment(given.db, id);
    await attempt(paymentId, completed);
    const { record } = await cancel(id);
    expect(record.subscription).toMatchObject({ status: 'cancelled', period: { index: 1, paid: true } });
    const period = await given.db.subscriptionPeriod.findFirstOrThrow({ where: { subscription_id: id } });
    expect(period.paid_at).toEqual(expect.any(Date));
    expect(await cancelledEvents(id)).toMatchObject([{ open_payment_ids: [] }]);
  });

  it('names the payments that are still open', async () => {
    const { subscriptionId: id, paymentId } = await given.begun();
    await attempt(paymentId, noAnswer);
    await applyFirstPayment(given.db, id);
    const { record } = await cancel(id);
    expect(record.subscription).toMatchObject({ period: { paid: false } });
    expect(await cancelledEvents(id)).toMatchObject([{ open_payment_ids: [paymentId] }]);
  });

  it('against a settling payment: paid and recorded, or named as open, never neither', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 40; round += 1) {
      const { subscriptionId: id, paymentId } = await given.begun();
      await attempt(paymentId, noAnswer);
      await applyFirstPayment(given.db, id);
      const turns = round % 8;
      // The first and the last of eight are in a fixed order, so that both ends are seen on any machine.
      const answerAfter = turns === 0 ? cancel(id) : Promise.resolve();
      given.provider.slow = async () => void (await answerAfter);
      const settling = attempt(paymentId, completed);
      const later = async () => {
        if (turns === 7) await settling;
        for (let turn = 0; turn < turns; turn += 1) await given.db.$queryRaw`SELECT 1`;
        return cancel(id);
      };
      await Promise.all([settling, turns === 0 ? answerAfter : later()]);
      const row = await given.db.subscription.findUniqueOrThrow({ where: { id } });
      const [event] = await cancelledEvents(id);
      const isNamed = ((event?.['open_payment_ids'] ?? []) as string[]).includes(paymentId);
      expect(isNamed).toBe(!row.period_paid);
      seen.add(isNamed ? 'named' : 'paid');
    }
    expect(seen).toEqual(new Set(['named', 'paid']));
  });
});
