/** Every operation of the OpenAPI document, with each scope alone, with none and without a key. */
import { scopes, type Scope } from '../../../contracts/scopes';
import { useApi } from './test-api';

const api = useApi();

/** What keys that exist rely on; an operation that is new may be missing here. */
const table: Readonly<Partial<Record<Scope | 'none', string>>> = {
  none: 'asyncApi docs docsFile eventSchema explainProblem isAlive isReady openApi receiveWebhook root',
  'subscriptions:read': `getActiveSubscriptions getRecovery getRevenue getSubscription getSubscriptionLedger
    getSubscriptionTimeline listPeriods listSubscriptions previewChange`,
  'subscriptions:write':
    'cancelSubscription changeSubscription createSubscription pauseSubscription resumeSubscription',
  'payments:read': 'getPayment getPaymentTimeline listPayments listRefunds listRetryRequests',
  'payments:write': 'cancelPayment createPayment createRefund',
  'catalog:read': 'getPlan listPlans',
  'catalog:write': 'changePlan createPlan',
  'customers:read':
    'getCustomer getCustomerBalance getCustomerLedger getCustomerTimeline listCustomers listPaymentMethods',
  'customers:write': 'addPaymentMethod changeCustomer createCustomer deletePaymentMethod eraseCustomer',
  operator: `cancelBulkRetry createBulkRetry createCredit createPayout discardDeadLetter findStuckWork getBulkRetry
    getDeadLetter getRenewalScheduler getRetryPolicy getWebhookDelivery listBulkRetries listDeadLetters
    listNotifications listOperatorTasks listRetryPolicies listRetryPolicyVersions listWebhookDeliveries
    pauseBulkRetry pauseRenewalScheduler previewRetryPolicy putRetryPolicy reconcileNow redriveDeadLetter
    replayWebhookDelivery resolveOperatorTask resumeBulkRetry resumeRenewalScheduler retryPayment`,
  admin: 'createApiKey listApiKeys revokeApiKey',
  test_clocks: 'advanceTestClock createTestClock deleteTestClock getTestClock listTestClocks',
};

interface Operation {
  method: string;
  path: string;
  operationId: string;
  scope: Scope | 'none';
}

async function documented(): Promise<Operation[]> {
  const { body } = await api.ask('GET', '/openapi.json', { secret: null });
  const paths = body.paths as Record<string, Record<string, { operationId: string; description: string }>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, description }]) => ({
      method: method.toUpperCase(),
      // Nothing has this id.
      path: path.replaceAll(/\{\w+\}/g, 'none'),
      operationId,
      scope: (/Scope: `([\w:]+)`/.exec(description)?.[1] ?? 'none') as Scope | 'none',
    })),
  );
}

test('operations need the scopes that keys were made with', async () => {
  const actual = Object.fromEntries(
    (await documented()).map(({ operationId, scope }) => [operationId, scope]),
  );
  const expected = Object.entries(table).flatMap(([scope, names]) =>
    names.split(/\s+/).map((name) => [name, scope] as const),
  );
  expect(expected.length).toBeGreaterThan(70);
  expect(actual).toMatchObject(Object.fromEntries(expected));
});

test('every operation is served with its scope, and with no other, none and no key refused', async () => {
  const callers: [string, string | null][] = [
    ['no key', null],
    ['no scope', await api.keyWith()],
  ];
  for (const scope of scopes) callers.push([scope, await api.keyWith(scope)]);
  for (const { method, path, operationId, scope } of await documented()) {
    const answers = await Promise.all(
      callers.map(async ([caller, secret]) => {
        const { status, body } = await api.ask(method, path, { secret });
        const refusal =
          status === 401 || status === 403 ? `${status} ${body.code}: ${body.detail}` : 'served';
        return [caller, refusal];
      }),
    );
    const expected = callers.map(([caller]) => {
      if (scope === 'none' || caller === scope) return [caller, 'served'];
      if (caller !== 'no key')
        return [caller, `403 forbidden: This call needs an API key with the scope ${scope}.`];
      return [caller, '401 unauthenticated: Send a valid API key as Authorization: Bearer <key>.'];
    });
    expect([operationId, answers]).toEqual([operationId, expected]);
  }
});
