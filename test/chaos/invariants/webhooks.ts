/** Webhooks: each that the provider made was taken once and used. */
import type { DeliveryFact, Facts } from '../facts';
import { differences, type Invariant } from './invariant';

const eventTypes = { succeeded: 'charge.succeeded', failed: 'charge.failed' } as const;

function eachTakenOnce(facts: Facts): string[] {
  const { charges, refundsAtProvider, disputesAtProvider, deliveries, lostWebhooks } = facts;
  const ofCharges = charges.flatMap(({ id, status, token }) => {
    if (status !== 'succeeded' && status !== 'failed') return [];
    const reported = [`${eventTypes[status]} ${id}`];
    return isLateSuccess({ status, token }) ? [`charge.failed ${id}`, ...reported] : reported;
  });
  // What failed had succeeded before.
  const ofRefunds = refundsAtProvider.flatMap(({ id, status }) =>
    status === 'failed' ? [`refund.succeeded ${id}`, `refund.failed ${id}`] : [`refund.${status} ${id}`],
  );
  const ofDisputes = disputesAtProvider.flatMap(({ id, status }) => {
    if (status === 'inquiry') return [`dispute.inquiry ${id}`];
    return status === 'open' ? [`dispute.opened ${id}`] : [`dispute.opened ${id}`, `dispute.${status} ${id}`];
  });
  const found = deliveries.map(nameOf);
  // One that has become a dispute does not say that it was an inquiry.
  const inquiries = disputesAtProvider
    .map(({ id }) => `dispute.inquiry ${id}`)
    .filter((name) => found.includes(name));
  const made = [...ofCharges, ...ofRefunds, ...ofDisputes, ...inquiries];
  const twice = found.filter((name, index) => found.indexOf(name) !== index);
  return [
    ...differences(
      made.filter((name) => !lostWebhooks.has(name)),
      found,
    ),
    ...twice.map((name) => `twice: ${name}`),
  ];
}

const nameOf = ({ event_type, reference }: DeliveryFact): string => `${event_type} ${reference}`;

/** Declined first, and taken after all. */
export function isLateSuccess({ status, token }: { status: string; token: string }): boolean {
  return status === 'succeeded' && token.startsWith('tok_declined_then_late_ok');
}

/** What an operator is asked about a webhook that failed; undefined: nothing. */
function askedOf({ id, payment_id, event_type, outcome }: DeliveryFact) {
  if (outcome?.startsWith('It cannot be read') === true) return { kind: 'webhook_unreadable', subject: id };
  // Money of a charge that is not known to have succeeded.
  if (payment_id === null || outcome?.endsWith('once its success is known, replay this webhook.') !== true) {
    return undefined;
  }
  return { kind: event_type.startsWith('dispute.') ? 'dispute' : 'refund_failed', subject: payment_id };
}

/** Failed is used as well while an operator has an open task about just that. */
function isWithOperator(delivery: DeliveryFact, { openTasks }: Facts): boolean {
  const asked = delivery.status === 'failed' ? askedOf(delivery) : undefined;
  return openTasks.some(({ kind, subject_id: id }) => kind === asked?.kind && id === asked.subject);
}

function unused(facts: Facts): string[] {
  return facts.deliveries
    .filter(({ status }) => status !== 'processed' && status !== 'ignored')
    .filter((delivery) => !isWithOperator(delivery, facts))
    .map((delivery) => `${nameOf(delivery)} is ${delivery.status}: ${delivery.outcome}`);
}

export const webhookInvariants: readonly Invariant[] = [
  { name: 'each webhook of the provider was taken once', violations: eachTakenOnce },
  { name: 'each webhook that was taken was used', violations: unused },
];
