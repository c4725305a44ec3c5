import { z } from 'zod';
import type { Notifier, OutgoingNotification } from '../../../../bridge/notifications/port';
import { render } from '../../../../bridge/notifications/render';
import { defineTemplate, templates, type Templates } from '../../../../bridge/notifications/templates';
import { notificationTemplateNames } from '../../../../contracts/topics/notifications';
import { notification } from './given-notification';

/** A template about a subscription, as the contract and the texts would define it. */
const trialEnds = defineTemplate('trial_ends', {
  subject: 'subscription',
  data: z.object({ ends_at: z.string(), price: z.object({ amount: z.int(), currency: z.string() }) }),
  texts: {
    en: ({ ends_at, price }, { amount, instant, plan }) => ({
      subject: `Your trial of ${plan} ends on ${instant(ends_at)}`,
      paragraphs: [`From then on it costs ${amount(price)}.`],
    }),
    ru: ({ ends_at, price }, { amount, instant, plan }) => ({
      subject: `Пробный период «${plan}» закончится ${instant(ends_at)}`,
      paragraphs: [`Затем стоимость составит ${amount(price)}.`],
    }),
  },
});
const registry: Templates = new Map([...templates, ['trial_ends', trialEnds]]);
const data = { ends_at: '2027-04-01T06:00:00.000Z', price: { amount: 1000, currency: 'EUR' } };
const ada = { timeZone: 'Europe/Berlin', name: 'Ada', plan: 'Gold' };
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('the registry of templates', () => {
  it('has every template of the contract', () => {
    expect([...templates.keys()]).toEqual(notificationTemplateNames);
  });

  it('reads, renders and sends a template that is about no payment', async () => {
    const message = registry.get('trial_ends')?.read(data);
    if (message === null || message === undefined) throw new Error('the template is not registered');
    const english = render(message, { ...ada, language: 'en' });
    expect(english.subject).toBe('Your trial of Gold ends on 1 April 2027 at 08:00 CEST');
    expect(english.text).toBe('Hello Ada,\n\nFrom then on it costs €10.00.\n');
    const russian = render(message, { ...ada, language: 'ru' });
    expect(plain(russian.text)).toBe('Здравствуйте, Ada!\n\nЗатем стоимость составит 10,00 €.\n');
    const sent: OutgoingNotification[] = [];
    const notifier: Notifier = {
      channel: 'file',
      needsAddress: true,
      send: (outgoing) => Promise.resolve(String(sent.push(outgoing))),
      close: () => undefined,
    };
    const { template, values } = message;
    await notifier.send({ ...notification, ...english, template, payment_id: null, values });
    expect(sent).toMatchObject([{ template: 'trial_ends', subject: english.subject, values: data }]);
  });

  it.each([
    ['a field is missing', { ends_at: data.ends_at }],
    ['a field has another type', { ...data, ends_at: 5 }],
    ['it is no object', null],
  ])('reads nothing when %s', (_, wrong) => {
    expect(registry.get('trial_ends')?.read(wrong)).toBeNull();
  });
});
