/**
 * What records mean for the retry process of a payment.
 *
 * Invariants: our own rows confirm an outcome before anything follows from it; a failure that a plan covers already, or
 * that a later attempt has followed, starts nothing; a manual retry request has one row, whichever producer published it.
 */
import { id as wellFormedId } from '../../contracts/fields';
import type { ReadEvent } from '../../contracts/topics/envelope';
import type { EventData } from '../../contracts/topics/events';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import { isRetried } from '../../domain/retry/eligibility';
import { inTransaction, type Database } from '../../prisma/client';
import {
  acceptCharge,
  externalActor,
  requireAllowedSource,
  requireBounded,
  requireOwnMethod,
  type ExternalRules,
} from '../external-records';
import { confirmPaymentOutcome } from '../payment/confirm-outcome';
import type { RetryRequestRow } from '../rows';
import { Unprocessable } from '../unprocessable';
import { findRequest, insertRequest } from './store';

/** Decides whether a failed payment needs its retry process. @throws Unprocessable */
export async function promptAfterFailure(
  db: Database,
  failed: EventData<'payments.failed'>,
): Promise<WorkflowMessage[]> {
  const { payment, attempt } = await confirmPaymentOutcome(db, failed);
  if (payment.status !== 'failed' || !isRetried(payment.kind)) return [];
  const later = { payment_id: payment.id, number: { gt: attempt.number } };
  if ((await db.paymentAttempt.count({ where: later })) > 0) return [];
  const covering = { payment_id: payment.id, after_attempt: { gte: attempt.number } };
  if ((await db.retryPlan.count({ where: covering })) > 0) return [];
  return [{ kind: 'start_retry', payment_id: payment.id, reason: 'failed' }];
}

/** Accepts a manual retry request, once by its id; another service's gets its row here. @throws Unprocessable */
export async function acceptRetryRequest(
  db: Database,
  event: RetryRequested,
  rules: ExternalRules,
): Promise<WorkflowMessage[]> {
  const { payment_id, retry_request_id: id } = event.data;
  if (!wellFormedId.safeParse(id).success) {
    throw new Unprocessable('contradicts_payment', 'the request’s id is not well-formed');
  }
  const request = (await findRequest(db, id)) ?? (await acceptExternal(db, event, rules));
  if (request.payment_id !== payment_id) {
    throw new Unprocessable('contradicts_payment', `${id} is a request about another payment`);
  }
  if (request.settled_at !== null) return [];
  return [{ kind: 'start_retry', payment_id, reason: 'manualRetry' }];
}

type RetryRequested = ReadEvent<'payments.retry.requested'>;
type FoundRequest = Pick<RetryRequestRow, 'payment_id' | 'settled_at'>;

/** A request of our API, or of a bulk retry, has its row before its record: one without a row comes from outside. */
async function acceptExternal(
  db: Database,
  event: RetryRequested,
  rules: ExternalRules,
): Promise<FoundRequest> {
  const source = requireAllowedSource(rules, event.source);
  const { payment_id, subscription_id, customer_id, retry_request_id: id } = event.data;
  const { payment_method_id, reason, actor: named } = event.data;
  requireBounded({ id, reason, actor: named });
  const payment = await db.payment.findUnique({ where: { id: payment_id } });
  if (payment === null) throw new Unprocessable('unknown_payment', `there is no payment ${payment_id}`);
  if (payment.subscription_id !== subscription_id || payment.customer_id !== customer_id) {
    throw new Unprocessable('contradicts_payment', `${payment_id} is another's`);
  }
  await requireOwnMethod(db, customer_id, payment_method_id);
  const actor = externalActor(source, named, reason);
  return inTransaction(db, async (tx) => {
    const wanted = { id, payment_id, payment_method_id, reason, actor, trace: { ...event.trace } };
    const isNew = await insertRequest(tx, wanted);
    if (isNew) await acceptCharge(tx, rules, 'payments.retry.requested', event, actor);
    // Another process may have written it meanwhile.
    const request = await findRequest(tx, id);
    if (request === null) throw new Error(`request ${id} was neither written nor found`);
    return request;
  });
}
