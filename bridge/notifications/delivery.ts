/**
 * The delivery of one notification.
 *
 * Invariants: each is sent once, as far as a receiver allows it (see the inbox); a customer who cannot be notified is
 * skipped with the reason, one that is refused for good has failed; a receiver that is down is waited for, one that
 * answers "not now" for a day at most.
 */
import type { Logger } from 'pino';
import type { ReadEvent } from '../../contracts/topics/envelope';
import { languages, type Language } from '../../contracts/topics/notifications';
import type { Database } from '../../prisma/client';
import {
  claim,
  conclude,
  notificationId,
  release,
  type Channel,
  type Claim,
  type Conclusion,
  type Request,
} from './inbox';
import { Deferred, RefusedForGood, type Notifier } from './port';
import type { ReadRequest } from './read-request';
import { render } from './render';

export interface DeliveryDependencies {
  db: Database;
  log: Logger;
  /** null: no customer is notified. */
  notifier: Notifier | null;
  /** Of customers whose `metadata.language` names none that is known. */
  language: Language;
  onConcluded(template: string, channel: Channel, status: Conclusion['status']): void;
  /** How long a sender who died holds a notification up; 2 min. */
  leaseMs?: number;
}

/** More than the longest sending takes. */
const usualLeaseMs = 120_000;
const givenUpAfterMs = 24 * 3_600_000;
/** Real time after which a notification is old, if its payment is settled. */
const outdatedAfterMs = 24 * 3_600_000;

/** Delivers a notification, once by its event. @throws when no receiver was reached, or the answer was "not now" */
export async function deliver(
  deps: DeliveryDependencies,
  { id, time, trace, data }: ReadEvent<'notifications.requested'>,
  read: ReadRequest,
): Promise<void> {
  const { db, log, notifier, leaseMs = usualLeaseMs } = deps;
  const { customer_id, subscription_id, payment_id } = data;
  const { template } = read.message;
  const channel = notifier?.channel ?? 'none';
  const about = { customer_id, subscription_id, payment_id };
  const from = read.source === null ? null : { source: read.source, recordId: id };
  const request: Request = { eventId: read.name, template, ...about, requestedAt: time, from };
  const claimed = await claim(db, request, channel, leaseMs);
  if (claimed === null) return;
  const conclusion = await conclusionOf(deps, { ...request, trace }, read, claimed);
  await conclude(db, claimed, conclusion);
  deps.onConcluded(template, channel, conclusion.status);
  if (conclusion.status === 'failed') {
    log.warn({ notification_id: claimed.id, reason: conclusion.reason }, 'notification not sent');
  }
}

/** A request, with the trace context of its record. */
type TracedRequest = Request & Pick<ReadEvent<'notifications.requested'>, 'trace'>;

async function conclusionOf(
  deps: DeliveryDependencies,
  request: TracedRequest,
  read: ReadRequest,
  claimed: Claim,
): Promise<Conclusion> {
  const { notifier } = deps;
  if (notifier === null) return { status: 'skipped', reason: 'no_transport' };
  const reason = reasonToSkip(notifier, read, request);
  return reason === null ? send(deps, notifier, request, read, claimed) : { status: 'skipped', reason };
}

function reasonToSkip(
  notifier: Notifier,
  { customer, paymentStatus, template }: ReadRequest,
  { requestedAt }: Request,
): string | null {
  if (customer.erased_at !== null) return 'customer_erased';
  if (customer.email === null && notifier.needsAddress) return 'no_address';
  const isOld = Date.now() - Date.parse(requestedAt) > outdatedAfterMs;
  return template.outdatedWhenSettled && isOld && paymentStatus !== 'failed' ? 'outdated' : null;
}

async function send(
  { db, language: usual }: DeliveryDependencies,
  notifier: Notifier,
  { eventId, template, customer_id, subscription_id, payment_id, requestedAt, trace }: TracedRequest,
  { customer, plan, message }: ReadRequest,
  claimed: Claim,
): Promise<Conclusion> {
  const { email, name, time_zone: timeZone, metadata } = customer;
  const language = languageOf(metadata) ?? usual;
  try {
    const messageId = await notifier.send({
      id: eventId,
      messageName: notificationId(eventId),
      template,
      customer_id,
      subscription_id,
      payment_id,
      to: { email, name },
      language,
      ...render(message, { language, timeZone, name, plan }),
      values: message.values,
      requestedAt,
      trace,
    });
    return { status: 'sent', messageId };
  } catch (error) {
    if (error instanceof RefusedForGood) return { status: 'failed', reason: error.message };
    if (error instanceof Deferred && claimed.ageMs > givenUpAfterMs) {
      return { status: 'failed', reason: `given up after ${claimed.attempts} attempts: ${error.message}` };
    }
    await release(db, claimed);
    throw error;
  }
}

/** `language` of the customer's metadata, when it is one that has texts. */
function languageOf(metadata: unknown): Language | null {
  const wanted = (metadata as Record<string, unknown>)['language'];
  return languages.find((language) => language === wanted) ?? null;
}
