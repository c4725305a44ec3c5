/** Time zones that dates cannot be computed with are refused wherever one comes in; W6. */
import { useApi, planOf } from './test-api';

const api = useApi();
beforeAll(async () => {
  await api.ask('POST', '/plans', { body: planOf('gold') });
  await api.ask('POST', '/customers', { body: { id: 'ada' } });
  await api.ask('POST', '/customers/ada/payment-methods', { body: { provider: 'sandbox', token: 'tok_ok' } });
});

describe.each(['PST', 'IST', 'bst', '+03:00', 'T00:00[Europe/Berlin]'])('%s', (time_zone) => {
  test.each([
    ['POST', '/customers', {}],
    ['PATCH', '/customers/ada', {}],
    ['POST', '/subscriptions', { customer_id: 'ada', plan_id: 'gold' }],
    ['POST', '/retry-policies/default/preview', { category: 'soft' }],
  ])('W6: is refused by %s %s, and nothing is asked of a process', async (method, path, body) => {
    const answer = await api.ask(method, path, { body: { ...body, time_zone } });
    expect([answer.status, answer.body.errors]).toEqual([
      422,
      [{ path: 'time_zone', message: expect.stringMatching(/IANA database/) }],
    ]);
    expect(api.process.creations).toEqual([]);
  });
});
