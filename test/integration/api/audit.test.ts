/** Every route that asks for a change is called once: the audit log has who, what and, for operators, why. */
import type { Route } from '../../../api/http/route';
import { isMutating } from '../../../api/http/route';
import { routeTable } from '../../../api/routes';
import { shippedPolicy } from '../../../domain/retry/policy';
import { useApi } from './test-api';

const given = useApi();

/** A body that is acceptable, beside its reason; what it is about need not exist. */
const bodies: Readonly<Record<string, object>> = {
  putRetryPolicy: shippedPolicy,
  createBulkRetry: { filter: {}, preview: true },
  createApiKey: { name: 'shop', scopes: ['catalog:read'] },
  createCredit: { amount: 100, currency: 'EUR' },
  createPayout: { currency: 'EUR' },
};
/** Operators' calls that decide nothing. */
const looks = new Set(['previewRetryPolicy']);

const audited = routeTable(() => '').filter((entry) => isMutating(entry) && entry.scope !== null);
const isDecision = ({ scope, operationId }: Route) =>
  (scope === 'operator' || scope === 'admin') && !looks.has(operationId);

function hasReason(schema: unknown): boolean {
  return 'reason' in ((schema as { shape?: object } | undefined)?.shape ?? {});
}

async function auditOf(entry: Route) {
  const path = entry.path.replaceAll(/\{\w+\}/g, 'thing_1');
  const requestId = `audit-${entry.operationId}`;
  const inBody = hasReason(entry.body);
  await given.ask(entry.method.toUpperCase(), `${path}${hasReason(entry.query) ? '?reason=because' : ''}`, {
    body: { ...bodies[entry.operationId], ...(inBody ? { reason: 'because' } : {}) },
    headers: { 'x-request-id': requestId },
  });
  return given.db.auditLog.findMany({ where: { request_id: requestId } });
}

test.each(audited.map((entry) => [`${entry.method.toUpperCase()} ${entry.path}`, entry] as const))(
  '%s is in the audit log',
  async (action, entry) => {
    const rows = await auditOf(entry);
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
