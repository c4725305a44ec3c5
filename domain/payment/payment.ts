/**
 * Payments and their attempts: states, declines, and what an outcome makes of a payment.
 *
 * Pure; safe for workflows. Invariants: an attempt is settled once; a completed payment is never failed again.
 */

export const paymentKinds = ['first', 'renewal', 'proration', 'manual'] as const;
export type PaymentKind = (typeof paymentKinds)[number];

export const paymentStatuses = [
  'requested',
  'processing',
  'requires_action',
  'pending',
  'unknown',
  'completed',
  'failed',
  'cancelled',
  'uncollectible',
  'partially_refunded',
  'refunded',
  'disputed',
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const attemptStatuses = [
  'processing',
  'requires_action',
  'pending',
  'unknown',
  'completed',
  'failed',
] as const;
export type AttemptStatus = (typeof attemptStatuses)[number];

export const attemptTriggers = ['first', 'renewal', 'automatic_retry', 'manual_retry', 'manual'] as const;
export type AttemptTrigger = (typeof attemptTriggers)[number];

export const settledBy = ['answer', 'webhook', 'lookup'] as const;
export type SettledBy = (typeof settledBy)[number];

/** Soft: another attempt may succeed. */
export const softDeclines = [
  'insufficient_funds',
  'do_not_honor',
  'limit_exceeded',
  'processing_error',
  'try_again_later',
] as const;
/** Hard: the same payment method will not succeed; networks forbid repeating. */
export const hardDeclines = [
  'expired_card',
  'invalid_payment_method',
  'stolen_or_lost',
  'account_closed',
  'revoked_authorization',
  'fraud_suspected',
] as const;
/** The one table that every provider's decline codes are mapped to. */
export const declineCodes = [
  ...softDeclines,
  ...hardDeclines,
  'authentication_required',
  'not_completed',
] as const;
export type DeclineCode = (typeof declineCodes)[number];

export const declineCategories = ['soft', 'hard', 'authentication_required', 'not_completed'] as const;
export type DeclineCategory = (typeof declineCategories)[number];

/** Why an attempt failed. `message` is for people and holds no personal data. */
export interface Failure {
  category: DeclineCategory;
  code: DeclineCode;
  provider_code: string | null;
  message: string;
  network_advice: string | null;
}

/** What the customer has to do before the provider goes on. */
export interface NextAction {
  type: string;
  url: string | null;
  expires_at: string | null;
}

/** A charge that took money, as the provider names it. */
export interface NamedCharge {
  /** Minor units. */
  amount: number;
  currency: string;
  provider_reference: string | null;
}

/** What was charged that is not wanted, and goes back: only an operator records it, of another amount than was asked. */
interface ChargedBeside {
  /** Minor units of the charge, beside what the attempt asked for; of a failed attempt all of it. Left out: nothing. */
  beside?: number;
}

/** What is known of an attempt after it was asked about. `unknown`: the provider gave no clear answer. */
export type AttemptOutcome =
  /** The provider's name of the charge is not known only where a person found it out. */
  | ({ status: 'completed'; provider_reference: string | null } & ChargedBeside)
  | ({ status: 'failed'; provider_reference: string | null; failure: Failure } & ChargedBeside)
  | { status: 'requires_action'; provider_reference: string; next_action: NextAction }
  | { status: 'pending'; provider_reference: string }
  /** `named`: with `amount_mismatch`, what was charged, where the provider reports that something was. */
  | { status: 'unknown'; reason: string; named?: NamedCharge };

/** Another amount or currency than was asked for. @param named left out: no charge is reported */
export function amountMismatch(named?: NamedCharge): AttemptOutcome & { status: 'unknown' } {
  return { status: 'unknown', reason: 'amount_mismatch', ...(named !== undefined && { named }) };
}

export type SettledOutcome = Extract<AttemptOutcome, { status: 'completed' | 'failed' }>;

/** The category that decides about automatic attempts. */
export function declineCategory(code: DeclineCode): DeclineCategory {
  if ((softDeclines as readonly string[]).includes(code)) return 'soft';
  if ((hardDeclines as readonly string[]).includes(code)) return 'hard';
  return code === 'authentication_required' ? 'authentication_required' : 'not_completed';
}

/** A failure of the table, with its category. */
export function failure(
  code: DeclineCode,
  message: string,
  providerCode: string | null = null,
  networkAdvice: string | null = null,
): Failure {
  return {
    category: declineCategory(code),
    code,
    provider_code: providerCode,
    message,
    network_advice: networkAdvice,
  };
}

/** Providers' codes for a charge that is refused because of its amount: by the provider, or by the bank. */
export const amountFaultCodes: ReadonlySet<string> = new Set([
  'amount_too_small',
  'amount_too_large',
  'amount_not_supported',
  'invalid_charge_amount',
  'invalid_amount',
  'partner_invalid_amount',
]);

/**
 * The failure of an attempt whose amount the provider refuses. It says nothing about the payment method.
 * @param providerCode one of {@link amountFaultCodes}
 */
export function amountFault(message: string, providerCode: string): Failure {
  return failure('processing_error', message, providerCode);
}

/** Whether an attempt failed because of its amount, so that its payment method is as good as before. */
export function isAmountFault({ code, provider_code }: Pick<Failure, 'code' | 'provider_code'>): boolean {
  return code === 'processing_error' && provider_code !== null && amountFaultCodes.has(provider_code);
}

/**
 * Whether a failed payment of this kind is cancelled when its subscription ends. The failure of a first payment ends the
 * subscription itself; payments of their own are for something else.
 */
export function endsWithSubscription(kind: PaymentKind): boolean {
  return kind === 'renewal' || kind === 'proration';
}

export const kindsThatEndWithSubscription = paymentKinds.filter(endsWithSubscription);

/** What a cancellation request does: at once, when the open attempt fails, nothing any more, or it is refused. */
export function decideCancelPayment(
  payment: PaymentStatus,
  attempt: AttemptStatus | null,
): 'cancel' | 'request' | 'unchanged' | 'refused' {
  if (payment === 'cancelled') return 'unchanged';
  if (isPaymentPaid(payment) || payment === 'uncollectible') return 'refused';
  return attempt !== null && isAttemptOpen(attempt) ? 'request' : 'cancel';
}

/** Whether the attempt has its final outcome; it is then never written again. */
export function isSettled(status: AttemptStatus): status is 'completed' | 'failed' {
  return status === 'completed' || status === 'failed';
}

/** Whether nobody knows yet what became of the attempt. */
export function isAttemptOpen(status: AttemptStatus): boolean {
  return !isSettled(status);
}

/** Whether money may still come (or has to be asked about) for a payment in this state. */
export function isPaymentOpen(status: PaymentStatus): boolean {
  return ['requested', 'processing', 'requires_action', 'pending', 'unknown'].includes(status);
}

/** Whether the money of the payment was taken, whatever became of it since. */
export function isPaymentPaid(status: PaymentStatus): boolean {
  return ['completed', 'partially_refunded', 'refunded', 'disputed'].includes(status);
}

/**
 * The attempts that a first payment may have: its customer gives one card after the other, and somebody who tries out
 * cards must not be served for ever.
 */
export const mostFirstAttempts = 10;

/**
 * Whether attempt `number` may begin on a payment that is in `status` and has `attempts` attempts so far.
 * The first on a fresh payment, the next one on a failed payment, never beside an open one.
 */
export function mayBeginAttempt(status: PaymentStatus, attempts: number, number: number): boolean {
  if (number !== attempts + 1) return false;
  return attempts === 0 ? status === 'requested' : status === 'failed';
}
