/** I6: the erasure of a customer, its export, and what comes late. */
import { pino } from 'pino';
import { startErasures } from '../../../bridge/erasures';
import { continueErasures, eraseCustomer } from '../../../billing/customer/erase';
import { lockCustomerForErasure } from '../../../billing/locks';
import { inTransaction } from '../../../prisma/client';
import { sql } from '../../../prisma/sql';
import { plant, type Planted } from '../../support/planted';
import { textOfDatabase } from '../../support/table-dump';
import { until } from '../../support/until';
import { fixedNow, useApi } from './test-api';

const given = useApi();
const erase = (id: string) => given.ask('POST', `/customers/${id}/erase`);
const operator = { kind: 'api_key' as const, id: 'key_1', reason: null };

const everything = () => textOfDatabase(given.db);
const foundIn = (text: string, { values }: Planted) => values.filter((value) => text.includes(value));

async function exported(id: string, limit = 100): Promise<string> {
  let text = '';
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page = await given.ask('GET', `/customers/${id}/export?limit=${limit}${query}`);
    expect(page.status).toBe(200);
    text += page.text.replaceAll(String.raw`\"`, '"').replaceAll(String.raw`\"`, '"');
    cursor = page.body.next_cursor as string | null;
  }
  return text;
}

const never = new AbortController().signal;
const failures: string[] = [];
const onFailure = (customerId: string) => void failures.push(customerId);

/** What is due is done, also what would be due later. */
async function laterPass(id: string): Promise<void> {
  await sql(given.db).execute`
    UPDATE customer_erasures SET next_pass_at = now() - interval '1 second' WHERE customer_id = ${id}`;
  await continueErasures(given.db, never, onFailure);
}

describe('I6: an erasure', () => {
  it('leaves none of the planted values, and everything of another customer', async () => {
    const eve = await plant(given, 'eve');
    const bob = await plant(given, 'bob');
    expect(eve.values.length).toBeGreaterThan(40);
    expect(foundIn(await everything(), eve)).toEqual(eve.values);
    expect(foundIn(await exported('eve'), eve)).toEqual(eve.values);
    expect(foundIn(await exported('eve', 1), bob)).toEqual([]);

    const erased = await erase('eve');
    expect(erased.status).toBe(200);
    expect(erased.body.erasure).toMatchObject({ status: 'done', rows: expect.any(Number) });
    const left = await everything();
    expect(foundIn(left, eve)).toEqual([]);
    expect(foundIn(left, bob)).toEqual(bob.values);
    expect(foundIn(given.logged.join('\n'), eve)).toEqual([]);
    expect(foundIn(await exported('eve'), eve)).toEqual([]);
    expect(await given.db.refund.findUnique({ where: { id: 'rfd_eve' } })).toMatchObject({ amount: 1000n });
    expect((await erase('eve')).body).toEqual(erased.body);
    expect((await given.ask('GET', '/customers/eve/erasure')).body).toEqual(erased.body.erasure);
  });

  it('keeps records that can still be handled, by their schema', async () => {
    const { value, headers } = await given.db.deadLetter.findUniqueOrThrow({ where: { id: 'dlt_eve' } });
    const { data } = JSON.parse(Buffer.from(value ?? '').toString('utf8')) as { data: object };
    expect(data).toMatchObject({ payment_id: 'pay_eve', amount: 1000, reason: 'erased' });
    expect(headers).toEqual({ 'content-type': 'application/json' });
    const { payload } = await given.db.outboxEvent.findUniqueOrThrow({ where: { event_id: 'evt/eve' } });
    expect(JSON.parse(payload ?? '')).toMatchObject({ data: { payment_id: 'pay_eve', reason: 'erased' } });
  });

  it('finds what is written late: a webhook, a reason, an answer of a call in flight', async () => {
    const { paymentId } = await plant(given, 'late');
    expect((await erase('late')).status).toBe(200);
    const body = { reason: 'late-of-late-kept' };
    await given.db.webhookDelivery.create({
      data: {
        id: 'whd_late_2',
        provider: 'sandbox',
        provider_event_id: 'late_2',
        event_type: 'dispute',
        payment_id: paymentId,
        body: Buffer.from('late-of-late-kept'),
        headers: {},
        event: body,
      },
    });
    await given.db.idempotencyKey.create({
      data: {
        api_key_id: 'key_1',
        key: 'late',
        request_hash: 'x',
        lease_until: fixedNow,
        lease_holder: 'x',
        status: 201,
        headers: { personal_data_of: 'late', subject_id: 'pm_x' },
        body: JSON.stringify({ brand: 'late-of-late-kept' }),
      },
    });
    await laterPass('late');
    expect((await everything()).includes('late-of-late-kept')).toBe(false);
  });

  it.each<[string, string, object | null]>([
    ['subscription', 'active', null],
    ['subscription', 'paused', null],
    ['payment', 'requested', null],
    ['payment', 'processing', null],
    ['payment', 'pending', null],
    ['payment', 'requires_action', null],
    ['payment', 'unknown', null],
    ['refund', 'pending', null],
    ['dispute', 'open', { provider: 'sandbox', provider_reference: 'dp', attempt: 1 }],
  ])('is refused while a %s is %s, names it, and changes nothing', async (kind, status, dispute) => {
    const id = `${kind.slice(0, 3)}_${status}`;
    const planted = await plant(given, id);
    const { subscriptionId, paymentId } = planted;
    const update = { data: { status } };
    if (kind === 'subscription')
      await given.db.subscription.update({ where: { id: subscriptionId }, ...update });
    if (kind === 'payment') await given.db.payment.update({ where: { id: paymentId }, ...update });
    if (kind === 'refund') {
      await given.db.refund.update({ where: { id: `rfd_${id}` }, data: { status, settled_at: null } });
    }
    if (dispute !== null) {
      const data = { id: `dsp_${id}`, payment_id: paymentId, amount: 5, currency: 'EUR', status: 'open' };
      await given.db.dispute.create({
        data: { ...data, provider: 'sandbox', provider_reference: 'dp', attempt: 1 },
      });
    }
    const refused = await erase(id);
    expect(refused).toMatchObject({ status: 409, body: { code: 'customer_not_settled' } });
    expect(refused.body.detail).toContain(`${kind} `);
    expect(refused.body.detail).toContain(`(${status})`);
    expect(foundIn(await everything(), planted)).toEqual(planted.values);
  });

  it('of a large customer is continued in batches, by whoever comes next', async () => {
    await plant(given, 'large');
    await given.db.auditLog.createMany({
      data: Array.from({ length: 1_100 }, (_, at) => ({
        actor: { ...operator, reason: `row-of-large-kept ${at}` },
        action: 'PATCH /customers/{customer_id}',
        subject_id: 'large',
        request_id: `r-${at}`,
        status: 200,
      })),
    });
    expect(await eraseCustomer(given.db, 'large', operator, 0)).toMatchObject({ finished_at: null });
    expect((await given.ask('GET', '/customers/large')).body).toMatchObject({ name: null, email: null });
    expect((await given.ask('GET', '/customers/large/erasure')).body).toMatchObject({ status: 'running' });
    const loop = startErasures(given.db, pino({ level: 'silent' }));
    const answered = await erase('large');
    await loop.close();
    expect(answered.status).toBe(200);
    expect(answered.body.erasure.rows).toBeGreaterThan(1_100);
    expect((await everything()).includes('-of-large-kept')).toBe(false);
  });

  it('that fails leaves the others their turn, and is tried again', async () => {
    for (const id of ['broken', 'whole']) {
      await given.db.customer.create({ data: { id } });
      await eraseCustomer(given.db, id, operator, 0);
    }
    const charge = { kind: 'manual', status: 'failed', amount: 5n, currency: 'EUR', announced: true };
    await given.db.payment.create({ data: { id: 'broken', customer_id: 'broken', ...charge } });
    const event = {
      event_id: 'broken',
      topic: 'payments.requested',
      key: 'broken',
      shard: 1,
      subject: 'broken',
    };
    await given.db.outboxEvent.create({ data: { ...event, payload: 'no JSON' } });
    await continueErasures(given.db, never, onFailure);
    expect(failures).toEqual(['broken']);
    expect((await given.ask('GET', '/customers/whole/erasure')).body.status).toBe('done');
    await given.db.outboxEvent.update({ where: { event_id: 'broken' }, data: { payload: '{}' } });
    await laterPass('broken');
    expect((await given.ask('GET', '/customers/broken/erasure')).body.status).toBe('done');
  });

  it('leaves no way in for a payment that is asked for at the same moment', async () => {
    await given.db.customer.create({ data: { id: 'raced' } });
    const body = { customer_id: 'raced', amount: 500, currency: 'EUR', reason: 'because' };
    const asked = await inTransaction(given.db, async (tx) => {
      await lockCustomerForErasure(tx, 'raced');
      const answer = given.ask('POST', '/payments', { body });
      await until('the payment waits', async () => {
        const rows = await given.db.$queryRaw<unknown[]>`SELECT FROM pg_locks WHERE NOT granted`;
        return rows.length > 0;
      });
      sql(tx).enqueue`UPDATE customers SET erased_at = clock_timestamp() WHERE id = 'raced'`;
      return { answer };
    });
    expect(await asked.answer).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    expect(await given.db.payment.count({ where: { customer_id: 'raced' } })).toBe(0);
  });
});

describe('an export', () => {
  it.each(['/customers/nobody/export', '/customers/nobody/erasure'])(
    'has nothing of nobody: %s',
    async (path) => {
      expect((await given.ask('GET', path)).status).toBe(404);
    },
  );

  it('is for operators, and its cursor is the same customer’s', async () => {
    const secret = await given.keyWith('customers:read', 'customers:write');
    expect((await given.ask('GET', '/customers/bob/export', { secret })).status).toBe(403);
    const { body } = await given.ask('GET', '/customers/bob/export?limit=2');
    const path = `/customers/eve/export?cursor=${body.next_cursor}`;
    expect((await given.ask('GET', path)).body.code).toBe('malformed_cursor');
  });
});
