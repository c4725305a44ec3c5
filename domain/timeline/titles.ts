/**
 * What happened, in one sentence each, for people who read a timeline.
 *
 * Pure: sentences follow from the rows alone. Amounts are in the currency's own units; instants are UTC.
 */
import { moneyText } from '../money';
import type { OperatorTaskKind } from '../payment/operator-task';
import type { AttemptStatus, Failure } from '../payment/payment';
import type { FinalAction } from '../retry/policy';
import { refundFailureText, type RefundStatus } from '../payment/refund';

/** `card_declined` as people read it. */
function words(name: string): string {
  return name.replaceAll('_', ' ');
}

/** `2027-03-01 09:00 UTC`. @param at RFC 3339, UTC */
export function minuteText(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

/** @param code of the problem, when it was refused */
export function callTitle(action: string, status: number | null, code: string | null): string {
  if (status === null) return `${action}: the outcome is not known`;
  return code === null ? `${action} answered ${status}` : `${action} refused with ${status}: ${words(code)}`;
}

/** @param topic of a record from outside that was accepted */
export function recordTitle(topic: string, source: string): string {
  return `Record of ${source} on ${topic} accepted`;
}

interface TitledAttempt {
  number: number;
  status: AttemptStatus;
  failure: Failure | null;
  amount: number;
  currency: string;
}

export function attemptTitle({ number, status, failure, amount, currency }: TitledAttempt): string {
  const attempt = `Attempt ${number}`;
  switch (status) {
    case 'completed':
      return `${attempt} took ${moneyText(amount, currency)}`;
    case 'failed':
      return failure === null ? `${attempt} failed` : `${attempt} ${failureText(failure)}`;
    case 'processing':
      return `${attempt} began`;
    case 'requires_action':
      return `${attempt} waits for the customer`;
    case 'pending':
      return `${attempt} waits for the provider`;
    case 'unknown':
      return `${attempt} has no known outcome`;
  }
}

/** Failures that may come without a bank having declined anything. */
const undeclined: ReadonlySet<Failure['code']> = new Set(['processing_error', 'invalid_payment_method']);

function failureText({ category, code }: Failure): string {
  if (category === 'not_completed') return 'was not completed';
  const what = `${undeclined.has(code) ? 'failed' : 'declined'}: ${words(code)}`;
  return category === code ? what : `${what} (${words(category)})`;
}

interface TitledRefund {
  amount: number;
  currency: string;
  status: RefundStatus;
  /** Why it was asked for. */
  reason: string;
  /** Why it failed; null: it did not, or that is not known. */
  failure: string | null;
  /** Whether it failed and was given up. */
  isGivenUp: boolean;
}

export function refundTitle({ reason, ...refund }: TitledRefund): string {
  const { amount, currency, status, failure, isGivenUp } = refund;
  const money = moneyText(amount, currency);
  if (status !== 'failed') return `Refund of ${money} ${status}: ${reason}`;
  const why = failure === null ? '' : ` (${refundFailureText(failure)})`;
  const now = isGivenUp ? 'it is given up' : 'its money stays reserved';
  return `Refund of ${money} failed${why}, ${now}; it was asked for as: ${reason}`;
}

/** @param outcome what became of it, in words; null while nobody has looked at it */
export function webhookTitle(provider: string, eventType: string, outcome: string | null): string {
  const webhook = `Webhook ${eventType} from ${provider}`;
  return outcome === null ? `${webhook}: not yet looked at` : `${webhook}: ${outcome}`;
}

interface TitledEvent {
  topic: string;
  event_id: string;
  partition: number | null;
  offset: string | null;
  parked: boolean;
}

export function eventTitle(event: TitledEvent): string {
  const { topic, event_id } = event;
  if (topic !== 'notifications.requested') return `Event ${topic} ${whereabouts(event)}`;
  return `Notification ${words(event_id.split('/')[0] ?? '')} asked for`;
}

function whereabouts({ partition, offset, parked }: TitledEvent): string {
  if (parked) return 'was refused by Kafka and waits for an operator';
  return partition === null ? 'is to be published' : `is on partition ${partition} at offset ${offset}`;
}

interface TitledPlan {
  kind: 'attempt' | 'wait_for_payment_method' | 'wait_for_customer' | 'exhausted';
  /** When it is due, or how long is waited; RFC 3339, UTC. */
  at: string;
  reason: string;
  final_action: FinalAction | null;
}

export function planTitle({ kind, at, reason, final_action }: TitledPlan): string {
  const when = minuteText(at);
  switch (kind) {
    case 'attempt':
      return `Next attempt planned for ${when}: ${reason}`;
    case 'wait_for_payment_method':
      return `Waiting for another payment method until ${when}: ${reason}`;
    case 'wait_for_customer':
      return `Waiting for the customer until ${when}: ${reason}`;
    case 'exhausted':
      return `No further attempt; ${words(final_action ?? 'the final action')} at ${when}: ${reason}`;
  }
}

/** @param source the service whose record asked for it; null: our API */
export function retryRequestTitle(reason: string, source: string | null): string {
  return `Retry asked for${source === null ? '' : ` by ${source}`}: ${reason}`;
}

/** @param refusal why, as the request has it */
export function retryRefusalTitle(refusal: string): string {
  return `Retry refused: ${words(refusal)}`;
}

export function taskTitle(kind: OperatorTaskKind, detail: string): string {
  return `A person is asked about ${words(kind)}: ${detail}`;
}

/** What ended an operator task. */
interface TitledResolution {
  /** Whether a person or a caller did; else what was asked has answered itself. */
  byPerson: boolean;
  reason: string;
  /** Where the task asked for one. */
  outcome: string | null;
}

export function resolutionTitle(kind: OperatorTaskKind, resolution: TitledResolution | null): string {
  if (resolution !== null && !resolution.byPerson) {
    return `The question about ${words(kind)} has answered itself: ${resolution.reason}`;
  }
  const outcome = resolution?.outcome ?? null;
  const resolved = `A person decided about ${words(kind)}`;
  return outcome === null ? resolved : `${resolved}: ${outcome}`;
}
