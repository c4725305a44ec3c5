/** The step before the first charge with a method, at a provider that has one. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { lookUp } from '../../../billing/payment/look-up';
import { failure } from '../../../domain/payment/payment';
import type {
  LookupOutcome,
  LookupRequest,
  PaymentMethodOutcome,
  PaymentMethodRequest,
  PaymentProvider,
} from '../../../providers/port';
import {
  completed,
  declined,
  declinedAs,
  openBilling,
  noAnswer,
  ScriptedProvider,
  type TestBilling,
} from '../../support/billing';

/** Has such a step, and says `outcomes` one after the other. */
class PreparingProvider extends ScriptedProvider implements PaymentProvider {
  readonly prepared: PaymentMethodRequest[] = [];
  readonly looked: LookupRequest[] = [];

  constructor(public outcomes: PaymentMethodOutcome[]) {
    super();
  }

  async ensurePaymentMethod(request: PaymentMethodRequest): Promise<PaymentMethodOutcome> {
    this.prepared.push(request);
    return this.outcomes.shift() ?? { status: 'unknown', reason: 'not_expected' };
  }

  override async lookup(request?: LookupRequest): Promise<LookupOutcome> {
    if (request) this.looked.push(request);
    return super.lookup();
  }
}

let billing: TestBilling;
beforeEach(async () => {
  billing = await openBilling();
});
afterEach(() => billing.end());

const ready: PaymentMethodOutcome = {
  status: 'ready',
  provider_customer: 'cus_theirs',
  fingerprint: 'card_theirs',
};

async function attempting(provider: PreparingProvider) {
  const { paymentId } = await billing.begun();
  const deps = { db: billing.db, providers: new Map([[provider.name, provider]]) };
  const attempt = (number: number) =>
    attemptPayment(deps, { payment_id: paymentId, number, trigger: number === 1 ? 'first' : 'manual_retry' });
  return { deps, paymentId, attempt };
}

test('the method is made ready once, and every charge says whose it is', async () => {
  const provider = new PreparingProvider([ready]);
  provider.charges = [declined, completed];
  const { attempt, paymentId } = await attempting(provider);

  await attempt(1);
  expect(await attempt(2)).toEqual({ status: 'completed' });

  expect(provider.prepared).toEqual([
    { idempotencyKey: `${paymentId}/1`, token: 'tok_ok', customerId: 'cus_1', knownProviderCustomer: null },
  ]);
  expect(provider.asked.map(({ providerCustomer }) => providerCustomer)).toEqual([
    'cus_theirs',
    'cus_theirs',
  ]);
  const kept = await billing.db.paymentMethod.findUniqueOrThrow({ where: { id: 'pm_1' } });
  expect(kept).toMatchObject({ provider_customer: 'cus_theirs', fingerprint: 'card_theirs' });
});

test('another method of the customer is offered the same provider’s customer', async () => {
  await billing.db.paymentMethod.create({
    data: {
      id: 'pm_0',
      customer_id: 'cus_1',
      provider: 'sandbox',
      token: 'x',
      provider_customer: 'cus_known',
    },
  });
  const provider = new PreparingProvider([ready]);
  const { attempt } = await attempting(provider);

  await attempt(1);

  expect(provider.prepared[0]?.knownProviderCustomer).toBe('cus_known');
});

test('who was first with a method is never replaced', async () => {
  const provider = new PreparingProvider([ready]);
  const { attempt } = await attempting(provider);
  const ensure = provider.ensurePaymentMethod.bind(provider);
  provider.ensurePaymentMethod = async (request) => {
    await billing.db.paymentMethod.update({
      where: { id: 'pm_1' },
      data: { provider_customer: 'cus_rival' },
    });
    return ensure(request);
  };

  await attempt(1);

  expect(provider.asked.map(({ providerCustomer }) => providerCustomer)).toEqual(['cus_rival']);
});

test('a method that cannot be made ready is a failed attempt, and nothing is charged', async () => {
  const refused = failure('invalid_payment_method', 'Nobody knows it.');
  const provider = new PreparingProvider([{ status: 'failed', provider_reference: null, failure: refused }]);
  const { attempt } = await attempting(provider);

  expect(await attempt(1)).toEqual({ status: 'failed', failure: refused });
  expect(provider.asked).toEqual([]);
});

test('without a clear answer the attempt stays open, uncharged, and is tried again', async () => {
  const provider = new PreparingProvider([{ status: 'unknown', reason: 'timeout' }, ready]);
  const { attempt } = await attempting(provider);

  expect(await attempt(1)).toEqual({ status: 'open' });
  expect(provider.asked).toEqual([]);
  expect(await attempt(1)).toEqual({ status: 'completed' });
});

test('a lookup is told whose the method is, or that it was never made ready', async () => {
  const provider = new PreparingProvider([{ status: 'unknown', reason: 'timeout' }, ready]);
  provider.charges = [noAnswer];
  const { attempt, deps, paymentId } = await attempting(provider);
  const progress = { unknownSinceMs: Date.now(), lookups: 1, incompleteHours: 23 };

  await attempt(1);
  await lookUp(deps, paymentId, false, progress);
  await attempt(1);
  await lookUp(deps, paymentId, false, progress);

  expect(provider.looked.map(({ providerCustomer }) => providerCustomer)).toEqual([null, 'cus_theirs']);
});

test('W12: a card that turns out to be one that was declined for good is not charged again', async () => {
  const provider = new PreparingProvider([ready, ready, ready]);
  provider.charges = [declinedAs('stolen_or_lost'), completed];
  const { attempt, deps, paymentId } = await attempting(provider);
  await attempt(1);
  const again = { id: 'pm_again', customer_id: 'cus_1', provider: 'sandbox', token: 'tok_again' };
  await billing.db.paymentMethod.create({ data: again });
  const asked = {
    payment_id: paymentId,
    number: 2,
    trigger: 'manual_retry',
    payment_method_id: 'pm_again',
  } as const;

  const answer = await attemptPayment(deps, asked);

  expect(answer).toMatchObject({ status: 'failed', failure: { code: 'stolen_or_lost', category: 'hard' } });
  expect(provider.asked).toHaveLength(1);
  // It is known from now on, and as never charged.
  const kept = await billing.db.paymentMethod.findUniqueOrThrow({ where: { id: 'pm_again' } });
  expect(kept).toMatchObject({ provider_customer: null, fingerprint: 'card_theirs' });
  const other = { ...again, id: 'pm_other', token: 'tok_other' };
  await billing.db.paymentMethod.create({ data: other });
  provider.outcomes = [{ ...ready, fingerprint: 'another card' }];
  expect(await attemptPayment(deps, { ...asked, number: 3, payment_method_id: 'pm_other' })).toEqual({
    status: 'completed',
  });
});
