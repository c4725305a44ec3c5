/** API keys: made, shown once, never stored in clear, revoked at once; and the key of a fresh installation. */
import { createApiKey } from '../../../access/api-keys';
import { ensureBootstrapKey, hashOfSecret } from '../../../access/keys';
import { scopePresets, scopes } from '../../../contracts/scopes';
import { eventually } from '../../support/eventually';
import { adminSecret, fixedNow, useApi } from './test-api';

const api = useApi();

const make = (more: object = {}, ask: { secret?: string; key?: string } = {}) =>
  api.ask('POST', '/api-keys', { body: { name: 'reader', scopes: ['catalog:read'], ...more }, ...ask });

test('a key is made, its secret shown once, and it opens what it is for', async () => {
  const made = await make({ expires_at: '2027-02-01T00:00:00Z' });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    id: expect.stringMatching(/^key_[0-9a-z]{26}$/),
    name: 'reader',
    scopes: ['catalog:read'],
    prefix: made.body.secret.slice(0, 8),
    expires_at: '2027-02-01T00:00:00.000Z',
    revoked_at: null,
    created_at: expect.any(String),
    created_by: 'key_bootstrap',
    last_used_at: null,
    secret: expect.stringMatching(/^pk_[A-Za-z0-9_-]{43}$/),
  });
  const { secret } = made.body;
  expect((await api.ask('GET', '/plans', { secret })).status).toBe(200);
  expect((await api.ask('GET', '/customers', { secret })).status).toBe(403);
  const listed = await api.ask('GET', '/api-keys');
  expect(listed.body.data.map(({ id }: { id: string }) => id)).toContain(made.body.id);
  expect(listed.text).not.toMatch(/secret/);
});

test('secrets are different each time and stored as a hash only', async () => {
  const first = (await make()).body;
  const second = (await make()).body;
  expect(first.secret).not.toBe(second.secret);
  const row = await api.db.apiKey.findUniqueOrThrow({ where: { id: first.id } });
  expect(row.secret_hash).toBe(hashOfSecret(first.secret));
  const everything = await Promise.all([
    api.db.apiKey.findMany(),
    api.db.idempotencyKey.findMany(),
    api.db.auditLog.findMany({ select: { actor: true, detail: true, action: true } }),
  ]);
  expect(JSON.stringify(everything)).not.toContain(first.secret);
  expect(api.logged.join('')).not.toContain(first.secret);
});

test('a repeat under the same Idempotency-Key has the key but not its secret', async () => {
  const first = await make({}, { key: 'make-key' });
  const again = await make({}, { key: 'make-key' });
  expect(first.body.secret).toMatch(/^pk_/);
  expect(again.status).toBe(201);
  expect(again.body).toEqual({ ...first.body, secret: null });
  const kept = await api.db.idempotencyKey.findFirstOrThrow({ where: { key: 'make-key' } });
  expect(JSON.stringify(kept)).not.toContain(first.body.secret);

  await api.db.$executeRaw`
    UPDATE idempotency_keys SET status = NULL, body = NULL, lease_until = '2020-01-01' WHERE key = 'make-key'`;
  const takenOver = await make({}, { key: 'make-key' });
  expect(takenOver.body).toEqual({ ...first.body, secret: null });
  expect((await api.ask('GET', '/plans', { secret: first.body.secret })).status).toBe(200);
});

test('a key cannot grant what it does not have', async () => {
  const secret = await api.keyWith('admin', 'catalog:read');
  expect((await make({ scopes: ['admin', 'catalog:read'] }, { secret })).status).toBe(201);
  const refused = await make({ scopes: ['catalog:read', 'operator', 'payments:write'] }, { secret });
  expect(refused.status).toBe(403);
  expect(refused.body.detail).toMatch(/operator, payments:write/);
});

test.each([
  ['no scope', { scopes: [] }, 'scopes'],
  ['neither scopes nor a preset', { scopes: undefined }, 'scopes'],
  ['scopes and a preset', { preset: 'reader' }, 'scopes'],
  ['a preset that is none', { scopes: undefined, preset: 'toString' }, 'preset'],
  ['a scope that is none', { scopes: ['everything'] }, 'scopes.0'],
  ['a scope twice', { scopes: ['admin', 'admin'] }, 'scopes'],
  ['an end in the past', { expires_at: fixedNow.toISOString() }, 'expires_at'],
  ['a secret of the caller’s own', { secret: 'mine' }, 'secret'],
  ['an id of the caller’s own', { id: 'key_bootstrap' }, 'id'],
])('%s is refused', async (_name, more, path) => {
  const refused = await make(more);
  expect(refused.status).toBe(422);
  expect(refused.body.errors[0].path).toBe(path);
});

test('a key with admin alone makes none that is wider, and ends every key, which the audit log has', async () => {
  const secret = await api.keyWith('admin');
  for (const more of [
    { scopes: ['operator'] },
    { scopes: undefined, preset: 'admin' },
    { scopes: ['admin', 'catalog:read'] },
  ])
    expect((await make(more, { secret })).status).toBe(403);
  expect((await make({ scopes: ['admin'] }, { secret })).status).toBe(201);
  const wide = (await make({ scopes: [...scopes] })).body;
  expect((await api.ask('DELETE', `/api-keys/${wide.id}?reason=leaked`, { secret })).status).toBe(204);
  expect((await api.ask('GET', '/plans', { secret: wide.secret })).status).toBe(401);
  const { data } = (
    await api.ask(
      'GET',
      `/audit?subject=${wide.id}&action=DELETE /api-keys/{api_key_id}`.replaceAll(' ', '%20'),
    )
  ).body;
  expect(data[0]).toMatchObject({ status: 204, actor: { kind: 'api_key', reason: 'leaked' } });
});

test('a revoked key is refused from the next request on, and stays in the list', async () => {
  const { id, secret } = (await make()).body;
  expect((await api.ask('GET', '/plans', { secret })).status).toBe(200);
  expect((await api.ask('DELETE', `/api-keys/${id}`)).status).toBe(204);
  expect((await api.ask('GET', '/plans', { secret })).status).toBe(401);
  expect((await api.ask('DELETE', `/api-keys/${id}`)).status).toBe(204);
  const { data } = (await api.ask('GET', '/api-keys?limit=100')).body;
  const revoked = data.find((key: { id: string }) => key.id === id);
  expect(revoked.revoked_at).toBe(fixedNow.toISOString());
  expect((await api.ask('DELETE', '/api-keys/key_none')).status).toBe(404);
});

describe('I10: a key', () => {
  const end = '2027-02-01T00:00:00.000Z';
  const expiring = async (): Promise<{ id: string; secret: string }> =>
    (await make({ scopes: ['admin', 'catalog:read'], expires_at: end })).body;

  test.each([
    ['without an end', {}, 201, end],
    ['that ends before', { expires_at: '2027-01-20T00:00:00.000Z' }, 201, '2027-01-20T00:00:00.000Z'],
    ['that ends with it', { expires_at: end }, 201, end],
    ['that ends a millisecond later', { expires_at: '2027-02-01T00:00:00.001Z' }, 422, undefined],
  ])('that ends makes one %s', async (_name, more, status, expiresAt) => {
    const { id, secret } = await expiring();
    const made = await make(more, { secret });
    expect(made.status).toBe(status);
    expect(made.body.expires_at).toBe(expiresAt);
    const { data } = (await api.ask('GET', `/api-keys?created_by=${id}`)).body;
    expect(data.map((key: { id: string }) => key.id)).toEqual(status === 201 ? [made.body.id] : []);
  });

  test('that is revoked while it makes another makes none, and those that it made stay good', async () => {
    const { id, secret } = await expiring();
    const made = await make({}, { secret });
    await api.ask('DELETE', `/api-keys/${id}`);
    expect((await api.ask('GET', '/plans', { secret: made.body.secret })).status).toBe(200);
    const maker = { id, scopes: ['catalog:read'] as const };
    const late = createApiKey(
      api.db,
      'key_late',
      { name: 'late', scopes: ['catalog:read'] },
      maker,
      fixedNow,
    );
    await expect(late).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await api.db.apiKey.count({ where: { id: 'key_late' } })).toBe(0);
  });

  test('has the instant of its last use, written at most once a minute', async () => {
    const { id, secret } = (await make()).body;
    await api.db.$executeRaw`CREATE TABLE key_uses (id text, at timestamptz)`;
    await api.db.$executeRaw`
      CREATE FUNCTION note_use() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO key_uses VALUES (NEW.id, NEW.last_used_at); RETURN NEW; END'`;
    await api.db.$executeRaw`
      CREATE TRIGGER uses AFTER UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION note_use()`;
    const lastUse = async () => (await api.db.apiKey.findUniqueOrThrow({ where: { id } })).last_used_at;
    const useAt = async (seconds: number) => {
      api.clock.now = new Date(fixedNow.getTime() + seconds * 1_000);
      // The scope is lacking: that is a use, too.
      expect((await api.ask('GET', '/customers', { secret })).status).toBe(403);
    };
    await useAt(0);
    await eventually('the first use', async () => (await lastUse())?.getTime() === fixedNow.getTime());
    await useAt(59);
    await useAt(60);
    await eventually('the next minute', async () => (await lastUse())?.getTime() === api.clock.now.getTime());
    api.clock.now = fixedNow;
    const { data } = (await api.ask('GET', '/api-keys')).body;
    expect(data.find((key: { id: string }) => key.id === id).last_used_at).toBe('2027-01-15T12:01:00.000Z');
    const written = await api.db.$queryRaw<
      { at: Date }[]
    >`SELECT at FROM key_uses WHERE id = ${id} ORDER BY at`;
    expect(written.map(({ at }) => at.getTime() - fixedNow.getTime())).toEqual([0, 60_000]);
  });

  test.each(Object.entries(scopePresets))('of the preset %s has its scopes', async (preset, granted) => {
    expect((await make({ scopes: undefined, preset })).body.scopes).toEqual([...granted]);
  });

  test('of a preset grants no more than its maker has', async () => {
    const secret = await api.keyWith('admin', ...scopePresets.reader);
    expect((await make({ scopes: undefined, preset: 'reader' }, { secret })).status).toBe(201);
    expect((await make({ scopes: undefined, preset: 'support' }, { secret })).status).toBe(403);
  });

  test('of the preset admin has all but time, of reader nothing that changes', () => {
    expect(scopes.filter((name) => !(scopePresets.admin as readonly string[]).includes(name))).toEqual([
      'test_clocks',
    ]);
    expect(scopePresets.reader.filter((name) => !name.endsWith(':read'))).toEqual([]);
  });
});

describe('the key of a fresh installation', () => {
  const rotated = 'another-bootstrap-secret-0123456789-abcdef';
  /** What the audit log has of it, newest first. */
  const audited = async () => {
    const rows = await api.db.auditLog.findMany({
      where: { action: 'bin/migrate' },
      orderBy: { id: 'desc' },
    });
    return rows.map(({ status, detail }) => [status, detail]);
  };

  test('is there once, however often and by however many it is asked for', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => ensureBootstrapKey(api.db, adminSecret)));
    expect(new Set(results)).toEqual(new Set(['unchanged']));
    await api.db.apiKey.delete({ where: { id: 'key_bootstrap' } });
    const fresh = await Promise.all([1, 2, 3, 4].map(() => ensureBootstrapKey(api.db, adminSecret)));
    expect(fresh.filter((result) => result === 'created')).toHaveLength(1);
    expect((await api.ask('GET', '/api-keys')).status).toBe(200);
  });

  test('is in the audit log as often as it is made or changed, and without its row it is not made', async () => {
    const before = (await audited()).length;
    await ensureBootstrapKey(api.db, adminSecret);
    await api.db.apiKey.update({ where: { id: 'key_bootstrap' }, data: { scopes: ['catalog:read'] } });
    expect(await ensureBootstrapKey(api.db, adminSecret)).toBe('widened');
    expect(await ensureBootstrapKey(api.db, rotated)).toBe('replaced');
    await api.db.apiKey.delete({ where: { id: 'key_bootstrap' } });
    await api.db
      .$executeRaw`ALTER TABLE audit_log ADD CONSTRAINT away CHECK (request_id <> 'bin/migrate') NOT VALID`;
    await expect(ensureBootstrapKey(api.db, adminSecret)).rejects.toThrow(/away/);
    expect(await api.db.apiKey.count({ where: { id: 'key_bootstrap' } })).toBe(0);
    await api.db.$executeRaw`ALTER TABLE audit_log DROP CONSTRAINT away`;
    const made = await Promise.all([1, 2].map(() => ensureBootstrapKey(api.db, adminSecret)));
    expect(made.toSorted()).toEqual(['created', 'unchanged']);
    const rows = await audited();
    expect(rows.slice(0, rows.length - before)).toEqual([
      [201, { bootstrap_key: 'created' }],
      [200, { bootstrap_key: 'replaced' }],
      [200, { bootstrap_key: 'widened' }],
    ]);
    const { data } = (await api.ask('GET', '/audit?subject=key_bootstrap&actor=migrate')).body;
    expect(data[0]).toMatchObject({
      actor: { kind: 'system', id: 'migrate', reason: null },
      action: 'bin/migrate',
      subject_id: 'key_bootstrap',
      status: 201,
    });
  });

  test('takes another secret, which ends the one before', async () => {
    expect(await ensureBootstrapKey(api.db, rotated)).toBe('replaced');
    expect((await api.ask('GET', '/api-keys', { secret: rotated })).status).toBe(200);
    expect((await api.ask('GET', '/api-keys', { secret: adminSecret })).status).toBe(401);
    expect(await ensureBootstrapKey(api.db, adminSecret)).toBe('replaced');
  });

  test('does not come back with a secret that was revoked, only with another', async () => {
    await api.ask('DELETE', '/api-keys/key_bootstrap');
    expect(await ensureBootstrapKey(api.db, adminSecret)).toBe('revoked');
    expect((await api.ask('GET', '/api-keys')).status).toBe(401);
    expect(await ensureBootstrapKey(api.db, rotated)).toBe('replaced');
    expect((await api.ask('GET', '/api-keys', { secret: rotated })).status).toBe(200);
    await ensureBootstrapKey(api.db, adminSecret);
  });

  test('is not confused with another key of the same secret', async () => {
    const secret = await api.keyWith('catalog:read');
    await api.db.apiKey.delete({ where: { id: 'key_bootstrap' } });
    await expect(ensureBootstrapKey(api.db, secret)).rejects.toThrow(/another API key/);
    await ensureBootstrapKey(api.db, adminSecret);
  });
});
