/** The sandbox provider’s webhooks: what is told when, signed, repeated, kept over a restart. */
import { Webhook } from 'standardwebhooks';
import { sandboxWebhooks } from '../../../providers/sandbox/webhooks';
import {
  dropDatabase,
  eventually,
  freshDatabaseUrl,
  startSandbox,
  type RunningSandbox,
} from './running-sandbox';
import { startReceiver, type ReceivedWebhook, type WebhookReceiver } from './webhook-receiver';

const secrets = [1, 2].map((n) => `whsec_${Buffer.alloc(24, n).toString('base64')}`);

const databaseUrl = freshDatabaseUrl();
const begun = Date.parse('2027-03-01T09:00:00.000Z');
const clock = { now: new Date(begun) };
let receiver: WebhookReceiver;
let sandbox: RunningSandbox;

const start = () =>
  startSandbox(databaseUrl, {
    now: () => clock.now,
    random: () => 0.5,
    webhooks: { url: receiver.url, secrets },
  });

beforeAll(async () => {
  receiver = await startReceiver();
  sandbox = await start();
});
beforeEach(async () => {
  receiver.status = 200;
  await sandbox.control({
    hold_webhooks: false,
    duplicate_webhooks: 0,
    shuffle_webhooks: false,
    pending_ms: 2_000,
  });
});
afterAll(async () => {
  await sandbox?.stop();
  await receiver.close();
  await dropDatabase(databaseUrl);
});

const about = (key: string) => receiver.received.filter(({ event }) => event.data.idempotency_key === key);
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

test.each([503, 500, 302, 401])(
  'answered %i it is sent again, the same to the byte, with back-off',
  async (code) => {
    receiver.status = code;
    const key = `again-${code}/1`;
    await sandbox.charge(key, 'tok_ok');
    await until(key, 'charge.succeeded');
    receiver.status = 200;
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
  receiver.status = 500;
  await sandbox.charge('logged/1', 'tok_ok#private');
  await eventually(
    () => Promise.resolve(sandbox.logged.length),
    (lines) => lines > 0,
  );
  expect(JSON.stringify(sandbox.logged)).not.toMatch(/whsec_|private|v1,/);
});
