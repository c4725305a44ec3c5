/**
 * The transaction before a provider is called: the attempt's row, or the reason why there is none.
 *
 * Invariants: no attempt begins under a final or paused subscription (its row is shared until the commit), none
 * beside an open one; every execution of an attempt uses the row's values; a key is sent only within 10 minutes, and
 * later only once lookups have proven that its provider has no record of it (`absent-attempt.ts`). A renewal's attempt is
 * called by who began it, and then by its follow-up: nobody else, and not both at once.
 */
import type { AttemptTrigger, Failure } from '../../domain/payment/payment';
import { failure, isPaymentPaid, mayBeginAttempt } from '../../domain/payment/payment';
import { attemptIdempotencyKey } from '../../domain/ids';
import { isFinal } from '../../domain/subscription/subscription';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { lockPaymentInOrder, type LockedPayment } from '../locks';
import {
  failureOf,
  type AttemptRow,
  type PaymentMethodRow,
  type PaymentRow,
  type SubscriptionRow,
} from '../rows';
import { methodToCharge } from './card-store';
import { settleAttempt } from './settle-attempt';
import { attemptsOf, insertAttempt, type AttemptedPayment } from './attempt-store';
import { findPaymentMethod } from './store';
import type { ChargeRequest } from '../../providers/port';
import type { TraceContext } from '../../domain/trace';
import { traceOfNewAttempt } from './new-attempt-trace';

/** What of a payment method a charge needs. */
export type ChargedMethod = Pick<PaymentMethodRow, 'id' | 'provider' | 'token' | 'provider_customer'>;

/** So long after it has begun an attempt's first call may be under way: the call, and the transaction after it. */
const firstCallWithinMs = 15_000;
/** {@link firstCallWithinMs}, for the follow-up, whose last try comes 13 s after its first. */
const repeatedAfterMs = 12_000;

/** Older keys may have been forgotten by the provider, which would charge again. */
const keyLifetimeMs = 10 * 60_000;

export interface AttemptRequest {
  payment_id: string;
  number: number;
  trigger: AttemptTrigger;
  /** The method that somebody wants charged; left out: the one that is due. */
  payment_method_id?: string | null;
  /** The renewal run that asks; left out: none. */
  renewal_run_id?: string | null;
}

export type RefusalReason =
  'subscription_final' | 'subscription_paused' | 'payment_not_chargeable' | 'no_payment_method';

/**
 * What an attempt came to. `open`: nobody knows yet, or the customer has to act first. `under_way_ms`: another is calling
 * the provider, and has an answer within this time.
 */
export type AttemptAnswer =
  | { status: 'completed' }
  | { status: 'failed'; failure: Failure }
  | { status: 'refused'; reason: RefusalReason }
  | { status: 'open'; waits_for_customer?: true; under_way_ms?: number };

/** The call that an attempt makes. */
export interface AttemptCall {
  kind: 'call';
  provider: string;
  paymentMethodId: string;
  charge: ChargeRequest;
}

export type BegunAttempt = AttemptCall | { kind: 'answer'; answer: AttemptAnswer };

const answer = (given: AttemptAnswer): BegunAttempt => ({ kind: 'answer', answer: given });

/** @param repeat only an attempt that exists may be sent again; none is begun */
export async function beginAttempt(
  db: Database,
  request: AttemptRequest,
  repeat: boolean,
): Promise<BegunAttempt> {
  return inTransaction(db, async (tx) =>
    beginLocked(tx, await lockPaymentInOrder(tx, request.payment_id), request, repeat),
  );
}

/** {@link beginAttempt} for who holds the locks already. @param locked the rows as they stand under them */
export async function beginLocked(
  tx: Transaction,
  { payment, subscription }: Omit<LockedPayment, 'realNow'>,
  request: AttemptRequest,
  repeat: boolean,
): Promise<BegunAttempt> {
  const attempts = await attemptsOf(tx, payment.id);
  const existing = attempts.find(({ number }) => number === request.number);
  if (existing !== undefined) {
    const now = await databaseNow(tx);
    const others = callOfOthers(payment, existing, request, { repeat, now });
    return others ?? continueAttempt(tx, payment, existing, subscription, now);
  }
  if (repeat) return answer({ status: 'open' });
  const refused = refusal(payment, attempts.length, request.number, subscription);
  if (refused !== null) return answer({ status: 'refused', reason: refused });
  const wanted = request.payment_method_id ?? null;
  return beginNew(tx, payment, request, await methodToCharge(tx, payment, subscription, wanted));
}

/**
 * Null: the call is for who asks. A repeat by who began it is for them, unless their call has ended: they have died
 * meanwhile.
 */
function callOfOthers(
  payment: PaymentRow,
  attempt: AttemptRow,
  { renewal_run_id: runId = null }: AttemptRequest,
  { repeat, now }: { repeat: boolean; now: Date },
): BegunAttempt | null {
  if (attempt.trigger !== 'renewal' || attempt.settled_at !== null) return null;
  const isUnderWay = attempt.status === 'processing' && attempt.last_call_ended_at === null;
  if (isUnderWay && !repeat && payment.renewal_run_id === runId) return null;
  const endsAtMs = attempt.started_at.getTime() + (repeat ? repeatedAfterMs : firstCallWithinMs);
  const underWayMs = isUnderWay ? endsAtMs - now.getTime() : 0;
  if (underWayMs > 0) return answer({ status: 'open', under_way_ms: underWayMs });
  // Its follow-up repeats it.
  return repeat ? null : answer({ status: 'open' });
}

async function continueAttempt(
  tx: Transaction,
  payment: PaymentRow,
  attempt: AttemptRow,
  subscription: SubscriptionRow | null,
  now: Date,
): Promise<BegunAttempt> {
  if (attempt.settled_at !== null) return answer(settledAnswer(attempt));
  if (subscription !== null && isFinal(subscription.status)) return answer({ status: 'open' });
  // Another attempt has paid meanwhile.
  if (isPaymentPaid(payment.status)) return answer({ status: 'open' });
  if (now.getTime() - attempt.started_at.getTime() > keyLifetimeMs) return answer({ status: 'open' });
  const { payment_method_id: methodId } = attempt;
  const method = methodId === null ? null : await findPaymentMethod(tx, methodId);
  return callOf(payment, attempt, method);
}

/** The answer that a settled attempt gives for ever. */
export function settledAnswer(attempt: AttemptRow): AttemptAnswer {
  return attempt.status === 'completed'
    ? { status: 'completed' }
    : { status: 'failed', failure: failureOf(attempt) };
}

function refusal(
  payment: PaymentRow,
  attempts: number,
  number: number,
  subscription: SubscriptionRow | null,
): RefusalReason | null {
  if (subscription !== null && isFinal(subscription.status)) return 'subscription_final';
  if (subscription?.status === 'paused') return 'subscription_paused';
  return mayBeginAttempt(payment.status, attempts, number) ? null : 'payment_not_chargeable';
}

/**
 * Begins an attempt that nobody has begun and nothing speaks against.
 * @param payment the transaction holds its row, or has just written it
 * @param method what {@link methodToCharge} says, or would say
 */
export async function beginNew(
  tx: Transaction,
  payment: AttemptedPayment,
  request: AttemptRequest,
  method: ChargedMethod | null,
): Promise<BegunAttempt> {
  if (method === null && request.number > 1)
    return answer({ status: 'refused', reason: 'no_payment_method' });
  const trace = await traceOfNewAttempt(tx, payment, request);
  const attempt = await insertAttempt(tx, payment, newAttempt(payment, request, method, trace));
  if (method !== null) return callOf(payment, attempt, method);
  const settled = await settleAttempt(
    tx,
    payment.id,
    attempt.number,
    {
      status: 'failed',
      provider_reference: null,
      failure: failure('invalid_payment_method', 'There is no payment method to charge.'),
    },
    'answer',
  );
  return answer(settledAnswer(settled.attempt));
}

/** What is written of an attempt that begins. @param method null: there is none */
export function newAttempt<Method extends ChargedMethod | null>(
  { id, kind }: Pick<AttemptedPayment, 'id' | 'kind'>,
  { number, trigger, renewal_run_id: renewalRunId = null }: AttemptRequest,
  method: Method,
  trace: TraceContext,
) {
  const idempotencyKey = attemptIdempotencyKey(id, number);
  // The customer of a first payment is there, with each card that they give; an operator retries without them.
  const onSession = kind === 'first' && trigger === 'first';
  return { number, idempotencyKey, trigger, onSession, method, trace, renewalRunId };
}

/** The call of an attempt that has been written with its payment. */
export function firstCall(
  payment: AttemptedPayment,
  { number, idempotencyKey, onSession, method }: ReturnType<typeof newAttempt<ChargedMethod>>,
): BegunAttempt {
  const { amount, currency } = payment;
  const { provider } = method;
  const sent = { number, idempotency_key: idempotencyKey, on_session: onSession, provider, amount, currency };
  return callOf(payment, sent, method);
}

/** What of an attempt's row is sent. */
type SentAttempt = Pick<
  AttemptRow,
  'number' | 'idempotency_key' | 'on_session' | 'provider' | 'amount' | 'currency'
>;

/** What is sent of an attempt: always the same. An attempt without a method, or a provider, is not sent. */
export function callOf(
  payment: AttemptedPayment,
  attempt: SentAttempt,
  method: ChargedMethod | null,
): BegunAttempt {
  if (method === null || attempt.provider === null) return answer({ status: 'open' });
  return {
    kind: 'call',
    provider: attempt.provider,
    paymentMethodId: method.id,
    charge: {
      idempotencyKey: attempt.idempotency_key,
      amount: Number(attempt.amount),
      currency: attempt.currency,
      token: method.token,
      offSession: !attempt.on_session,
      paymentId: payment.id,
      attempt: attempt.number,
      subscriptionId: payment.subscription_id,
      customerId: payment.customer_id,
      providerCustomer: method.provider_customer,
    },
  };
}
