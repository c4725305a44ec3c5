/**
 * Group notification-service: tells customers what was asked for on notifications.requested.
 *
 * Invariants: a request is judged by our own rows before anybody is told anything; each is sent once, as far as a
 * receiver allows it (see the inbox); who cannot be told is skipped with the reason, who is refused for good is failed;
 * a receiver that is away is waited for, one that answers "not now" for a day at most.
 */
import type { Logger } from 'pino';
import type { ReadEvent } from '../../contracts/topics/envelope';
import { languages, type Language } from '../../contracts/topics/notifications';
import type { Database } from '../../prisma/client';
import type { Handlers } from '../consumer/consumer';
import {
  claim,
  conclude,
  notificationId,
  release,
  type Channel,
  type Claim,
  type Conclusion,
  type Request,
} from '../notifications/inbox';
import { Deferred, RefusedForGood, type Notifier } from '../notifications/port';
import { readRequest, type ReadRequest } from '../notifications/read-request';
import { render } from '../notifications/render';
import { Slots } from '../consumer/slots';

export interface NotificationServiceDependencies {
  db: Database;
  log: Logger;
  /** null: nobody is told anything. */
  notifier: Notifier | null;
  /** Of customers whose `metadata.language` says none that is known. */
  language: Language;
  /** At once. */
  parallel: number;
  onConcluded(template: string, channel: Channel, status: Conclusion['status']): void;
  /** How long a sender who died holds a notification up; 2 min. */
  leaseMs?: number;
}

/** More than the longest sending takes. */
const usualLeaseMs = 120_000;
const givenUpAfterMs = 24 * 3_600_000;
/** Real time after which news about a debt is old, if the debt is settled. */
const outdatedAfterMs = 24 * 3_600_000;

export function notificationServiceHandlers(deps: NotificationServiceDependencies): Handlers {
  const slots = new Slots(deps.parallel);
  return {
    async 'notifications.requested'(event) {
      const read = await readRequest(deps.db, event);
      await slots.run(() => deliver(deps, event, read));
    },
  };
}

async function deliver(
  deps: NotificationServiceDependencies,
  event: ReadEvent<'notifications.requested'>,
  read: ReadRequest,
): Promise<void> {
  const { db, log, notifier, leaseMs = usualLeaseMs } = deps;
  const { customer_id, subscription_id, payment_id } = event.data;
  const { template } = read.message;
  const channel = notifier?.channel ?? 'none';
  const about = { customer_id, subscription_id, payment_id };
  const request: Request = { eventId: event.id, template, ...about, requestedAt: event.time };
  const claimed = await claim(db, request, channel, leaseMs);
  if (claimed === null) return;
  const conclusion = await conclusionOf(deps, request, read, claimed);
  await conclude(db, claimed, conclusion);
  deps.onConcluded(template, channel, conclusion.status);
  if (conclusion.status === 'failed') {
    log.warn({ notification_id: claimed.id, reason: conclusion.reason }, 'notification not sent');
  }
}

/** @throws when nobody was reached, or the answer was "not now" */
async function conclusionOf(
  deps: NotificationServiceDependencies,
  request: Request,
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
  { customer, payment, message }: ReadRequest,
  { requestedAt }: Request,
): string | null {
  if (customer.erased_at !== null) return 'customer_erased';
  if (customer.email === null && notifier.needsAddress) return 'no_address';
  const isAboutDebt = message.template === 'payment_failed' || message.template === 'final_action_ahead';
  const isOld = Date.now() - Date.parse(requestedAt) > outdatedAfterMs;
  return isAboutDebt && isOld && payment.status !== 'failed' ? 'outdated' : null;
}

async function send(
  { db, language: usual }: NotificationServiceDependencies,
  notifier: Notifier,
  { eventId, template, customer_id, subscription_id, payment_id, requestedAt }: Request,
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
      values: message.data,
      requestedAt,
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

/** `language` of the customer's metadata, when it is one that has words. */
function languageOf(metadata: unknown): Language | null {
  const wanted = (metadata as Record<string, unknown>)['language'];
  return languages.find((language) => language === wanted) ?? null;
}
