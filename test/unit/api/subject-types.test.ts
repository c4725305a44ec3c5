/** What audited calls are about: a kind for each of them. */
import { isAudited } from '../../../api/http/route';
import { actionOf } from '../../../api/http/call-audit';
import { routeTable } from '../../../api/routes';
import { idPrefixes } from '../../../domain/ids';
import { createdByCall, subjectTypeOfCall } from '../../../domain/subjects';

const audited = routeTable(() => '').filter(isAudited);
const kinds = [...Object.keys(idPrefixes), 'retry_policy'];

it.each(audited.map(actionOf))('%s is about a thing of a kind that there is', (action) => {
  for (const status of [200, 422]) expect(kinds).toContain(subjectTypeOfCall(action, status));
});

it.each([
  ['POST /customers/{customer_id}/payment-methods', 201, 'payment_method'],
  ['POST /customers/{customer_id}/payment-methods', 422, 'customer'],
  ['DELETE /customers/{customer_id}/payment-methods/{payment_method_id}', 422, 'payment_method'],
  ['POST /payments', 202, 'payment'],
  ['POST /payments', 409, 'subscription'],
  ['POST /webhook-deliveries/{delivery_id}/replay', 202, 'webhook_delivery'],
  ['PUT /retry-policies/{retry_policy_id}', 200, 'retry_policy'],
])('%s with %d is about a %s', (action, status, kind) => {
  expect(subjectTypeOfCall(action, status)).toBe(kind);
});

it('knows only calls that there are', () => {
  const actions = new Set(audited.map(actionOf));
  expect(Object.keys(createdByCall).filter((action) => !actions.has(action))).toEqual([]);
});
