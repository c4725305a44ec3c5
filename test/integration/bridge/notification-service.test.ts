/** Group notification-service against a real mail server and a real webhook receiver. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { NotificationServiceDependencies } from '../../../bridge/consumers/notification-service';
import { smtpNotifier } from '../../../bridge/notifications/smtp';
import { webhookNotifier } from '../../../bridge/notifications/webhook';
import type { Notifier } from '../../../bridge/notifications/port';
import type { EventData } from '../../../contracts/topics/events';
import { databaseNow } from '../../../prisma/client';
import { useBilling } from '../../support/billing';
import { mailServer, type MailServer } from '../../support/mail-server';
import { notificationHandlers } from '../../support/notifications';
import { ownRequest } from '../../support/outside';
import { until } from '../../support/until';

const given = useBilling();
let mail: MailServer;
let smtp: Notifier;
beforeEach(async () => {
  mail = await mailServer();
  smtp = smtpNotifier({ url: mail.url, from: 'Acme <billing@example.org>', connections: 5 });
});
afterEach(async () => {
  smtp.close();
  await mail.close();
});

type Requested = EventData<'notifications.requested'>;
let customers = 0;
/** A customer with a failed payment, and a request to tell them. */
async function owing(
  more: { email?: string | null; name?: string; metadata?: Record<string, string>; erased_at?: Date } = {},
) {
  customers += 1;
  const id = `cus_told_${customers}`;
  const email = `${id}@example.com`;
  await given.db.customer.create({ data: { id, email, name: 'Ada', time_zone: 'Europe/Berlin', ...more } });
  const payment_id = `pay_told_${customers}`;
  const money = { amount: 1000, currency: 'EUR' };
  await given.db.payment.create({
    data: { id: payment_id, kind: 'manual', status: 'failed', customer_id: id, announced: true, ...money },
  });
  const end = { final_action: 'leave_past_due', final_action_at: '2027-04-09T11:00:00.000Z' };
  const data: Requested = {
    customer_id: id,
    template: 'final_action_ahead',
    subscription_id: null,
    payment_id,
    data: { ...money, ...end, days: 3 },
    not_before: '2026-01-01T00:00:00.000Z',
  };
  return { id: `final_action_ahead/${payment_id}/days/3`, email, customer: id, data };
}
type Asked = Pick<Awaited<ReturnType<typeof owing>>, 'id' | 'data'>;

const concluded: string[] = [];
const handling = (more: Partial<NotificationServiceDependencies> = {}) =>
  notificationHandlers({
    db: given.db,
    notifier: smtp,
    onConcluded: (template, channel, status) => void concluded.push(`${template} ${channel} ${status}`),
    ...more,
  });
const startedAt = new Date().toISOString();
const read = async (asked: Asked, more: Partial<NotificationServiceDependencies> = {}, time = startedAt) => {
  const event = await ownRequest(given.db, { ...asked, time });
  return handling(more)['notifications.requested']?.(event);
};
const rowOf = ({ id }: Asked) => given.db.notification.findUniqueOrThrow({ where: { event_id: id } });

describe('a request', () => {
  it('is one mail in the customer’s words and clock, and a row without anything personal', async () => {
    const ask = await owing({ name: 'Вера', metadata: { language: 'ru' } });
    concluded.length = 0;
    await read(ask);
    expect(mail.mails).toMatchObject([{ to: [ask.email], from: 'billing@example.org' }]);
    const row = await rowOf(ask);
    expect(row).toMatchObject({
      id: expect.stringMatching(/^ntf_/),
      template: 'final_action_ahead',
      customer_id: ask.customer,
      payment_id: ask.data.payment_id,
      channel: 'smtp',
      status: 'sent',
      reason: null,
      attempts: 1,
      message_id: `<${row.id}@example.org>`,
      sent_at: expect.any(Date),
    });
    const [{ text } = { text: '' }] = mail.mails;
    expect(text).toContain(`Message-ID: ${row.message_id}`);
    expect(text).toContain(Buffer.from('<!doctype html>\n<html lang="ru">\n').toString('base64'));
    expect(JSON.stringify(row)).not.toMatch(/example\.com|Вера/);
    expect(concluded).toEqual(['final_action_ahead smtp sent']);
  });

  it('read fifty times at once is one mail', async () => {
    const ask = await owing();
    // As the consumer does with what may pass.
    const handled = () =>
      read(ask).then(
        () => true,
        (error: Error) => {
          if (error.name === 'InProgress') return false;
          throw error;
        },
      );
    const again = () => until('it to be handled', handled);
    await Promise.all(Array.from({ length: 50 }, again));
    expect(mail.mails).toHaveLength(1);
    expect(await rowOf(ask)).toMatchObject({ status: 'sent', attempts: 1 });
  });

  it.each([
    ['there is no address', { email: null }, {}, 'no_address'],
    ['the customer was erased', { erased_at: new Date() }, {}, 'customer_erased'],
    ['there is no transport', {}, { notifier: null }, 'no_transport'],
  ])('is skipped when %s', async (_, customer, deps, reason) => {
    const ask = await owing(customer);
    await read(ask, deps);
    expect(await rowOf(ask)).toMatchObject({ status: 'skipped', reason, sent_at: null });
    expect(mail.mails).toEqual([]);
    // What was decided stays, whatever holds later.
    await given.db.customer.update({ where: { id: ask.customer }, data: { email: 'late@example.com' } });
    await read(ask);
    expect(mail.mails).toEqual([]);
  });

  it('about a debt is not sent days later when it is settled by then', async () => {
    const twoDaysAgo = new Date(Date.now() - 48 * 3_600_000).toISOString();
    const [paid, unpaid] = [await owing(), await owing()];
    await given.db.payment.update({
      where: { id: paid.data.payment_id ?? '' },
      data: { status: 'completed' },
    });
    await read(paid, {}, twoDaysAgo);
    await read(unpaid, {}, twoDaysAgo);
    expect(await rowOf(paid)).toMatchObject({ status: 'skipped', reason: 'outdated' });
    expect(mail.mails).toMatchObject([{ to: [unpaid.email] }]);
  });

  it.each([
    ['of an unknown template', { template: 'newsletter' }, 'invalid_notification'],
    ['with a name that every object has', { template: 'constructor' }, 'invalid_notification'],
    ['without what its template needs', { data: { amount: 1000, currency: 'EUR' } }, 'invalid_notification'],
    ['about no payment', { payment_id: null }, 'invalid_notification'],
    ['to an unknown customer', { customer_id: 'cus_none' }, 'unknown_customer'],
    ['about an unknown payment', { payment_id: 'pay_none' }, 'unknown_payment'],
    ['about another customer’s payment', { customer_id: 'cus_1' }, 'contradicts_payment'],
    ['for another subscription', { subscription_id: 'sub_9' }, 'contradicts_payment'],
    ['whose time has not come', { not_before: '2100-01-01T00:00:00.000Z' }, 'not_due'],
  ])('%s is put aside, and nobody is told', async (_, more, code) => {
    const ask = await owing();
    await expect(read({ ...ask, data: { ...ask.data, ...more } })).rejects.toMatchObject({ code });
    const amount = { ...ask.data, data: { ...ask.data.data, amount: 999_999 } };
    await expect(read({ ...ask, data: amount })).rejects.toMatchObject({ code: 'contradicts_payment' });
    await expect(read({ ...ask, id: `${ask.id}\r\nx-evil: 1` })).rejects.toMatchObject({
      code: 'invalid_notification',
    });
    expect(await given.db.notification.count({ where: { event_id: ask.id } })).toBe(0);
    expect(mail.mails).toEqual([]);
  });
});

describe('a mail server', () => {
  it('that refuses the recipient for good ends it; the reason holds no address', async () => {
    const ask = await owing();
    mail.answers = { recipient: 550 };
    await read(ask);
    expect(await rowOf(ask)).toMatchObject({
      status: 'failed',
      reason: 'the mail server answered 550 to RCPT TO',
    });
  });

  it('that says "not now" is asked again at once, and given up after a day', async () => {
    const ask = await owing();
    mail.answers = { recipient: 451 };
    await expect(read(ask)).rejects.toMatchObject({ name: 'Deferred' });
    expect(await rowOf(ask)).toMatchObject({ status: 'sending', attempts: 1, lease_until: null });
    mail.answers = {};
    await read(ask);
    expect(await rowOf(ask)).toMatchObject({ status: 'sent', attempts: 2 });
    const old = await owing();
    mail.answers = { recipient: 451 };
    await expect(read(old)).rejects.toMatchObject({ name: 'Deferred' });
    const created_at = new Date(Date.now() - 25 * 3_600_000);
    await given.db.notification.update({ where: { event_id: old.id }, data: { created_at } });
    await read(old);
    expect(await rowOf(old)).toMatchObject({
      status: 'failed',
      reason: 'given up after 2 attempts: the mail server answered 451 to RCPT TO',
    });
  });

  it('that is away is waited for, however long', async () => {
    const ask = await owing();
    await mail.close();
    await expect(read(ask)).rejects.toThrow('the mail server cannot be used');
    const created_at = new Date(Date.now() - 25 * 3_600_000);
    await given.db.notification.update({ where: { event_id: ask.id }, data: { created_at } });
    await expect(read(ask)).rejects.toThrow('the mail server cannot be used');
    mail = await mailServer(Number(new URL(mail.url).port));
    await read(ask);
    expect(mail.mails).toHaveLength(1);
  });
});

describe('a crash', () => {
  it('between taking it up and saying so has it sent again when the lease is over, under the same name', async () => {
    const ask = await owing();
    const dying: Notifier = {
      ...smtp,
      async send(message) {
        await smtp.send(message);
        return new Promise(() => undefined);
      },
    };
    void read(ask, { notifier: dying, leaseMs: 3_000 });
    await until('the mail', async () => mail.mails.length > 0);
    await expect(read(ask)).rejects.toMatchObject({ name: 'InProgress' });
    await until('the lease to be over', async () => {
      const { lease_until: leaseUntil } = await rowOf(ask);
      return leaseUntil !== null && leaseUntil < (await databaseNow(given.db));
    });
    await read(ask);
    const names = mail.mails.map(({ text }) => /^Message-ID: (.*)\r$/m.exec(text)?.[1]);
    const row = await rowOf(ask);
    expect(names).toEqual([row.message_id, row.message_id]);
    expect(row).toMatchObject({ status: 'sent', attempts: 2 });
  });
});

describe('a webhook', () => {
  let server: Server;
  afterEach(() => void server.close());

  it('gets what a customer without an address is told, and can verify it', async () => {
    const secret = `whsec_${Buffer.from('a secret of thirty-two bytes yes').toString('base64')}`;
    const got: Record<string, unknown>[] = [];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        got.push(new Webhook(secret).verify(body, request.headers as Record<string, string>) as never);
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const notifier = webhookNotifier({ url, secrets: [secret], now: () => new Date() });
    const ask = await owing({ email: null });
    await read(ask, { notifier });
    await read(ask, { notifier });
    expect(got).toMatchObject([
      { type: 'notification.final_action_ahead', data: { id: ask.id, to: { email: null, name: 'Ada' } } },
    ]);
    expect(await rowOf(ask)).toMatchObject({ channel: 'webhook', status: 'sent', message_id: ask.id });
  });
});
