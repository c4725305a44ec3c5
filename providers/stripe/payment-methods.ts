/**
 * Making a PaymentMethod chargeable while the customer is absent: it has to belong to a Stripe customer.
 *
 * A method that belongs to one already (because it was collected so) is taken as it is; otherwise it is attached to
 * the Stripe customer of the customer's other methods, or to a new one. Invariants: Stripe itself is the record of
 * which customer a method belongs to, so that repeats and rivals all end with the same answer; nothing is charged.
 */
import { z } from 'zod';
import { failure } from '../../domain/payment/payment';
import { countdown } from '../countdown';
import type { PaymentMethodOutcome, PaymentMethodRequest } from '../port';
import { unclear, type Refused, type StripeClient } from './client';
import { declineOf, refusalOf } from './declines';
import { unknown } from './intents';
import { stripeId } from './wire';

const paymentMethod = z.object({
  object: z.literal('payment_method'),
  id: z.string().min(1),
  customer: stripeId.nullable(),
  /** Of other kinds than cards there is none. */
  card: z
    .object({
      fingerprint: z
        .string()
        .regex(/^[\x21-\x7e]{1,200}$/)
        .nullish()
        .catch(null),
    })
    .nullish(),
});
type PaymentMethod = z.infer<typeof paymentMethod>;
const customer = z.object({ object: z.literal('customer'), id: stripeId });

/** Null: the method belongs to nobody yet. */
type Owner = PaymentMethodOutcome | null;

export async function ensurePaymentMethodAt(
  client: StripeClient,
  request: PaymentMethodRequest,
  timeoutMs: number,
): Promise<PaymentMethodOutcome> {
  const leftMs = countdown(timeoutMs);
  const owner = await ownerOf(client, request, leftMs());
  if (owner !== null) return owner;
  if (request.knownProviderCustomer !== null) {
    const attached = await attach(client, request, request.knownProviderCustomer, leftMs);
    // The known one may have been deleted at Stripe.
    if (attached !== null) return attached;
  }
  const made = await makeCustomer(client, request, leftMs());
  if (typeof made !== 'string') return made;
  return (await attach(client, request, made, leftMs)) ?? unknown('unreadable_answer');
}

async function ownerOf(
  client: StripeClient,
  request: PaymentMethodRequest,
  timeoutMs: number,
): Promise<Owner> {
  const answer = await client.ask(
    (stripe, options) => stripe.paymentMethods.retrieve(request.token, {}, options),
    timeoutMs,
  );
  if ('unknown' in answer) return unknown(answer.unknown);
  if ('refused' in answer) {
    return answer.refused.fault.code === 'resource_missing'
      ? unusable('Stripe does not know the payment method.', answer.refused)
      : unknown(unclear(answer.refused.httpStatus));
  }
  const { data: method } = paymentMethod.safeParse(answer.object);
  if (method === undefined || method.id !== request.token) return unknown('unreadable_answer');
  return method.customer === null ? null : ready(method, method.customer);
}

function ready({ card }: PaymentMethod, owner: string): PaymentMethodOutcome {
  return { status: 'ready', provider_customer: owner, fingerprint: card?.fingerprint ?? null };
}

/** @returns the new customer's id */
async function makeCustomer(
  client: StripeClient,
  request: PaymentMethodRequest,
  timeoutMs: number,
): Promise<string | Extract<PaymentMethodOutcome, { status: 'unknown' }>> {
  const answer = await client.ask(
    (stripe, options) => stripe.customers.create({ metadata: { customer_id: request.customerId } }, options),
    timeoutMs,
    `${request.idempotencyKey}/customer`,
  );
  if ('unknown' in answer) return unknown(answer.unknown);
  if ('refused' in answer) return unknown(unclear(answer.refused.httpStatus));
  const { data: made } = customer.safeParse(answer.object);
  return made === undefined ? unknown('unreadable_answer') : made.id;
}

/** Null when Stripe has no such customer. */
async function attach(
  client: StripeClient,
  request: PaymentMethodRequest,
  toCustomer: string,
  leftMs: () => number,
): Promise<Owner> {
  const answer = await client.ask(
    (stripe, options) => stripe.paymentMethods.attach(request.token, { customer: toCustomer }, options),
    leftMs(),
  );
  if ('unknown' in answer) return unknown(answer.unknown);
  if ('refused' in answer) return refusedAttachment(client, request, answer.refused, leftMs);
  const { data: method } = paymentMethod.safeParse(answer.object);
  return method?.id === request.token && method.customer === toCustomer
    ? ready(method, toCustomer)
    : unknown('unreadable_answer');
}

async function refusedAttachment(
  client: StripeClient,
  request: PaymentMethodRequest,
  refused: Refused,
  leftMs: () => number,
): Promise<Owner> {
  const { httpStatus, fault } = refused;
  // The bank was asked about the card and said no.
  if (httpStatus === 402) return { status: 'failed', provider_reference: null, failure: declineOf(fault) };
  if (fault.code === 'resource_missing' && fault.param === 'customer') return null;
  // Somebody else may have attached it meanwhile.
  const owner = await ownerOf(client, request, leftMs());
  if (owner !== null) return owner;
  const why = refusalOf(fault);
  return why === undefined
    ? unusable('Stripe does not let the payment method be used again.', refused)
    : { status: 'failed', provider_reference: null, failure: why };
}

function unusable(message: string, { fault }: Refused): PaymentMethodOutcome {
  return {
    status: 'failed',
    provider_reference: null,
    failure: failure('invalid_payment_method', message, fault.code ?? null),
  };
}
