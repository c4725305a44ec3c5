/** What happens at the sandbox provider after a charge was decided: refunds that fail, disputes, and what it holds then. */
import type { Dispute } from '../../../providers/sandbox/dispute';
import type { Refund } from '../../../providers/sandbox/refund';
import { sandboxWebhooks } from '../../../providers/sandbox/webhooks';
import {
  dropDatabase,
  eventually,
  freshDatabaseUrl,
  startSandbox,
  withClient,
  type ErrorBody,
  type RunningSandbox,
} from './running-sandbox';
import { startReceiver, type WebhookReceiver } from './webhook-receiver';

const databaseUrl = freshDatabaseUrl();
const clock = { now: new Date('2027-03-01T09:00:00.000Z') };
const pass = (ms: number) => void (clock.now = new Date(clock.now.getTime() + ms));
let receiver: WebhookReceiver;
let sandbox: RunningSandbox;
const start = () =>
  startSandbox(databaseUrl, {
    now: () => clock.now,
    webhooks: { url: receiver.url, secrets: [`whsec_${Buffer.alloc(24, 1).toString('base64')}`] },
  });
beforeAll(async () => {
  receiver = await startReceiver();
  sandbox = await start();
});
beforeEach(() => sandbox.control({ pending_ms: 2_000, pending_refunds: false }));
afterAll(async () => {
  await sandbox?.stop();
  await receiver?.close();
  await dropDatabase(databaseUrl);
});

const payment_id = 'pay_1';
const charged = async (key: string, token = 'tok_ok') =>
  (await sandbox.charge(key, token, { metadata: { payment_id } })).body.id;
const post = <T>(path: string, body?: object, key?: string) =>
  sandbox.ask<T>('POST', path, body, key === undefined ? {} : { 'idempotency-key': key });
const refunded = async (charge_id: string, key: string, amount?: number) =>
  (await post<Refund>('/v1/refunds', { charge_id, amount }, key)).body;
const disputed = async (chargeId: string, body?: object) =>
  (await post<Dispute>(`/v1/charges/${chargeId}/dispute`, body)).body;
const turned = (what: 'disputes' | 'refunds', id: string, status: string) =>
  post<ErrorBody & { status?: string }>(`/v1/${what}/${id}`, { status });
const codeOf = ({ httpStatus, body }: { httpStatus: number; body: Partial<ErrorBody> }) => [
  httpStatus,
  body.error?.code,
];

interface Balance {
  charge_id: string;
  payment_id: string | null;
  currency: string;
  charged: number;
  refunded: number;
  disputed: number;
  held: number;
}
const balancesOf = async (query: string) =>
  (await sandbox.ask<{ data: Balance[]; has_more: boolean }>('GET', `/v1/balances?${query}`)).body;
/** [charged, refunded, disputed, held] of a charge. */
async function standing(chargeId: string): Promise<number[]> {
  const { data } = await balancesOf('limit=100');
  const found = data.find(({ charge_id }) => charge_id === chargeId);
  return found === undefined ? [] : [found.charged, found.refunded, found.disputed, found.held];
}

/** Types of the webhooks about a charge's refunds and disputes, as they come. */
const reported = (chargeId: string) =>
  receiver.received.filter(({ event }) => event.data.charge_id === chargeId).map(({ event }) => event.type);
const untilReported = (chargeId: string, ...types: string[]) =>
  eventually(
    () => Promise.resolve(reported(chargeId)),
    (seen) => seen.join() === types.join(),
  );

describe('a refund', () => {
  test('that fails after it succeeded gives the money back to us, and may be paid again', async () => {
    const charge = await charged('late-refund/1');
    const { id } = await refunded(charge, 'late-refund/r1', 400);
    expect(await standing(charge)).toEqual([1500, 400, 0, 1100]);

    expect((await turned('refunds', id, 'failed')).body).toMatchObject({ id, status: 'failed' });
    await turned('refunds', id, 'failed');
    expect(await standing(charge)).toEqual([1500, 0, 0, 1500]);

    await turned('refunds', id, 'succeeded');
    expect(await standing(charge)).toEqual([1500, 400, 0, 1100]);
    await untilReported(charge, 'refund.succeeded', 'refund.failed', 'refund.succeeded');
  });

  test('that failed is not paid again from what went back meanwhile', async () => {
    const charge = await charged('late-refund/2');
    const { id } = await refunded(charge, 'late-refund/r2', 1000);
    await turned('refunds', id, 'failed');
    await refunded(charge, 'late-refund/r3', 600);
    expect(codeOf(await turned('refunds', id, 'succeeded'))).toEqual([409, 'refund_not_changeable']);
    expect(await standing(charge)).toEqual([1500, 600, 0, 900]);
  });

  test('with tok_ok_refunds_fail succeeds, and fails after pending_ms', async () => {
    const charge = await charged('late-refund/4', 'tok_ok_refunds_fail');
    expect(await refunded(charge, 'late-refund/r4')).toMatchObject({ status: 'succeeded', amount: 1500 });
    await untilReported(charge, 'refund.succeeded');
    pass(2_000);
    await untilReported(charge, 'refund.succeeded', 'refund.failed');
    expect(await standing(charge)).toEqual([1500, 0, 0, 1500]);
    expect(await refunded(charge, 'late-refund/r4')).toMatchObject({ status: 'failed' });
  });

  test('is pending while the control says so, and counts once it is decided', async () => {
    const charge = await charged('late-refund/5');
    await sandbox.control({ pending_refunds: true });
    const { id, status } = await refunded(charge, 'late-refund/r5', 500);
    expect(status).toBe('pending');
    expect(await standing(charge)).toEqual([1500, 0, 0, 1500]);
    const more = await post<ErrorBody>('/v1/refunds', { charge_id: charge, amount: 1001 }, 'late-refund/r6');
    expect(codeOf(more)).toEqual([409, 'charge_not_refundable']);
    await turned('refunds', id, 'succeeded');
    expect(await standing(charge)).toEqual([1500, 500, 0, 1000]);
    await untilReported(charge, 'refund.pending', 'refund.succeeded');
  });

  test('made at the provider by hand, a part and then the rest, has no key', async () => {
    const charge = await charged('by-hand/1');
    const part = await post<Refund>(`/v1/charges/${charge}/refund`, { amount: 600 });
    expect(part).toMatchObject({ httpStatus: 201, body: { amount: 600, idempotency_key: null } });
    expect((await post<Refund>(`/v1/charges/${charge}/refund`)).body).toMatchObject({ amount: 900 });
    expect(codeOf(await post<ErrorBody>(`/v1/charges/${charge}/refund`))).toEqual([
      409,
      'charge_not_refundable',
    ]);
    expect(await standing(charge)).toEqual([1500, 1500, 0, 0]);
    await untilReported(charge, 'refund.succeeded', 'refund.succeeded');
  });
});

describe('a dispute', () => {
  test('takes what is left of the charge, once, until it is decided', async () => {
    const charge = await charged('dispute/1');
    await refunded(charge, 'dispute/r1', 400);
    const dispute = await disputed(charge);
    expect(dispute).toMatchObject({ charge_id: charge, amount: 1100, currency: 'EUR', status: 'open' });
    expect(await disputed(charge, { amount: 5 })).toEqual(dispute);
    expect(await standing(charge)).toEqual([1500, 400, 1100, 0]);
    const refund = await post<ErrorBody>('/v1/refunds', { charge_id: charge }, 'dispute/r2');
    expect(codeOf(refund)).toEqual([409, 'charge_not_refundable']);

    await turned('disputes', dispute.id, 'lost');
    expect(await standing(charge)).toEqual([1500, 400, 1100, 0]);
    await untilReported(charge, 'refund.succeeded', 'dispute.opened', 'dispute.lost');
  });

  test('is won, withdrawn again, lost, and reinstated', async () => {
    const charge = await charged('dispute/2');
    const { id } = await disputed(charge, { amount: 700, reason: 'product_not_received' });
    const held: number[] = [];
    for (const status of ['won', 'open', 'lost', 'won']) {
      expect((await turned('disputes', id, status)).body.status).toBe(status);
      held.push((await standing(charge))[3] ?? NaN);
    }
    expect(held).toEqual([1500, 800, 800, 1500]);
    const types = ['opened', 'won', 'opened', 'lost', 'won'].map((word) => `dispute.${word}`);
    await untilReported(charge, ...types);
    const list = (await sandbox.ask<{ data: Dispute[] }>('GET', `/v1/disputes?charge_id=${charge}`)).body;
    expect(list.data).toMatchObject([{ id, status: 'won', amount: 700, reason: 'product_not_received' }]);
  });

  test('that is an inquiry takes no money, unless it becomes a dispute', async () => {
    const charge = await charged('dispute/3');
    const { id } = await disputed(charge, { inquiry: true });
    expect(await standing(charge)).toEqual([1500, 0, 0, 1500]);
    await turned('disputes', id, 'open');
    expect(await standing(charge)).toEqual([1500, 0, 1500, 0]);
    await untilReported(charge, 'dispute.inquiry', 'dispute.opened');
  });

  test('may take what went back before, never more than the charge', async () => {
    const charge = await charged('dispute/4');
    await refunded(charge, 'dispute/r4', 1000);
    const tooMuch = await post<ErrorBody>(`/v1/charges/${charge}/dispute`, { amount: 1501 });
    expect(codeOf(tooMuch)).toEqual([409, 'charge_not_disputable']);
    await disputed(charge, { amount: 1500 });
    expect(await standing(charge)).toEqual([1500, 1000, 1500, -1000]);
  });

  test.each([
    ['a declined charge', 'tok_stolen', 409, 'charge_not_disputable'],
    ['a pending charge', 'tok_pending_then_ok', 409, 'charge_not_disputable'],
  ])('of %s is refused', async (_what, token, httpStatus, code) => {
    const charge = await charged(`dispute/${token}`, token);
    expect(codeOf(await post<ErrorBody>(`/v1/charges/${charge}/dispute`))).toEqual([httpStatus, code]);
  });

  test('that does not exist, or was decided otherwise, does not turn', async () => {
    expect(codeOf(await post<ErrorBody>('/v1/charges/ch_none/dispute'))).toEqual([404, 'not_found']);
    expect(codeOf(await turned('disputes', 'dp_none', 'won'))).toEqual([404, 'not_found']);
    expect(codeOf(await turned('refunds', 're_none', 'failed'))).toEqual([404, 'not_found']);
    const { id } = await disputed(await charged('dispute/5'));
    await turned('disputes', id, 'lost');
    expect(codeOf(await turned('disputes', id, 'open'))).toEqual([409, 'dispute_not_changeable']);
    expect(codeOf(await turned('disputes', id, 'inquiry'))).toEqual([422, 'validation_failed']);
  });

  test('with tok_ok_then_disputed comes after pending_ms, and is read with its charge and no payment', async () => {
    const charge = await charged('dispute/6', 'tok_ok_then_disputed');
    expect(await standing(charge)).toEqual([1500, 0, 0, 1500]);
    pass(2_000);
    await untilReported(charge, 'dispute.opened');
    expect(await standing(charge)).toEqual([1500, 0, 1500, 0]);
    const webhook = receiver.received.find(({ event }) => event.data.charge_id === charge);
    const headers = { 'webhook-id': [String(webhook?.headers['webhook-id'])] };
    const body = Buffer.from(webhook?.text ?? '');
    expect(sandboxWebhooks.read({ body, headers, sourceAddress: null })).toMatchObject({
      payment_id: null,
      occurred_at: clock.now.toISOString(),
      dispute: { provider_reference: charge, amount: 1500, currency: 'EUR', status: 'opened' },
    });
  });

  test('twenty at once are one', async () => {
    const charge = await charged('dispute/7');
    const all = await Promise.all(Array.from({ length: 20 }, () => disputed(charge)));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(await standing(charge)).toEqual([1500, 0, 1500, 0]);
  });
});

describe('a charge that stays pending', () => {
  test.each([
    [true, 'succeeded'],
    [false, 'failed'],
  ])('for forty days is decided by hand, succeed: %s', async (succeed, status) => {
    await sandbox.control({ pending_ms: 40 * 86_400_000 });
    const charge = await charged(`pending/${status}`, 'tok_pending_then_ok');
    pass(39 * 86_400_000);
    expect((await sandbox.ask('GET', `/v1/charges/${charge}`)).body).toMatchObject({ status: 'pending' });
    const decided = await post<{ status: string }>(`/v1/charges/${charge}/settle`, { succeed });
    expect(decided.body).toMatchObject({ status });
    const again = await post<ErrorBody>(`/v1/charges/${charge}/settle`, { succeed: true });
    expect(codeOf(again)).toEqual([409, 'charge_not_pending']);
    expect(await standing(charge)).toEqual(succeed ? [1500, 0, 0, 1500] : []);
  });

  test('for forty days settles by itself then', async () => {
    await sandbox.control({ pending_ms: 40 * 86_400_000 });
    const charge = await charged('pending/alone', 'tok_pending_then_ok');
    pass(40 * 86_400_000);
    expect(await standing(charge)).toEqual([1500, 0, 0, 1500]);
  });
});

test('the balance is the sum of the charges, page by page, and of each currency', async () => {
  await sandbox.charge('balance/usd', 'tok_ok', { currency: 'USD', amount: 10 });
  const pages: Balance[] = [];
  let page: { data: Balance[]; has_more: boolean };
  do {
    const after = pages.length === 0 ? '' : `&starting_after=${pages.at(-1)?.charge_id}`;
    page = await balancesOf(`limit=7${after}`);
    pages.push(...page.data);
  } while (page.has_more);
  const sum = (currency: string, of: 'charged' | 'refunded' | 'disputed' | 'held') =>
    pages.filter((each) => each.currency === currency).reduce((total, each) => total + each[of], 0);
  const sums = (currency: string) => ({
    currency,
    charged: sum(currency, 'charged'),
    refunded: sum(currency, 'refunded'),
    disputed: sum(currency, 'disputed'),
    held: sum(currency, 'held'),
  });
  const { body } = await sandbox.ask<{ data: object[] }>('GET', '/v1/balance');
  expect(body.data).toEqual([sums('EUR'), sums('USD')]);
  expect(sums('USD')).toMatchObject({ charged: 10, held: 10 });
  expect(sums('EUR').charged).toBeGreaterThan(1500);
  const own = await balancesOf(`payment_id=${payment_id}&limit=100`);
  expect(own.data.every((each) => each.payment_id === payment_id)).toBe(true);
  expect(own.data.length).toBe(pages.length - 1);
});

test('a database of before has its disputes afterwards', async () => {
  const charge = await charged('before/1');
  await sandbox.stop();
  await withClient(databaseUrl, (client) =>
    client.query(`
      CREATE TABLE disputes (charge_id TEXT PRIMARY KEY REFERENCES charges (id), created_at TIMESTAMPTZ(3) NOT NULL);
      INSERT INTO disputes VALUES ('${charge}', '2027-03-01T09:00:00.000Z')`),
  );
  sandbox = await start();
  expect(await standing(charge)).toEqual([1500, 0, 1500, 0]);
  expect(await disputed(charge)).toMatchObject({ id: `dp_${charge}`, status: 'open' });
});
