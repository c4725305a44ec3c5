/** Notifications that are about no payment, by templates of the test's own. */
import { z } from 'zod';
import type { OutgoingNotification } from '../../../bridge/notifications/port';
import { defineTemplate, type Templates } from '../../../bridge/notifications/templates';
import type { Text } from '../../../bridge/notifications/texts';
import type { ReadEvent } from '../../../contracts/topics/envelope';
import type { EventData } from '../../../contracts/topics/events';
import { useBilling } from '../../support/billing';
import { notificationHandlers, notifierInto } from '../../support/notifications';
import { nothingOutside, outside, ownRequest, recordOf } from '../../support/outside';

const given = useBilling();
const about = (what: string): Text<{ at: string }> => {
  return ({ at }, { instant, plan }) => ({ subject: `${what} of ${plan}`, paragraphs: [instant(at)] });
};
const definition = { data: z.object({ at: z.string() }) };
const templates: Templates = new Map([
  [
    'trial_ends',
    defineTemplate('trial_ends', {
      ...definition,
      subject: 'subscription',
      texts: { en: about('Trial'), ru: about('Пробный период') },
    }),
  ],
  [
    'card_expires',
    defineTemplate('card_expires', {
      ...definition,
      subject: 'customer',
      texts: { en: about('Card'), ru: about('Карта') },
    }),
  ],
]);

const sent: OutgoingNotification[] = [];
const notifier = notifierInto(sent, (message) => message);
type Requested = EventData<'notifications.requested'>;
const consume = (event: ReadEvent<'notifications.requested'>, external = nothingOutside) =>
  notificationHandlers({ db: given.db, notifier, external, templates })['notifications.requested']?.(event);
const read = async (id: string, data: Requested) =>
  consume(await ownRequest(given.db, { id, data, time: new Date().toISOString() }));

let subscriptions = 0;
/** A request about a new subscription. */
async function aboutSubscription(): Promise<Requested & { subscription_id: string }> {
  subscriptions += 1;
  const subscription_id = `sub_subject_${subscriptions}`;
  await given.begun({ subscription_id });
  const row = await given.db.subscription.findUniqueOrThrow({ where: { id: subscription_id } });
  return {
    customer_id: row.customer_id,
    template: 'trial_ends',
    subscription_id,
    payment_id: null,
    data: { at: '2027-04-01T06:00:00.000Z' },
    not_before: '2026-01-01T00:00:00.000Z',
  };
}

describe('a notification about a subscription', () => {
  it('is sent with the name of what was sold, and recorded with the subscription', async () => {
    const requested = await aboutSubscription();
    const plan = await given.db.plan.findFirstOrThrow({
      where: { subscriptions: { some: { id: requested.subscription_id } } },
    });
    sent.length = 0;
    await read('trial_ends/1', requested);
    expect(sent).toMatchObject([
      { template: 'trial_ends', subject: `Trial of ${plan.name}`, payment_id: null },
    ]);
    expect(
      await given.db.notification.findUniqueOrThrow({ where: { event_id: 'trial_ends/1' } }),
    ).toMatchObject({ status: 'sent', subscription_id: requested.subscription_id, payment_id: null });
  });

  it.each([
    ['names none', { subscription_id: null }, 'invalid_notification'],
    ['names a payment, too', { payment_id: 'pay_1' }, 'invalid_notification'],
    ['names an unknown one', { subscription_id: 'sub_none' }, 'unknown_subscription'],
  ])('is put aside when it %s', async (_, more, code) => {
    const requested = await aboutSubscription();
    sent.length = 0;
    await expect(read('trial_ends/wrong', { ...requested, ...more })).rejects.toMatchObject({ code });
    expect(sent).toEqual([]);
  });

  it('is put aside when the subscription is another customer’s', async () => {
    const requested = await aboutSubscription();
    await given.db.customer.create({ data: { id: `${requested.customer_id}_other_${subscriptions}` } });
    const foreign = { ...requested, customer_id: `${requested.customer_id}_other_${subscriptions}` };
    await expect(read('trial_ends/foreign', foreign)).rejects.toMatchObject({
      code: 'contradicts_subscription',
    });
  });
});

describe('R6: a notification about a subscription that another service asks for', () => {
  it('is put aside: nothing says when it is so', async () => {
    const requested = await aboutSubscription();
    sent.length = 0;
    const event = recordOf<'notifications.requested'>(requested, { id: 'trial_ends/outside' });
    await expect(consume(event, outside())).rejects.toMatchObject({ code: 'invalid_notification' });
    expect(sent).toEqual([]);
  });
});

describe('a notification about a customer', () => {
  it('is sent, and recorded without a subscription and a payment', async () => {
    const { subscription_id: subscriptionId, ...requested } = await aboutSubscription();
    const card = { ...requested, template: 'card_expires', subscription_id: null };
    sent.length = 0;
    await read('card_expires/1', card);
    expect(sent).toMatchObject([{ template: 'card_expires', subscription_id: null, payment_id: null }]);
    await expect(read('card_expires/2', { ...card, subscription_id: subscriptionId })).rejects.toMatchObject({
      code: 'invalid_notification',
    });
  });
});
