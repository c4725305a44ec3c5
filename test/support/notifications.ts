/** The group notification-service in a test, and a receiver of what it sends. */
import {
  notificationServiceHandlers,
  type NotificationServiceDependencies,
} from '../../bridge/consumers/notification-service';
import type { Notifier, OutgoingNotification } from '../../bridge/notifications/port';
import { silentLog } from './kafka/fresh-kafka';
import { nothingOutside } from './outside';

/** Takes every notification, and adds what `note` makes of it to `sent`. */
export function notifierInto<Note>(sent: Note[], note: (message: OutgoingNotification) => Note): Notifier {
  return {
    channel: 'file',
    needsAddress: false,
    send: (message) => Promise.resolve(String(sent.push(note(message)))),
    close: () => undefined,
  };
}

/** The group's handlers, as a deployment without settings has them. */
export function notificationHandlers(
  deps: Pick<NotificationServiceDependencies, 'db' | 'notifier'> & Partial<NotificationServiceDependencies>,
) {
  return notificationServiceHandlers({
    log: silentLog,
    external: nothingOutside,
    language: 'en',
    parallel: 5,
    onConcluded: () => undefined,
    ...deps,
  });
}
