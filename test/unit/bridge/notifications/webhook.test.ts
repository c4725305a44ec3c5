import { createHmac } from 'node:crypto';
import { webhookNotifier } from '../../../../bridge/notifications/webhook';
import { notificationWebhook } from '../../../../contracts/topics/notifications';
import { serverThat, stopServer, textOf } from '../../providers/answering-server';
import { notification, thrownBy } from './given-notification';

const secrets = [
  'bmV3IHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzISE=',
  'b2xkIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzISE=',
];
const now = new Date('2027-03-01T12:00:05.700Z');
const notifierAt = (url: string) =>
  webhookNotifier({ url, secrets: secrets.map((secret) => `whsec_${secret}`), now: () => now });

interface Received {
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}
let received: Received[] = [];

/** A receiver that answers so. */
const receiver = (status: number, headers: Record<string, string> = {}, body = '') =>
  serverThat(async (request, response) => {
    received.push({ headers: request.headers, body: await textOf(request) });
    response.writeHead(status, headers).end(body);
  });

beforeEach(() => {
  received = [];
});
afterAll(stopServer);

describe('the webhook', () => {
  it('is posted as the contract says, signed with every secret over id, time and body', async () => {
    const url = await receiver(204);
    expect(await notifierAt(`${url}/told?of=us`).send(notification)).toBe(notification.id);
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'payment_failed/pay_1/attempt/1',
      'webhook-timestamp': '1803902405',
    });
    const signed = secrets.map((secret) =>
      createHmac('sha256', Buffer.from(secret, 'base64'))
        .update(`payment_failed/pay_1/attempt/1.1803902405.${body}`)
        .digest('base64'),
    );
    expect(headers['webhook-signature']).toBe(signed.map((one) => `v1,${one}`).join(' '));
    expect(headers['webhook-signature']).toBe(
      'v1,Qqwo1XR8j5IgU5dlhUFUk7r+cjJFJC/Urq9LuhYWlRs= v1,8Rr2bvb/vVIvMg0APzjURFdkOSzvQ59CRvOJzRCQbaQ=',
    );
    const reported = notificationWebhook.parse(JSON.parse(body));
    expect(reported).toMatchObject({
      type: 'notification.payment_failed',
      timestamp: notification.requestedAt,
      data: { id: notification.id, to: notification.to, values: notification.values },
    });
  });

  it.each([
    [400, 'RefusedForGood'],
    [410, 'RefusedForGood'],
    [408, 'Deferred'],
    [429, 'Deferred'],
    [500, 'Deferred'],
    [503, 'Deferred'],
  ])('that answers %i is %s', async (status, name) => {
    const url = await receiver(status);
    expect(await thrownBy(notifierAt(url).send(notification))).toEqual({
      name,
      message: `the webhook answered ${status}`,
    });
  });

  it('follows no redirect, and reads no answer, however long', async () => {
    const elsewhere = await receiver(302, { location: '/elsewhere' });
    expect(await thrownBy(notifierAt(elsewhere).send(notification))).toMatchObject({
      name: 'RefusedForGood',
    });
    expect(received).toHaveLength(1);
    const talkative = await serverThat((_, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    expect(await notifierAt(talkative).send(notification)).toBe(notification.id);
  });

  it('that cannot be reached says so without its address', async () => {
    const url = await receiver(200);
    await stopServer();
    const { name, message } = await thrownBy(notifierAt(`${url}/secret-path`).send(notification));
    expect({ name, message }).toEqual({
      name: 'Error',
      message: 'the webhook cannot be reached: ECONNREFUSED',
    });
  });
});
