/** The adapter against the real sandbox provider: the charge’s outcome, then the lookup’s. */
import { sandboxProvider } from '../../../providers/sandbox/adapter';
import { useSandbox } from './running-sandbox';

const sandbox = useSandbox();

const chargeOf = (token: string, key: string, offSession = true) => ({
  idempotencyKey: key,
  amount: 1500,
  currency: 'EUR',
  token,
  offSession,
  paymentId: 'pay_adapter',
  attempt: 1,
  subscriptionId: 'sub_1',
  customerId: 'cus_1',
  providerCustomer: null,
});
const ask = async (token: string, offSession = true) => {
  const provider = sandboxProvider({ baseUrl: sandbox.baseUrl });
  const request = chargeOf(token, `adapter/${token}/${offSession}`, offSession);
  const charged = await provider.charge(request, 5000);
  const found = await provider.lookup({ ...request, startedAt: '2027-03-01T09:00:00.000Z' }, 5000);
  return [charged, found].map((outcome) => {
    if (outcome.status === 'unknown') return outcome.reason;
    return outcome.status === 'failed' ? outcome.failure.code : outcome.status;
  });
};

test.each([
  ['tok_ok', true, 'completed', 'completed'],
  ['tok_insufficient_funds', true, 'insufficient_funds', 'insufficient_funds'],
  ['tok_do_not_honor', true, 'do_not_honor', 'do_not_honor'],
  ['tok_expired_card', true, 'expired_card', 'expired_card'],
  ['tok_stolen', true, 'stolen_or_lost', 'stolen_or_lost'],
  ['tok_processing_error', true, 'processing_error', 'processing_error'],
  ['tok_authentication_required', true, 'authentication_required', 'authentication_required'],
  ['tok_authentication_required', false, 'requires_action', 'requires_action'],
  ['tok_pending_then_ok', true, 'pending', 'pending'],
  ['tok_declined_then_late_ok', true, 'do_not_honor', 'do_not_honor'],
  ['tok_lost_answer_ok', true, 'connection_lost', 'completed'],
  ['tok_lost_answers_ok', true, 'connection_lost', 'completed'],
  ['tok_lost_request', true, 'connection_lost', 'not_found'],
  ['tok_http_500_then_ok#adapter', true, 'http_500', 'not_found'],
  ['tok_rate_limited_then_ok#adapter', true, 'rate_limited', 'not_found'],
  ['tok_wrong_amount', true, 'amount_mismatch', 'amount_mismatch'],
  ['tok_unheard_of', true, 'invalid_payment_method', 'not_found'],
])('%s (off session: %s) is %s, then looked up %s', async (token, offSession, charged, found) => {
  expect(await ask(token, offSession)).toEqual([charged, found]);
});

test('the same key with other parameters is an idempotency conflict', async () => {
  const provider = sandboxProvider({ baseUrl: sandbox.baseUrl });
  await provider.charge(chargeOf('tok_ok', 'adapter/conflict'), 5000);

  const other = { ...chargeOf('tok_ok', 'adapter/conflict'), amount: 1 };
  expect(await provider.charge(other, 5000)).toEqual({ status: 'unknown', reason: 'idempotency_conflict' });
});
