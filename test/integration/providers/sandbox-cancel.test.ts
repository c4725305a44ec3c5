/** Charges that the shop does not want any more, at the sandbox provider. */
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { sandboxWebhooks } from '../../../providers/sandbox/webhooks';
import {
  dropDatabase,
  eventually,
  freshDatabaseUrl,
  startSandbox,
  type ErrorBody,
  type RunningSandbox,
} from './running-sandbox';
import { startReceiver, type WebhookReceiver } from './webhook-receiver';

const databaseUrl = freshDatabaseUrl();
let receiver: WebhookReceiver;
let sandbox: RunningSandbox;
beforeAll(async () => {
  receiver = await startReceiver();
  sandbox = await startSandbox(databaseUrl, {
    webhooks: { url: receiver.url, secrets: [`whsec_${Buffer.alloc(24, 1).toString('base64')}`] },
  });
  await sandbox.control({ pending_ms: 60_000 });
});
beforeEach(() => sandbox.control({ refuse_cancels: false }));
afterAll(async () => {
  await sandbox?.stop();
  await receiver?.close();
  await dropDatabase(databaseUrl);
});

const subject = { payment_id: 'pay_1', attempt: 1, customer_id: 'cus_1' };
const charged = async (key: string, token: string, off_session = true) =>
  (await sandbox.charge(key, token, { off_session, metadata: subject })).body;
const cancelledThere = (id: string) => sandbox.ask<ErrorBody>('POST', `/v1/charges/${id}/cancel`);
const provider = () => sandboxProvider({ baseUrl: sandbox.baseUrl });
const cancelled = (idempotencyKey: string, providerReference: string | null) => {
  const money = { amount: 1500, currency: 'EUR', startedAt: '2027-03-01T09:00:00.000Z' };
  const of = { paymentId: 'pay_1', customerId: 'cus_1', providerCustomer: null };
  return provider().cancel?.({ ...money, ...of, idempotencyKey, providerReference }, 5_000);
};

test.each([
  ['is pending', 'tok_pending_then_ok', true],
  ['waits for its customer', 'tok_authentication_required', false],
])('a charge that %s is cancelled once, and never taken', async (_, token, offSession) => {
  const key = `cancelled/${token}`;
  const { id } = await charged(key, token, offSession);
  expect(await cancelled(key, id)).toEqual({ status: 'cancelled', provider_reference: id });
  expect(await cancelled(key, null)).toMatchObject({
    status: 'failed',
    failure: { category: 'not_completed', provider_code: 'cancelled' },
  });
  expect(await cancelled(key, id)).toEqual({ status: 'cancelled', provider_reference: id });
  for (const path of ['authenticate', 'settle']) {
    const { httpStatus } = await sandbox.ask('POST', `/v1/charges/${id}/${path}`, { succeed: true });
    expect(httpStatus).toBe(409);
  }
  const reported = () => receiver.received.filter(({ event }) => event.data.id === id);
  await eventually(
    () => Promise.resolve(reported()),
    (seen) => seen.length === 1,
  );
  expect(reported().map(({ event }) => event.type)).toEqual(['charge.failed']);
});

test('a charge that was decided before is not cancelled, and is answered with its outcome', async () => {
  const paid = await charged('paid/1', 'tok_ok');
  expect(await cancelledThere(paid.id)).toMatchObject({
    httpStatus: 409,
    body: { error: { code: 'charge_not_cancellable', message: 'The charge is succeeded.' } },
  });
  expect(await cancelled('paid/1', paid.id)).toEqual({ status: 'completed', provider_reference: paid.id });
  const declined = await charged('declined/1', 'tok_do_not_honor');
  expect(await cancelled('declined/1', declined.id)).toMatchObject({
    status: 'failed',
    failure: { code: 'do_not_honor' },
  });
});

test('a provider that cancels nothing leaves the charge open', async () => {
  await sandbox.control({ refuse_cancels: true });
  const { id } = await charged('kept/1', 'tok_pending_then_ok');
  expect(await cancelled('kept/1', id)).toEqual({
    status: 'not_cancellable',
    standing: { status: 'pending', provider_reference: id },
  });
  expect(await cancelledThere('ch_none')).toMatchObject({ httpStatus: 404 });
});

test('the webhook of a cancelled charge reports that it was not completed', async () => {
  const { id } = await charged('pay_1/1', 'tok_pending_then_ok');
  await cancelled('pay_1/1', id);
  const delivered = () => receiver.received.find(({ event }) => event.data.id === id);
  await eventually(
    () => Promise.resolve(delivered()),
    (seen) => seen !== undefined,
  );
  const { text, headers } = delivered() ?? { text: '', headers: {} as Record<string, unknown> };
  const read = sandboxWebhooks.read({
    body: Buffer.from(text),
    headers: { 'webhook-id': [String(headers['webhook-id'])] },
    sourceAddress: null,
  });
  expect(read?.outcome).toMatchObject({
    status: 'failed',
    attempt: 1,
    failure: { code: 'not_completed', provider_code: 'cancelled' },
  });
});
