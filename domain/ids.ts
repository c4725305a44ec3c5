/**
 * Identifiers. An id says its type (TypeID: `sub_…`), and wherever a thing can be asked for twice its id is
 * derived from what it is about (UUIDv5), so that the second asking finds the first.
 *
 * Not for workflows: they are handed ids. Randomness enters as an argument (`newId` takes a UUIDv7).
 */
import { TypeID } from 'typeid-js';
import { v5 as uuidv5 } from 'uuid';

export const idPrefixes = {
  subscription: 'sub',
  payment: 'pay',
  customer: 'cus',
  plan: 'plan',
  payment_method: 'pm',
  webhook_delivery: 'whd',
  test_clock: 'clk',
  bulk_retry: 'brt',
  retry_request: 'rtr',
  refund: 'rfd',
  dispute: 'dsp',
  api_key: 'key',
  operator_task: 'opt',
  dead_letter: 'dlr',
  notification: 'ntf',
  credit: 'crd',
  payout: 'pyo',
  renewal_run: 'rnr',
} as const;
export type IdKind = keyof typeof idPrefixes;

/** Root of all derived ids; changing it would make every derived id another one. */
const namespace = '6f1c3c1e-0a55-5b64-9d1e-3f5f0f6f7a10';

/** An id that nothing determines; `uuidv7` is the caller's fresh UUIDv7, so that ids sort by time. */
export function newId(kind: IdKind, uuidv7: string): string {
  return TypeID.fromUUID(idPrefixes[kind], uuidv7).toString();
}

/**
 * Whether an id has the form of those that Perennial makes, of whatever kind. Who may choose an id has to choose another
 * form: ids of future periods can be derived, and what is kept about a subject is found by its id alone.
 */
export function hasOwnForm(id: string): boolean {
  // The first API key has an id that is written by hand.
  if (id.startsWith(`${idPrefixes.api_key}_`)) return true;
  const isOfAKind = Object.values(idPrefixes).some((prefix) => id.startsWith(`${prefix}_`));
  return isOfAKind && /_[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id);
}

/** Whether an id has the form of those that Perennial makes of this kind. */
export function hasFormOf(kind: IdKind, id: string): boolean {
  return id.startsWith(`${idPrefixes[kind]}_`) && hasOwnForm(id);
}

/** The id that follows from `about`: the same parts give the same id, for ever. */
export function derivedId(kind: IdKind, about: readonly (string | number)[]): string {
  return TypeID.fromUUID(idPrefixes[kind], uuidv5(JSON.stringify([kind, ...about]), namespace)).toString();
}

/** The id of what a POST makes, from the API key and its Idempotency-Key: repeatable before any row exists. */
export function idOfRequest(kind: IdKind, apiKeyId: string, idempotencyKey: string): string {
  return derivedId(kind, ['request', apiKeyId, idempotencyKey]);
}

/** The payment that collects one period of a subscription; there is never a second one. */
export function periodPaymentId(subscriptionId: string, periodIndex: number): string {
  return derivedId('payment', ['period', subscriptionId, periodIndex]);
}

/** The wish of a bulk retry for one of its payments; there is never a second one. */
export function bulkRetryRequestId(bulkRetryId: string, paymentId: string): string {
  return derivedId('retry_request', ['bulk', bulkRetryId, paymentId]);
}

/** What the provider deduplicates an attempt by: the same for technical repeats, new for each attempt. */
export function attemptIdempotencyKey(paymentId: string, attempt: number): string {
  return `${paymentId}/${attempt}`;
}

/** What the provider deduplicates a refund by, however often it is asked. */
export function refundIdempotencyKey(paymentId: string, refundId: string): string {
  return `${paymentId}/refund/${refundId}`;
}

/**
 * The refund of a charge that nobody wanted: a second success, or one whose subscription has ended.
 * @param reference of a second charge of the attempt; left out: the attempt's own
 */
export function unwantedChargeRefundId(paymentId: string, attempt: number, reference?: string): string {
  return derivedId('refund', [
    'unwanted',
    paymentId,
    attempt,
    ...(reference === undefined ? [] : [reference]),
  ]);
}

/** A refund that was made at the provider, by the provider's name of it. */
export function providerRefundId(paymentId: string, provider: string, reference: string): string {
  return derivedId('refund', ['provider', paymentId, provider, reference]);
}

/** A dispute, by the provider's name of it. */
export function disputeId(paymentId: string, provider: string, reference: string): string {
  return derivedId('dispute', [paymentId, provider, reference]);
}

/** What one payment gives back of the refund that a cancellation asks for; `version` is the cancellation's. */
export function cancellationRefundId(subscriptionId: string, version: number, paymentId: string): string {
  return derivedId('refund', ['cancellation', subscriptionId, version, paymentId]);
}

/** What one payment gives back of a payout. */
export function payoutRefundId(payoutId: string, paymentId: string): string {
  return derivedId('refund', ['payout', payoutId, paymentId]);
}
