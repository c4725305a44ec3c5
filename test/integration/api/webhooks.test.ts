/** POST /webhooks/{provider}, over a real database: what is refused, and what is taken. */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { fixedNow, type Ask, type Reply } from './test-api';
import { openWebhookApi, type WebhookApi } from './webhook-api';
import { former, newest, webhook, type Sent } from './sandbox-events';

let given: WebhookApi;
beforeAll(async () => {
  given = await openWebhookApi();
});
beforeEach(() => given.restart());
afterAll(() => given.end());

const send = (sent: Sent, more?: Ask): Promise<Reply> => given.send(sent, more);
const counts = () => given.counts();
const deliveryOf = (id: string) => given.deliveryOf(id);

describe('a webhook that is not believed', () => {
  const tampered = (change: (sent: Sent) => void): Sent => {
    const sent = webhook();
    change(sent);
    return sent;
  };
  const stranger = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
  const minutes = (count: number) => new Date(fixedNow.getTime() + count * 60_000);
  const cases: [string, () => Sent, string][] = [
    [
      'without a signature',
      () => tampered(({ headers }) => delete headers['webhook-signature']),
      'missing_signature',
    ],
    ['without an id', () => tampered(({ headers }) => delete headers['webhook-id']), 'missing_signature'],
    ['of a secret that is not in use', () => webhook({}, [stranger]), 'bad_signature'],
    [
      'altered by one byte',
      () => tampered(({ body }) => body.writeUInt8(body.readUInt8(body.length - 3) ^ 1, body.length - 3)),
      'bad_signature',
    ],
    ['older than 5 minutes', () => webhook({}, [newest], minutes(-6)), 'stale_timestamp'],
    ['from the future', () => webhook({}, [newest], minutes(6)), 'stale_timestamp'],
    [
      'not JSON, and not signed',
      () => tampered((sent) => (sent.body = Buffer.from('<html>'))),
      'bad_signature',
    ],
  ];

  it.each(cases)('%s is refused and counted; nothing is stored', async (_, make, reason) => {
    const before = await counts();
    const reply = await send(make());
    expect(reply.status).toBe(401);
    expect(reply.body).toMatchObject({ code: 'webhook_not_verified', reason });
    expect(reply.headers['www-authenticate']).toBeUndefined();
    expect(given.refused).toEqual([`sandbox ${reason}`]);
    expect(await counts()).toEqual(before);
  });

  it('with its signature sent twice is refused', async () => {
    const { headers, body } = webhook();
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const twice = `webhook-signature: ${headers['webhook-signature']}`;
    const head = ['POST /webhooks/sandbox HTTP/1.1', 'host: x', 'connection: close', ...lines, twice];
    const text = await exchanged(
      `${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body.toString()}`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toContain('"reason":"bad_signature"');
  });
});

/** What the server says to these bytes. */
function exchanged(bytes: string): Promise<string> {
  const { hostname, port } = new URL(given.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('secrets in rotation', () => {
  it.each([
    ['the former alone', [former]],
    ['the newest alone', [newest]],
    ['both', [newest, former]],
    ['an unknown one and the former', [`whsec_${Buffer.alloc(32, 3).toString('base64')}`, former]],
  ])('signed with %s, it is taken', async (_, secrets) => {
    expect((await send(webhook({}, secrets))).status).toBe(200);
  });
});

describe('a webhook that is verified and cannot be used', () => {
  it.each([
    ['is not JSON', 'not json'],
    ['is not an event', '{"hello":"world"}'],
    ['is empty', ''],
  ])('R7: %s: 200, and it is stored once with its bytes', async (_, body) => {
    const before = await counts();
    const sent = webhook({ body });
    for (let time = 0; time < 2; time += 1) {
      const reply = await send(sent);
      expect([reply.status, reply.text]).toEqual([200, '{"received":true}']);
    }
    expect(await counts()).toEqual({ deliveries: before.deliveries + 1, events: before.events + 1 });
    const name = `unreadable/${createHash('sha256').update(body).digest('hex')}`;
    const row = await deliveryOf(name);
    expect(row).toMatchObject({ event_type: 'unreadable', payment_id: null, status: 'stored' });
    expect(Buffer.from(row.body ?? []).toString()).toBe(body);
  });

  it('R7: that is not verified is refused and not stored, whatever its shape', async () => {
    const before = await counts();
    const sent = webhook({ body: 'not json' }, [`whsec_${Buffer.alloc(24, 9).toString('base64')}`]);
    expect((await send(sent)).status).toBe(401);
    expect(await counts()).toEqual(before);
  });

  it.each([
    ['of a type that nobody knows', { type: 'charge.refreshed' }],
    ['for another account', { body: undefined, paymentId: 'their payment' }],
  ])('%s is stored, about nothing of ours', async (_, reported) => {
    const sent = webhook(reported);
    expect((await send(sent)).status).toBe(200);
    expect(await deliveryOf(sent.id)).toMatchObject({ payment_id: null });
  });
});

describe('size, path and form', () => {
  it('1 MiB is taken, one byte more is 413 and not stored', async () => {
    const exact = 1024 * 1024;
    const { id } = webhook();
    const event = { id, type: 'charge.refreshed', created_at: fixedNow.toISOString(), data: '' };
    const padded = (length: number) => {
      const bare = JSON.stringify(event).length;
      return webhook({ id, body: JSON.stringify({ ...event, data: 'x'.repeat(length - bare) }) });
    };
    const before = await counts();
    const tooLarge = await send(padded(exact + 1));
    expect([tooLarge.status, tooLarge.body.code]).toEqual([413, 'payload_too_large']);
    expect(await counts()).toEqual(before);
    expect((await send(padded(exact))).status).toBe(200);
  });

  it('a provider that has no webhooks here is 404, before its body is read', async () => {
    const { body, headers } = webhook();
    for (const name of ['nobody', 'Sandbox', '__proto__', 'constructor']) {
      const reply = await given.ask('POST', `/webhooks/${name}`, { secret: null, raw: body, headers });
      expect([name, reply.status]).toEqual([name, 404]);
    }
    const head =
      'POST /webhooks/nobody HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1000000\r\n\r\n';
    expect(await exchanged(head)).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('any content type is taken, a compressed body is not', async () => {
    expect((await send(webhook(), { headers: { 'content-type': 'text/plain' } })).status).toBe(200);
    const compressed = await send(webhook(), { headers: { 'content-encoding': 'gzip' } });
    expect(compressed.status).toBe(415);
  });

  it('another method is 405', async () => {
    expect((await given.ask('GET', '/webhooks/sandbox')).status).toBe(405);
  });

  it('no signature, secret or body is logged', async () => {
    const sent = webhook({ paymentId: 'pay_logged' });
    await send(sent);
    await send({
      ...sent,
      headers: { ...sent.headers, 'webhook-signature': 'v1,c2VjcmV0LW9mLWEtc2lnbmF0dXJl' },
    });
    const logged = given.logged.join('\n');
    expect(logged).toContain('/webhooks/{provider}');
    expect(logged).not.toMatch(/pay_logged|c2VjcmV0|whsec_|v1,/);
  });
});
