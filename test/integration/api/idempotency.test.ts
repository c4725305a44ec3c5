/** Idempotency-Key: one effect and one answer, whatever the number, the order and the fate of the tries. */
import { useApi, planOf } from './test-api';

const api = useApi();

const nameless = (more: object = {}) => ({ ...planOf('unused'), id: undefined, ...more });
const plansNamed = (name: string) => api.db.plan.count({ where: { name } });
const rowOf = (key: string) => api.db.idempotencyKey.findFirstOrThrow({ where: { key } });

/** As after a crash: the effect is there, the answer was never kept, the lease has ended. */
async function forgetAnswer(key: string, lease: 'ended' | 'running') {
  const lease_until = new Date(lease === 'ended' ? '2020-01-01T00:00:00Z' : '2999-01-01T00:00:00Z');
  await api.db.$executeRaw`
    UPDATE idempotency_keys SET status = NULL, body = NULL, completed_at = NULL, lease_until = ${lease_until}
    WHERE key = ${key}`;
}

test('the same key and body give the same answer, to the byte, and one effect', async () => {
  const ask = { key: 'same', body: nameless({ name: 'Same', metadata: { z: '1', a: '2' } }) };
  const first = await api.ask('POST', '/plans', ask);
  const again = await api.ask('POST', '/plans', ask);
  expect(first.status).toBe(201);
  expect(first.headers['idempotent-replayed']).toBeUndefined();
  expect(again.status).toBe(201);
  expect(again.headers['idempotent-replayed']).toBe('true');
  expect(again.text).toBe(first.text);
  expect(again.headers['location']).toBe(first.headers['location']);
  expect(again.headers['content-type']).toBe(first.headers['content-type']);
  expect(await plansNamed('Same')).toBe(1);
});

test('an answer is kept for good, not for the length of a lease', async () => {
  const ask = { key: 'long-ago', body: nameless({ name: 'Long ago' }) };
  const first = await api.ask('POST', '/plans', ask);
  await api.db.$executeRaw`UPDATE idempotency_keys SET lease_until = '2020-01-01' WHERE key = 'long-ago'`;
  // Gone meanwhile, so that running again would show.
  await api.db.plan.delete({ where: { id: first.body.id } });
  const again = await api.ask('POST', '/plans', ask);
  expect(again.headers['idempotent-replayed']).toBe('true');
  expect(again.text).toBe(first.text);
  expect(await plansNamed('Long ago')).toBe(0);
});

test('another spelling of the same body is the same body', async () => {
  const first = await api.ask('POST', '/customers', {
    key: 'spelling',
    raw: '{"name":"A","time_zone":"UTC"}',
  });
  const again = await api.ask('POST', '/customers', {
    key: 'spelling',
    raw: ' { "time_zone": "UTC",\n "name": "\\u0041" } ',
  });
  expect(again.text).toBe(first.text);
});

test('another body, path or method under the same key is refused', async () => {
  await api.ask('POST', '/plans', { key: 'reused', body: nameless() });
  const otherBody = await api.ask('POST', '/plans', { key: 'reused', body: nameless({ amount: 1001 }) });
  expect(otherBody.status).toBe(422);
  expect(otherBody.body.code).toBe('idempotency_key_reused');
  const otherPath = await api.ask('POST', '/customers', { key: 'reused', body: {} });
  expect(otherPath.body.code).toBe('idempotency_key_reused');
});

test('a key belongs to the API key that sent it', async () => {
  const body = nameless({ name: 'Two owners' });
  const first = await api.ask('POST', '/plans', { key: 'shared', body });
  const secret = await api.keyWith('catalog:write');
  const second = await api.ask('POST', '/plans', { key: 'shared', body, secret });
  expect(second.status).toBe(201);
  expect(second.body.id).not.toBe(first.body.id);
  expect(await plansNamed('Two owners')).toBe(2);
});

test('a refusal of the route is kept; a mistake in the fields is not, and may be corrected', async () => {
  await api.ask('POST', '/plans', { body: planOf('taken') });
  const taken = await api.ask('POST', '/plans', { key: 'refused', body: planOf('taken') });
  const again = await api.ask('POST', '/plans', { key: 'refused', body: planOf('taken') });
  expect(taken.status).toBe(409);
  expect(again.text).toBe(taken.text);
  expect(again.headers['idempotent-replayed']).toBe('true');

  const wrong = await api.ask('POST', '/plans', { key: 'corrected', body: nameless({ amount: -1 }) });
  expect(wrong.status).toBe(422);
  expect((await api.ask('POST', '/plans', { key: 'corrected', body: nameless() })).status).toBe(201);
});

test('20 at once have exactly one effect; each is told the answer or to come back', async () => {
  const body = nameless({ name: 'Twenty' });
  const tries = await Promise.all(
    Array.from({ length: 20 }, () => api.ask('POST', '/plans', { key: 'twenty', body })),
  );
  expect(await plansNamed('Twenty')).toBe(1);
  const reported = tries.map(({ status, body, headers }) => [status, body.code, headers['retry-after']]);
  expect([
    [201, undefined, undefined],
    [409, 'idempotency_key_in_flight', '1'],
  ]).toEqual(expect.arrayContaining(reported));
  const made = tries.filter(({ status }) => status === 201);
  expect(made.length).toBeGreaterThan(0);
  expect(made.filter((one) => one.headers['idempotent-replayed'] === undefined)).toHaveLength(1);
  expect(new Set(made.map(({ text }) => text)).size).toBe(1);
});

test('20 at once without a key stand alone', async () => {
  const body = nameless({ name: 'Alone' });
  await Promise.all(Array.from({ length: 20 }, () => api.ask('POST', '/plans', { body })));
  expect(await plansNamed('Alone')).toBe(20);
});

describe('a run that was cut off', () => {
  test('is waited for while its lease runs', async () => {
    await api.ask('POST', '/plans', { key: 'running', body: nameless({ name: 'Running' }) });
    await forgetAnswer('running', 'running');
    const early = await api.ask('POST', '/plans', { key: 'running', body: nameless({ name: 'Running' }) });
    expect(early.status).toBe(409);
    expect(early.body.code).toBe('idempotency_key_in_flight');
  });

  test('is taken over when its lease has ended, and finds what it made', async () => {
    const ask = { key: 'cut-off', body: nameless({ name: 'Cut off' }) };
    const first = await api.ask('POST', '/plans', ask);
    await forgetAnswer('cut-off', 'ended');
    const again = await api.ask('POST', '/plans', ask);
    expect(again.status).toBe(201);
    expect(again.headers['idempotent-replayed']).toBeUndefined();
    expect(again.body).toEqual(first.body);
    expect(await plansNamed('Cut off')).toBe(1);
    expect((await api.ask('POST', '/plans', ask)).headers['idempotent-replayed']).toBe('true');
  });

  test('is taken over before it made anything', async () => {
    const ask = { key: 'nothing-yet', body: nameless({ name: 'Nothing yet' }) };
    const { id } = (await api.ask('POST', '/plans', ask)).body;
    await forgetAnswer('nothing-yet', 'ended');
    await api.db.plan.delete({ where: { id } });
    const again = await api.ask('POST', '/plans', ask);
    expect(again.status).toBe(201);
    expect(again.body.id).toBe(id);
  });

  test('20 at once take it over once', async () => {
    const ask = { key: 'over-20', body: nameless({ name: 'Over 20' }) };
    await api.ask('POST', '/plans', ask);
    await forgetAnswer('over-20', 'ended');
    const tries = await Promise.all(Array.from({ length: 20 }, () => api.ask('POST', '/plans', ask)));
    const fresh = tries.filter(({ status, headers }) => status === 201 && !headers['idempotent-replayed']);
    expect(fresh).toHaveLength(1);
    expect(await plansNamed('Over 20')).toBe(1);
  });

  test('another body does not take it over', async () => {
    await api.ask('POST', '/plans', { key: 'not-yours', body: nameless() });
    await forgetAnswer('not-yours', 'ended');
    const other = await api.ask('POST', '/plans', { key: 'not-yours', body: nameless({ amount: 5 }) });
    expect(other.body.code).toBe('idempotency_key_reused');
  });

  test('knows its own thing under an id that the caller chose', async () => {
    const ask = { key: 'own-id', body: planOf('own-id') };
    const first = await api.ask('POST', '/plans', ask);
    await forgetAnswer('own-id', 'ended');
    // What the transaction of the effect had noted is what a crash leaves.
    await api.db.idempotencyKey.updateMany({
      where: { key: 'own-id' },
      data: { headers: { made: 'own-id' } },
    });
    const again = await api.ask('POST', '/plans', ask);
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
  });

  test('does not take somebody else’s thing under that id for its own', async () => {
    await api.ask('POST', '/plans', { body: planOf('foreign') });
    const ask = { key: 'foreign-id', body: planOf('foreign') };
    await api.ask('POST', '/plans', ask);
    await forgetAnswer('foreign-id', 'ended');
    expect((await api.ask('POST', '/plans', ask)).status).toBe(409);
  });

  test('the note of what was made is written with the effect or not at all', async () => {
    const body = planOf('noted');
    await api.db.$executeRawUnsafe(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'cut off here'; END $$`);
    await api.db.$executeRawUnsafe(`
      CREATE TRIGGER keep_nothing BEFORE UPDATE OF status ON idempotency_keys
        FOR EACH ROW WHEN (NEW.key = 'noted') EXECUTE FUNCTION refuse()`);
    const first = await api.ask('POST', '/plans', { key: 'noted', body });
    expect(first.status).toBe(201);
    expect((await rowOf('noted')).headers).toEqual({ made: 'noted' });
    await api.db.$executeRawUnsafe('DROP TRIGGER keep_nothing ON idempotency_keys');
    await forgetAnswer('noted', 'ended');
    const again = await api.ask('POST', '/plans', { key: 'noted', body });
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
  });
});

test('an answer of 500 is not kept and gives the lease back', async () => {
  const ask = { key: 'failed', body: nameless({ name: 'Failed once' }) };
  await api.db.$executeRawUnsafe('ALTER TABLE plans RENAME COLUMN name TO title');
  const failed = await api.ask('POST', '/plans', ask);
  await api.db.$executeRawUnsafe('ALTER TABLE plans RENAME COLUMN title TO name');
  expect(failed.status).toBe(500);
  expect((await rowOf('failed')).status).toBeNull();
  const again = await api.ask('POST', '/plans', ask);
  expect(again.status).toBe(201);
  expect(again.headers['idempotent-replayed']).toBeUndefined();
});

test.each([
  ['empty', ''],
  ['too long', 'k'.repeat(256)],
  ['not printable', 'tab\there'],
])('a key that is %s is refused', async (_name, key) => {
  const refused = await api.ask('POST', '/plans', { key, body: nameless() });
  expect(refused.status).toBe(422);
  expect(refused.body.errors[0].path).toBe('Idempotency-Key');
});

test('the longest key is accepted', async () => {
  const key = 'k'.repeat(255);
  expect((await api.ask('POST', '/plans', { key, body: nameless() })).status).toBe(201);
});
