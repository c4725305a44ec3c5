/** Every route that asks for a change or shows secrets is called: the audit log has who, what and, for operators, why; before. */
import type { Route } from '../../../api/http/route';
import { isAudited, isMutating } from '../../../api/http/route';
import { routeTable } from '../../../api/routes';
import { shippedPolicy } from '../../../domain/retry/policy';
import { planOf, useApi } from './test-api';

const given = useApi();

/** A body that is acceptable, beside its reason; what it is about need not exist. */
const bodies: Readonly<Record<string, object>> = {
  putRetryPolicy: shippedPolicy,
  createBulkRetry: { filter: {}, preview: true },
  createApiKey: { name: 'shop', scopes: ['catalog:read'] },
  createCredit: { amount: 100, currency: 'EUR' },
  createPayout: { currency: 'EUR' },
  createPlan: planOf('gold'),
  createSubscription: { customer_id: 'ada', plan_id: 'gold' },
  createPayment: { customer_id: 'ada', amount: 100, currency: 'EUR' },
  addPaymentMethod: { provider: 'sandbox', token: 'tok_ok' },
  previewRetryPolicy: { category: 'insufficient_funds' },
  createTestClock: { now: '2027-01-15T12:00:00Z' },
  advanceTestClock: { to: '2027-02-15T12:00:00Z' },
};
/** Operators' calls that decide nothing. */
const looks = new Set(['previewRetryPolicy']);

const audited = routeTable(() => '').filter(isAudited);
const isDecision = (entry: Route) => isMutating(entry) && decides(entry);
const decides = ({ scope, operationId }: Route) =>
  (scope === 'operator' || scope === 'admin') && !looks.has(operationId);

function hasReason(schema: unknown): boolean {
  return 'reason' in ((schema as { shape?: object } | undefined)?.shape ?? {});
}

async function call(entry: Route) {
  const path = entry.path.replaceAll(/\{\w+\}/g, 'thing_1');
  const requestId = `audit-${entry.operationId}`;
  const inBody = hasReason(entry.body);
  const body = { ...bodies[entry.operationId], ...(inBody ? { reason: 'because' } : {}) };
  const reply = await given.ask(
    entry.method.toUpperCase(),
    `${path}${hasReason(entry.query) ? '?reason=because' : ''}`,
    { ...(isMutating(entry) ? { body } : {}), headers: { 'x-request-id': requestId } },
  );
  const rows = await given.db.auditLog.findMany({ where: { request_id: requestId } });
  return { reply, rows };
}

test.each(audited.map((entry) => [`${entry.method.toUpperCase()} ${entry.path}`, entry] as const))(
  '%s is in the audit log',
  async (action, entry) => {
    const { rows } = await call(entry);
    expect(rows).toMatchObject([
      {
        action,
        actor: {
          kind: 'api_key',
          id: 'key_bootstrap',
          ...(isDecision(entry) ? { reason: 'because' } : {}),
        },
        status: expect.any(Number),
        detail: { scope: entry.scope },
      },
    ]);
  },
);

test('operators and admins have decisions to make', () => {
  expect(audited.filter(isDecision).length).toBeGreaterThan(10);
});

/** Every row of every table but the audit log. */
async function everything(): Promise<string> {
  const [row] = await given.db.$queryRaw<[{ all: string }]>`
    SELECT string_agg(table_name || md5(query_to_xml(format('SELECT * FROM %I t ORDER BY t::text', table_name),
      false, false, '')::text), ' ' ORDER BY table_name) AS all
    FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name NOT LIKE 'audit_log%'`;
  return row.all;
}

describe('I10: while the audit log cannot be written', () => {
  beforeAll(async () => {
    // The key's last use is recorded once a minute, beside the call.
    await given.ask('GET', '/plans');
    given.sent.length = 0;
    given.process.rounds = 0;
    await given.db
      .$executeRaw`ALTER TABLE audit_log ADD CONSTRAINT away CHECK (request_id NOT LIKE 'audit-%') NOT VALID`;
  });
  afterAll(() => given.db.$executeRaw`ALTER TABLE audit_log DROP CONSTRAINT away`);

  test.each(audited.map((entry) => [`${entry.method.toUpperCase()} ${entry.path}`, entry] as const))(
    '%s is refused and has no effect',
    async (_action, entry) => {
      const before = await everything();
      const { reply, rows } = await call(entry);
      expect(reply).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(reply.body.detail).toContain('audit log');
      expect(rows.filter(({ status }) => status === null)).toEqual([]);
      expect(await everything()).toBe(before);
      expect([given.sent, given.process.commands, given.process.creations, given.process.rounds]).toEqual([
        [],
        [],
        [],
        0,
      ]);
    },
  );
});
