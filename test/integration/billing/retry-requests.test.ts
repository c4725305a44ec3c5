/** What becomes of a person's wish to try a failed payment again, when its turn comes. */
import { attemptPayment } from '../../../billing/payment/attempt';
import { concludeRequest, nextRequest } from '../../../billing/retry/requests';
import { periodPaymentId } from '../../../domain/ids';
import { completed, declined, useBilling, noAnswer, pending } from '../../support/billing';
import { actor } from '../../support/creation';
import { startLife } from '../../support/subscription-life';

const given = useBilling();

let renewals = 0;
/** A renewal that was declined, of a customer whose clock is years ahead. */
async function declinedRenewal() {
  renewals += 1;
  given.provider.charges = [completed];
  const lived = await startLife(given, '2031-01-01T12:00:00.000Z');
  given.provider.charges = [declined];
  await lived.advance('2031-02-01T12:00:00.000Z');
  const { payment_method_id: method, customer_id: customer } = await lived.read();
  return { lived, id: periodPaymentId(lived.id, 2), method: method ?? '', customer };
}

/** @returns the wish's id */
async function request(paymentId: string, name: string, methodId: string | null = null): Promise<string> {
  const id = `rtr_${renewals}_${name}`;
  const wanted = { payment_id: paymentId, payment_method_id: methodId, reason: 'they called', actor };
  await given.db.retryRequest.create({ data: { id, ...wanted } });
  return id;
}

const attempt = (id: string, number: number, trigger: 'automatic_retry' | 'manual_retry') =>
  attemptPayment(given, { payment_id: id, number, trigger });
const judged = (id: string) => given.db.retryRequest.findUniqueOrThrow({ where: { id } });

it('is fulfilled once, although the process that fulfils it ends in between', async () => {
  const { id } = await declinedRenewal();
  const first = await request(id, 'a');
  const wanted = { retry_request_id: first, number: 2, payment_method_id: null };
  expect(await nextRequest(given.db, id)).toEqual(wanted);
  const answer = await attempt(id, 2, 'manual_retry');
  expect(await nextRequest(given.db, id)).toEqual(wanted);
  await concludeRequest(given.db, first, answer);
  expect(await judged(first)).toMatchObject({ status: 'attempted', attempt: 2 });
  expect(await nextRequest(given.db, id)).toBeNull();
});

it('of two people at once is one attempt although that one fails; the other wish is refused', async () => {
  const { id } = await declinedRenewal();
  const [first, second] = [await request(id, 'a'), await request(id, 'b')];
  expect(await nextRequest(given.db, id)).toMatchObject({ retry_request_id: first });
  await concludeRequest(given.db, first, await attempt(id, 2, 'manual_retry'));
  expect(await nextRequest(given.db, id)).toBeNull();
  expect(await judged(second)).toMatchObject({ status: 'refused', refusal: 'in_flight', attempt: null });
});

it('that came when an automatic attempt was about to begin is answered by that one', async () => {
  const { id } = await declinedRenewal();
  const late = await request(id, 'a');
  await attempt(id, 2, 'automatic_retry');
  expect(await nextRequest(given.db, id)).toBeNull();
  expect(await judged(late)).toMatchObject({ status: 'refused', refusal: 'in_flight' });
  const next = await request(id, 'b');
  expect(await nextRequest(given.db, id)).toMatchObject({ retry_request_id: next, number: 3 });
});

it('for another payment method is not answered by an attempt with the present one', async () => {
  const { id, customer } = await declinedRenewal();
  const other = { id: `${id}_other`, customer_id: customer, provider: 'sandbox', token: 'tok_ok' };
  await given.db.paymentMethod.create({ data: other });
  const wanted = await request(id, 'a', other.id);
  await attempt(id, 2, 'automatic_retry');
  expect(await nextRequest(given.db, id)).toEqual({
    retry_request_id: wanted,
    number: 3,
    payment_method_id: other.id,
  });
});

it.each([
  ['completed', completed],
  ['pending', pending],
  ['in_flight', noAnswer],
] as const)('is refused as %s when an automatic attempt has come to that', async (refusal, outcome) => {
  const { id } = await declinedRenewal();
  given.provider.charges = [outcome];
  await attempt(id, 2, 'automatic_retry');
  const late = await request(id, 'a');
  expect(await nextRequest(given.db, id)).toBeNull();
  expect(await judged(late)).toMatchObject({ status: 'refused', refusal });
});

it('is refused when the subscription has ended meanwhile', async () => {
  const { id, lived } = await declinedRenewal();
  const late = await request(id, 'a');
  await lived.cancel({});
  expect(await nextRequest(given.db, id)).toBeNull();
  // The end has cancelled the payment.
  expect(await judged(late)).toMatchObject({ status: 'refused', refusal: 'cancelled' });
});
