/** What is left of a call: one line in the log, one row in the audit log, and nothing that should not be there. */
import { useApi, planOf } from './test-api';

const api = useApi();

describe('the log and the audit log', () => {
  test('one line for each request: the route’s pattern, never the URL, the body or a header', async () => {
    await api.ask('POST', '/customers', { body: { id: 'logged-customer', email: 'log@example.com' } });
    api.logged.length = 0;
    const secret = await api.keyWith('customers:write');
    await api.ask('PATCH', '/customers/logged-customer', {
      secret,
      body: { email: 'other@example.com' },
      headers: { 'x-request-id': 'logged-call', cookie: 'session=1' },
    });
    const lines = api.logged.filter((line) => line.includes('logged-call'));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      request_id: 'logged-call',
      method: 'PATCH',
      route: '/customers/{customer_id}',
      status: 200,
      ms: expect.any(Number),
      api_key_id: expect.stringMatching(/^key_test_/),
    });
    expect(api.logged.join('')).not.toMatch(/example\.com|logged-customer|session=1|pk_fixed/);
  });

  test('every call that asked for a change is in the audit log, refused ones too', async () => {
    const headers = (id: string) => ({ 'x-request-id': id });
    await api.ask('POST', '/plans', { body: planOf('audited'), headers: headers('audit-made') });
    await api.ask('POST', '/plans', { body: { name: '' }, headers: headers('audit-wrong') });
    await api.ask('PATCH', '/plans/%00', { body: {}, headers: headers('audit-nul') });
    await api.ask('GET', '/plans/audited', { headers: headers('audit-read') });
    await api.ask('POST', '/plans', { secret: null, body: planOf('a'), headers: headers('audit-anon') });
    const reader = await api.keyWith('catalog:read');
    await api.ask('POST', '/plans', { secret: reader, body: planOf('a'), headers: headers('audit-scope') });
    await api.signIns.flush();
    const rows = await api.db.auditLog.findMany({
      where: { request_id: { startsWith: 'audit-' } },
      orderBy: { request_id: 'asc' },
    });
    const bootstrap = { kind: 'api_key', id: 'key_bootstrap', reason: null };
    expect(rows.map((row) => [row.request_id, row.action, row.subject_id, row.status, row.actor])).toEqual([
      ['audit-anon', 'sign_in', null, 401, { kind: 'external', id: '127.0.0.0/24', reason: null }],
      ['audit-made', 'POST /plans', 'audited', 201, bootstrap],
      ['audit-nul', 'PATCH /plans/{plan_id}', null, 404, bootstrap],
      ['audit-scope', 'POST /plans', null, 403, { ...bootstrap, id: expect.any(String) }],
      ['audit-wrong', 'POST /plans', null, 422, bootstrap],
    ]);
  });

  test('a refusal that cannot be audited stays what it is, and is logged without what people wrote', async () => {
    await api.db.$executeRawUnsafe('ALTER TABLE audit_log RENAME TO audit_log_away');
    const refused = await api.ask('POST', '/plans', { body: { name: '' } });
    const made = await api.ask('POST', '/api-keys', {
      body: { name: 'x', scopes: ['admin'], reason: 'she is Ada' },
    });
    await api.db.$executeRawUnsafe('ALTER TABLE audit_log_away RENAME TO audit_log');
    expect([refused.status, made.status]).toEqual([422, 503]);
    expect(api.logged.filter((line) => line.includes('audit entry not written'))).toHaveLength(3);
    expect(api.logged.join('')).not.toContain('she is Ada');
  });
});
