/** A row of the audit log precedes the effect, is completed once, and is changed by nobody. */
import type { AuditedCall } from '../../../contracts/http/timeline';
import { sql } from '../../../prisma/sql';
import { keptNetworkOf } from '../../../api/http/caller-address';
import { eventually } from '../../support/eventually';
import { fixedNow, planOf, useApi } from './test-api';
import { writeRows } from './subscription-rows';

const given = useApi();

const run = (text: string) => sql(given.db).execute({ text, values: [] });
const rowsOf = (name: string) => given.db.auditLog.findMany({ where: { request_id: `call-${name}` } });
const named = (name: string) => ({ 'x-request-id': `call-${name}` });

/** Runs `work` while PostgreSQL refuses one kind of write of the audit log. */
async function without<T>(event: 'INSERT' | 'UPDATE', work: () => Promise<T>): Promise<T> {
  await run(
    `CREATE TRIGGER refused BEFORE ${event} ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()`,
  );
  try {
    return await work();
  } finally {
    await run('DROP TRIGGER refused ON audit_log');
  }
}

describe('I10: a call whose audit row cannot be written', () => {
  it('creates nothing, and the same Idempotency-Key works afterwards', async () => {
    const ask = () =>
      given.ask('POST', '/plans', { body: planOf('kept'), key: 'plan-1', headers: named('plan') });
    const refused = await without('INSERT', ask);
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(refused.headers['retry-after']).toBeDefined();
    expect(await given.db.plan.count({ where: { id: 'kept' } })).toBe(0);
    expect((await ask()).status).toBe(201);
    expect(await rowsOf('plan')).toMatchObject([{ status: 201, subject_id: 'kept' }]);
  });

  it('sends no command to a workflow', async () => {
    const { id } = await subscribed();
    const cancel = () => given.ask('DELETE', `/subscriptions/${id}`);
    expect((await without('INSERT', cancel)).status).toBe(503);
    expect(given.process.commands).toEqual([]);
  });

  it('shows no secret', async () => {
    const data = {
      provider: 'sandbox',
      provider_event_id: 'evt',
      event_type: 'charge.succeeded',
      headers: {},
    };
    const event = { id: 'evt', type: 'charge.succeeded', payment_id: null };
    await given.db.webhookDelivery.create({
      data: { ...data, id: 'whd_1', event, body: Buffer.from('hush') },
    });
    const read = () => given.ask('GET', '/webhook-deliveries/whd_1', { headers: named('read') });
    const refused = await without('INSERT', read);
    expect(refused.status).toBe(503);
    expect(refused.text).not.toContain('hush');
    expect((await read()).text).toContain('hush');
    expect(await rowsOf('read')).toMatchObject([
      { action: 'GET /webhook-deliveries/{delivery_id}', subject_id: 'whd_1', status: 200 },
    ]);
  });
});

async function subscribed(): Promise<{ id: string }> {
  await given.ask('POST', '/plans', { body: planOf('gold') });
  await given.ask('POST', '/customers', { body: { id: 'ada' } });
  await given.ask('POST', '/customers/ada/payment-methods', {
    body: { provider: 'sandbox', token: 'tok_ok' },
  });
  given.process.onCreate = async (creation) => {
    await writeRows(given.db, creation, 'active', 'completed');
    return 'concluded';
  };
  return (await given.ask('POST', '/subscriptions', { body: { customer_id: 'ada', plan_id: 'gold' } })).body;
}

describe('a row', () => {
  it('is there, without an outcome, when the command is sent, and has it afterwards', async () => {
    const { id } = await subscribed();
    let during: unknown;
    given.process.onCommand = async () => void (during = await rowsOf('cancel'));
    await given.ask('DELETE', `/subscriptions/${id}?reason=moved`, { headers: named('cancel') });
    const row = {
      action: 'DELETE /subscriptions/{subscription_id}',
      subject_id: id,
      actor: { reason: 'moved' },
    };
    expect(during).toMatchObject([{ ...row, status: null }]);
    expect(await rowsOf('cancel')).toMatchObject([{ ...row, status: expect.any(Number) }]);
  });

  it('says that its outcome is not known when that was not written, and the answer stands', async () => {
    const ask = () => given.ask('POST', '/plans', { body: planOf('open'), headers: named('open') });
    expect((await without('UPDATE', ask)).status).toBe(201);
    const { body } = await given.ask('GET', '/audit?action=POST%20/plans&limit=1');
    expect(body.data).toMatchObject([{ request_id: 'call-open', status: null, code: null, sign_in: null }]);
    expect(given.logged.join('')).toContain('audit outcome not written');
  });
});

describe('the table', () => {
  beforeAll(async () => {
    await run(`INSERT INTO audit_log (id, at, actor, action, subject_id, request_id, status, detail) VALUES
      (-1, now(), '{"kind":"external","id":"/crm","reason":"hers","claimed":{"kind":"operator","id":"bo"}}', 'a', 's', 'r', 200, '{}'),
      (-2, now() - interval '31 days', '{"kind":"api_key","id":"k","reason":null}', 'a', 's', 'r', NULL, '{"scope":"admin"}')`);
  });

  const erasing = `SET LOCAL perennial.erasure = 'on'; `;
  const retaining = `SET LOCAL perennial.audit_retention = 'on'; `;
  it.each([
    `UPDATE audit_log SET status = 201 WHERE id = -1`,
    `UPDATE audit_log SET status = NULL WHERE id = -1`,
    `UPDATE audit_log SET actor = actor || '{"reason":null}' WHERE id = -1`,
    `UPDATE audit_log SET status = 200, action = 'b' WHERE id = -2`,
    `UPDATE audit_log SET status = 200, actor = '{"id":"other"}' WHERE id = -2`,
    `UPDATE audit_log SET status = 200, detail = '{}' WHERE id = -2`,
    `UPDATE audit_log SET subject_id = 'other' WHERE id = -2`,
    `DELETE FROM audit_log WHERE id = -2`,
    `TRUNCATE audit_log`,
    `SELECT audit_log_forget(now() + interval '1 day', 1000)`,
    `${erasing}UPDATE audit_log SET actor = actor || '{"reason":"a better one"}' WHERE id = -1`,
    `${erasing}UPDATE audit_log SET actor = actor || '{"id":"other"}' WHERE id = -1`,
    `${erasing}UPDATE audit_log SET actor = actor || '{"claimed":{"kind":"operator","id":"al"}}' WHERE id = -1`,
    `${erasing}UPDATE audit_log SET actor = actor - 'reason', status = 500 WHERE id = -1`,
    `${erasing}DELETE FROM audit_log WHERE id = -1`,
    `${retaining}DELETE FROM audit_log WHERE id = -1`,
  ])('refuses %s', async (text) => {
    const before = await given.db.auditLog.findMany({ orderBy: { id: 'asc' } });
    await expect(
      run(`DO $$ BEGIN ${text.replace(/^(.*)SELECT /, '$1PERFORM ')}; END $$`),
    ).rejects.toMatchObject({
      code: '23514',
    });
    expect(await given.db.auditLog.findMany({ orderBy: { id: 'asc' } })).toEqual(before);
  });

  it('lets an outcome be written once, an erasure blank what people wrote, and retention remove old rows', async () => {
    await run(
      `UPDATE audit_log SET status = 200, subject_id = 't', detail = detail || '{"code":"x"}' WHERE id = -2`,
    );
    await expect(run(`UPDATE audit_log SET status = 201 WHERE id = -2`)).rejects.toMatchObject({
      code: '23514',
    });
    await run(`DO $$ BEGIN ${erasing}
      UPDATE audit_log SET actor = actor - 'claimed' || '{"reason":"erased"}' WHERE id = -1; END $$`);
    expect(await given.db.auditLog.findUnique({ where: { id: -1n } })).toMatchObject({
      actor: { kind: 'external', id: '/crm', reason: 'erased' },
      status: 200,
    });
    const forget = `SELECT audit_log_forget(now() - interval '30 days', 1000) AS removed`;
    expect(await given.db.$queryRawUnsafe(forget)).toEqual([{ removed: 1n }]);
    expect(await given.db.auditLog.count({ where: { id: -2n } })).toBe(0);
  });
});

describe('failed sign-ins', () => {
  const unknown = `pk_${'u'.repeat(43)}`;
  const found = async () => {
    await given.signIns.flush();
    const { body } = await given.ask('GET', '/audit?action=sign_in&limit=100');
    return (body.data as AuditedCall[]).map(({ actor, sign_in, status, code }) => ({
      by: actor.id,
      status,
      code,
      ...sign_in,
    }));
  };

  it('are written at once, and counted when the minute ends, without any token', async () => {
    await found();
    const revoked = await given.keyWith('admin');
    await given.db.apiKey.updateMany({ where: { id: 'key_test_1' }, data: { revoked_at: fixedNow } });
    const tries = [null, unknown, 'a-password-of-somebody', unknown, unknown, revoked];
    for (const secret of tries) await given.ask('GET', '/plans', { secret });
    await eventually(
      'the first rows',
      async () => (await given.db.auditLog.count({ where: { action: 'sign_in' } })) >= 3,
    );
    const network = '127.0.0.0/24';
    const from = { by: network, network, status: 401, code: 'unauthenticated', prefix: null };
    expect((await found()).toReversed()).toEqual([
      { ...from, failure: 'missing', count: 1 },
      { ...from, failure: 'unknown', prefix: 'pk_uuuuu', count: 1 },
      { ...from, failure: 'revoked', by: 'key_test_1', count: 1 },
      { ...from, failure: 'unknown', prefix: 'pk_uuuuu', count: 3 },
    ]);
    const rows = JSON.stringify(await given.db.auditLog.findMany({ select: { actor: true, detail: true } }));
    const kept = rows + given.logged.join('');
    expect(tries.filter((secret) => secret !== null && kept.includes(secret))).toEqual([]);
  });

  it('of a flood from many networks are a bounded number of rows that counts them all', async () => {
    const before = await given.db.auditLog.count();
    for (let n = 0; n < 2_000; n += 1) {
      const failure = { kind: 'unknown', apiKeyId: null, prefix: null } as const;
      given.signIns.record({ failure, network: `10.0.${n % 200}.0/24`, requestId: `flood-${n}` });
    }
    await given.signIns.flush();
    const rows = await given.db.auditLog.findMany({ where: { request_id: { startsWith: 'flood-' } } });
    expect(await given.db.auditLog.count()).toBe(before + 41);
    const counts = rows.map(({ detail }) => (detail as { sign_in: { count: number } }).sign_in.count);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2_000);
    expect(rows.at(-1)?.actor).toMatchObject({ id: 'elsewhere' });
  });

  it.each([
    ['203.0.113.9', '203.0.113.0/24'],
    ['::ffff:203.0.113.9', '203.0.113.0/24'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:db8::5', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, 'unknown'],
  ])('of %s are of the network %s', (address, network) => {
    expect(keptNetworkOf(address)).toBe(network);
  });
});
