/** Notifications that another service asks for: only what is so, and each thing once. */
import type { OutgoingNotification } from '../../../bridge/notifications/port';
import type { NotificationTemplate } from '../../../contracts/topics/notifications';
import type { EventData } from '../../../contracts/topics/events';
import { useBilling } from '../../support/billing';
import { notificationHandlers, notifierInto } from '../../support/notifications';
import { nothingOutside, outside, outsider, ownRequest, recordOf } from '../../support/outside';
import { writeFailed } from '../../support/failed-payment';

const given = useBilling();
const dayMs = 86_400_000;
const sent: OutgoingNotification[] = [];
const notifier = notifierInto(sent, (message) => message);
type Requested = EventData<'notifications.requested'>;
const consume = (event: ReturnType<typeof recordOf<'notifications.requested'>>, external = outside()) =>
  notificationHandlers({ db: given.db, notifier, external })['notifications.requested']?.(event);
const ask = (data: Requested, id = 'crm-1', rules = outside(), source: string | undefined = outsider) =>
  consume(recordOf<'notifications.requested'>(data, { id, source, time: new Date().toISOString() }), rules);

let payments = 0;
beforeEach(() => void sent.splice(0));

/** A payment of its own whose first attempt failed a day ago; its grace ends in 13 days. */
async function failed() {
  payments += 1;
  const id = `pay_notified_${payments}`;
  const at = new Date(Math.floor(Date.now() / dayMs) * dayMs - dayMs);
  await writeFailed(given.db, { id, at: at.toISOString() });
  const final_action_at = new Date(at.getTime() + 14 * dayMs).toISOString();
  const money = { amount: 1_000, currency: 'EUR' };
  const end = { final_action: 'leave_past_due', final_action_at };
  const values: Record<NotificationTemplate, object> = {
    payment_failed: { ...money, ...end, attempt: 1, customer_must_act: true, next_attempt_at: null },
    final_action_ahead: {
      ...money,
      ...end,
      days: Math.ceil((Date.parse(final_action_at) - Date.now()) / dayMs),
    },
    payment_recovered: money,
    final_action_taken: { ...money, final_action: 'leave_past_due' },
  };
  const request = (template: NotificationTemplate, more: object = {}): Requested => ({
    customer_id: `cus_of_${id}`,
    template,
    subscription_id: null,
    payment_id: id,
    data: { ...values[template], ...more },
    not_before: '2026-01-01T00:00:00.000Z',
  });
  return { id, request };
}
const paid = async (paymentId: string) => {
  const attempt = {
    number: 2,
    idempotency_key: `${paymentId}/2`,
    trigger: 'manual_retry',
    on_session: false,
  };
  const money = { amount: 1_000, currency: 'EUR' };
  const at = new Date();
  await given.db.paymentAttempt.create({
    data: {
      payment_id: paymentId,
      ...attempt,
      ...money,
      status: 'completed',
      started_at: at,
      settled_at: at,
    },
  });
  await given.db.payment.update({ where: { id: paymentId }, data: { status: 'completed' } });
};
const overdue = (paymentId: string) =>
  given.db.paymentAttempt.updateMany({
    where: { payment_id: paymentId },
    data: { settled_at: new Date(Date.now() - 20 * dayMs) },
  });
const contradicts = { name: 'Unprocessable', code: 'contradicts_payment' };

describe('R6: a notification that another service asks for', () => {
  it.each<[NotificationTemplate, string, (id: string) => Promise<unknown>]>([
    ['payment_failed', 'attempt/1', () => Promise.resolve()],
    ['final_action_ahead', 'days/', () => Promise.resolve()],
    ['payment_recovered', 'paid', paid],
    ['final_action_taken', 'leave_past_due', overdue],
  ])(
    'of template %s is sent when it is so, once for all ids, and is audited',
    async (template, about, reach) => {
      const { id, request } = await failed();
      await reach(id);
      for (const number of [1, 2, 3, 4, 5]) await ask(request(template), `crm-${number}`);
      expect(sent).toMatchObject([
        { template, id: expect.stringContaining(`external/${template}/${id}/${about}`) },
      ]);
      const audited = await given.db.auditLog.findMany({ where: { subject_id: id } });
      expect(audited).toMatchObject([
        { action: 'notifications.requested', request_id: 'crm-1', actor: { kind: 'external', id: outsider } },
      ]);
    },
  );

  it.each<[string, NotificationTemplate, object, (id: string) => Promise<unknown>]>([
    ['the money of a failed payment', 'payment_recovered', {}, () => Promise.resolve()],
    [
      'the money of a refunded payment',
      'payment_recovered',
      {},
      async (id) => {
        await paid(id);
        await given.db.payment.update({ where: { id }, data: { status: 'refunded' } });
      },
    ],
    ['the failure of a paid payment', 'payment_failed', {}, paid],
    ['the failure of another attempt', 'payment_failed', { attempt: 2 }, () => Promise.resolve()],
    [
      'another next attempt',
      'payment_failed',
      { next_attempt_at: '2030-01-01T00:00:00.000Z' },
      () => Promise.resolve(),
    ],
    ['another final action', 'final_action_ahead', { final_action: 'expire' }, () => Promise.resolve()],
    [
      'another end',
      'final_action_ahead',
      { final_action_at: '2030-01-01T00:00:00.000Z' },
      () => Promise.resolve(),
    ],
    ['another number of days', 'final_action_ahead', { days: 3 }, () => Promise.resolve()],
    ['an end that is over', 'final_action_ahead', {}, overdue],
    ['an end that is not reached', 'final_action_taken', {}, () => Promise.resolve()],
    ['the end of a paid payment', 'final_action_taken', {}, paid],
  ])('that says %s is put aside, and no customer is notified', async (_, template, more, reach) => {
    const { id, request } = await failed();
    await reach(id);
    await expect(ask(request(template, more))).rejects.toMatchObject(contradicts);
    expect(sent).toEqual([]);
    expect(await given.db.notification.count({ where: { payment_id: id } })).toBe(0);
  });

  it('that was sent is no dead letter when it comes again, whatever became of the payment and the settings', async () => {
    const { id, request } = await failed();
    await ask(request('payment_failed'));
    await paid(id);
    await ask(request('payment_failed'));
    await ask(request('payment_failed'), 'crm-1', nothingOutside);
    expect(sent).toHaveLength(1);
  });

  it.each(['/retry-service', '/notification-service', undefined])(
    'of a source that is not named is refused, whatever it states: %s',
    async (source) => {
      const { request } = await failed();
      const event = { ...recordOf<'notifications.requested'>(request('payment_failed')), source };
      await expect(consume(event)).rejects.toMatchObject({ code: 'source_not_allowed' });
      expect(sent).toEqual([]);
    },
  );
});

describe('R6: a notification of ours', () => {
  const time = '2027-03-01T09:00:00.000Z';

  it('is sent though no source is named, and a copy of its id with other words is not', async () => {
    const { id, request } = await failed();
    const name = `payment_failed/${id}/attempt/1`;
    const own = await ownRequest(given.db, { id: name, data: request('payment_failed'), time });
    const forged = { ...own, data: request('payment_failed', { final_action: 'cancel' }) };
    await expect(consume(forged, nothingOutside)).rejects.toMatchObject({ code: 'source_not_allowed' });
    await expect(consume({ ...forged, source: outsider })).rejects.toMatchObject(contradicts);
    // An old copy would have it skipped as outdated.
    const old = { ...own, time: '2020-01-01T00:00:00.000Z' };
    await expect(consume(old, nothingOutside)).rejects.toMatchObject({ code: 'source_not_allowed' });
    await consume(own, nothingOutside);
    expect(sent).toMatchObject([{ id: name }]);
  });

  it('is not displaced by another service that was first, under the very same id', async () => {
    const { id, request } = await failed();
    const name = `payment_failed/${id}/attempt/1`;
    await ask(request('payment_failed'), name);
    const own = await ownRequest(given.db, { id: name, data: request('payment_failed'), time });
    await consume(own, nothingOutside);
    expect(sent.map((message) => message.id)).toEqual([`external/${name}`, name]);
  });

  it('that was handled is no dead letter when its content is no longer kept', async () => {
    const { id, request } = await failed();
    const name = `payment_failed/${id}/attempt/1`;
    const own = await ownRequest(given.db, { id: name, data: request('payment_failed'), time });
    await consume(own, nothingOutside);
    await given.db.outboxEvent.update({ where: { event_id: name }, data: { payload: null } });
    await consume(own, nothingOutside);
    expect(sent).toHaveLength(1);
  });
});
