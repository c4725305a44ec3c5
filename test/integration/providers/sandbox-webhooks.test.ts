/** The sandbox provider’s webhooks: what is told when, signed, repeated, kept over a restart. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { sandboxWebhooks } from '../../../providers/sandbox/webhooks';
import {
  dropDatabase,
  eventually,
  freshDatabaseUrl,
  startSandbox,
  type ErrorBody,
  type RunningSandbox,
} from './running-sandbox';

const secrets = [1, 2].map((n) => `whsec_${Buffer.alloc(24, n).toString('base64')}`);

interface ReceivedWebhook {
  headers: IncomingMessage['headers'];
  text: string;
  event: { id: string; type: string; created_at: string; data: { id: string; idempotency_key: string } };
}

const databaseUrl = freshDatabaseUrl();
const received: ReceivedWebhook[] = [];
const begun = Date.parse('2027-03-01T09:00:00.000Z');
const clock = { now: new Date(begun) };
/** What the receiver answers. */
let status = 200;
let receiver: Server;
let sandbox: RunningSandbox;

const start = () => {
  const { port } = receiver.address() as AddressInfo;
  return startSandbox(databaseUrl, {
    now: () => clock.now,
    random: () => 0.5,
    webhooks: { url: `http://127.0.0.1:${port}/webhooks/sandbox`, secrets },
  });
};

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      received.push({ headers: request.headers, text, event: JSON.parse(text) as ReceivedWebhook['event'] });
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('thanks');
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  sandbox = await start();
});
beforeEach(async () => {
  status = 200;
  await sandbox.control({
    hold_webhooks: false,
    duplicate_webhooks: 0,
    shuffle_webhooks: false,
    pending_ms: 2_000,
  });
});
afterAll(async () => {
  await sandbox?.stop();
  await new Promise((resolve) => receiver.close(resolve));
  await dropDatabase(databaseUrl);
});

const about = (key: string) => received.filter(({ event }) => event.data.idempotency_key === key);
const typesOf = (key: string) => about(key).map(({ event }) => event.type);
const until = (key: string, ...types: string[]) =>
  eventually(
    () => Promise.resolve(typesOf(key)),
    (seen) => seen.join() === types.join(),
  );
const pass = (ms: number) => {
  clock.now = new Date(clock.now.getTime() + ms);
};

test('a charge is told once it is decided, signed with every secret, in the form of the contract', async () => {
  const { body } = await sandbox.charge('told/1', 'tok_ok');
  await until('told/1', 'charge.succeeded');
  const [{ headers, text, event }] = about('told/1') as [ReceivedWebhook];
  expect(event).toEqual({
    id: headers['webhook-id'],
    type: 'charge.succeeded',
    created_at: clock.now.toISOString(),
    data: body,
  });
  expect(headers['webhook-timestamp']).toBe(String(clock.now.getTime() / 1_000));
  const signatures = String(headers['webhook-signature']).split(' ');
  expect(signatures).toEqual(secrets.map((secret) => new Webhook(secret).sign(event.id, clock.now, text)));
  for (const secret of secrets) {
    const request = {
      body: Buffer.from(text),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [String(value)]])),
      sourceAddress: null,
    };
    const trust = { secrets: [secret], now: clock.now, toleranceMs: 300_000 };
    expect(sandboxWebhooks.verify(request, trust)).toBe('verified');
    expect(sandboxWebhooks.read(request)).toMatchObject({ id: event.id, type: 'charge.succeeded' });
  }
});

test('a repeated request is no second event, and a declined one is told as failed', async () => {
  await sandbox.charge('once/1', 'tok_stolen');
  await sandbox.charge('once/1', 'tok_stolen');
  await sandbox.charge('once/2', 'tok_ok');
  await until('once/2', 'charge.succeeded');
  expect(typesOf('once/1')).toEqual(['charge.failed']);
});

test.each([
  ['tok_pending_then_ok', ['charge.succeeded']],
  ['tok_pending_then_fail', ['charge.failed']],
])('%s is told when it settles, and not before', async (token, types) => {
  await sandbox.charge(`${token}/1`, token);
  await sandbox.charge(`${token}/2`, 'tok_ok');
  await until(`${token}/2`, 'charge.succeeded');
  expect(typesOf(`${token}/1`)).toEqual([]);
  pass(2_000);
  await until(`${token}/1`, ...types);
});

test('tok_declined_then_late_ok is declined, and taken after pending_ms', async () => {
  const { body } = await sandbox.charge('late/1', 'tok_declined_then_late_ok');
  expect(body).toMatchObject({ status: 'failed', failure: { code: 'do_not_honor' } });
  await until('late/1', 'charge.failed');
  pass(2_000);
  await until('late/1', 'charge.failed', 'charge.succeeded');
  expect(await sandbox.charges('idempotency_key=late/1')).toMatchObject([
    { status: 'succeeded', failure: null },
  ]);
});

test('what the customer did is told', async () => {
  const { body } = await sandbox.charge('auth/1', 'tok_authentication_required', { off_session: false });
  await sandbox.ask('POST', `/v1/charges/${body.id}/authenticate`, { succeed: true });
  await until('auth/1', 'charge.succeeded');
});

test('a dispute is told once; what took no money cannot be disputed', async () => {
  const { body } = await sandbox.charge('dispute/1', 'tok_ok');
  for (let n = 0; n < 2; n += 1) {
    expect((await sandbox.ask('POST', `/v1/charges/${body.id}/dispute`)).httpStatus).toBe(200);
  }
  await sandbox.charge('dispute/2', 'tok_ok');
  await until('dispute/2', 'charge.succeeded');
  await until('dispute/1', 'charge.succeeded', 'charge.disputed');
  const declined = await sandbox.charge('dispute/3', 'tok_stolen');
  const refused = await sandbox.ask<ErrorBody>('POST', `/v1/charges/${declined.body.id}/dispute`);
  expect([refused.httpStatus, refused.body.error.code]).toEqual([409, 'charge_not_disputable']);
  expect((await sandbox.ask('POST', '/v1/charges/ch_none/dispute')).httpStatus).toBe(404);
});

test.each([503, 500, 302, 401])(
  'answered %i it is sent again, the same to the byte, with back-off',
  async (code) => {
    status = code;
    const key = `again-${code}/1`;
    await sandbox.charge(key, 'tok_ok');
    await until(key, 'charge.succeeded');
    status = 200;
    await sandbox.charge(`${key}/later`, 'tok_ok');
    await until(`${key}/later`, 'charge.succeeded');
    // Half a second has to pass first, and this clock stands still.
    expect(about(key)).toHaveLength(1);
    await eventually(
      () => {
        pass(500);
        return Promise.resolve(about(key).length);
      },
      (deliveries) => deliveries === 2,
    );
    const [first, second] = about(key);
    expect(second?.text).toBe(first?.text);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  },
);

test('what could not be delivered is delivered after a restart', async () => {
  await sandbox.control({ hold_webhooks: true });
  await sandbox.charge('restart/1', 'tok_ok');
  await sandbox.charge('restart/2', 'tok_pending_then_ok');
  await sandbox.stop();
  expect(about('restart/1')).toEqual([]);
  pass(2_000);
  sandbox = await start();
  await until('restart/1', 'charge.succeeded');
  await until('restart/2', 'charge.succeeded');
});

test('held webhooks come when they are released, each as often as it is asked for', async () => {
  await sandbox.control({ hold_webhooks: true, duplicate_webhooks: 2, shuffle_webhooks: true });
  for (const n of [1, 2, 3, 4]) await sandbox.charge(`held/${n}`, 'tok_ok');
  expect(about('held/1')).toEqual([]);
  await sandbox.control({ hold_webhooks: false });
  const copies = Array.from({ length: 3 }, () => 'charge.succeeded');
  for (const n of [1, 2, 3, 4]) await until(`held/${n}`, ...copies);
});

test('neither a secret nor a body is logged', async () => {
  status = 500;
  await sandbox.charge('logged/1', 'tok_ok#private');
  await eventually(
    () => Promise.resolve(sandbox.logged.length),
    (lines) => lines > 0,
  );
  expect(JSON.stringify(sandbox.logged)).not.toMatch(/whsec_|private|v1,/);
});
