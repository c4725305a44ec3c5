/**
 * Who asks for a notification: a service of ours, whose event is in the outbox, or another one.
 *
 * Invariant: a record is ours when our event of its id states the same, to the instant. A copy with other contents is
 * another service's, whatever it states, and displaces none of ours.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ReadEvent } from '../../contracts/topics/envelope';
import type { Database } from '../../prisma/client';
import { findOwnEvent } from '../outbox';

type Requested = ReadEvent<'notifications.requested'>;

/** Whether a request is one that a service of ours has written. */
export async function isOwnRequest(db: Database, event: Requested): Promise<boolean> {
  const own = await findOwnEvent(db, 'notifications.requested', event.id);
  if (own === null) return false;
  // So long after it was published it has been handled, and is not sent again.
  if (own === 'forgotten') return wasAccepted(db, event.id);
  return isDeepStrictEqual(contentOf(own), contentOf(event));
}

/** Whether a notification of this name was accepted before, whatever became of it. */
export async function wasAccepted(db: Database, name: string): Promise<boolean> {
  return (await db.notification.count({ where: { event_id: name } })) > 0;
}

function contentOf({ subject, time, data }: Requested) {
  return { subject, time, data };
}

/** The name of a notification from outside in the inbox: what it is about. It begins as no event of ours does. */
export function externalName(template: string, paymentId: string | null, about: string): string {
  return ['external', template, paymentId ?? '', about].join('/');
}
