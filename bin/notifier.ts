/** How customers are told, as the settings say it. */
import { fileNotifier } from '../bridge/notifications/file';
import type { Notifier } from '../bridge/notifications/port';
import { smtpNotifier } from '../bridge/notifications/smtp';
import { webhookNotifier } from '../bridge/notifications/webhook';
import type { Config } from '../config';

/** Notifications on their way at once. */
export const parallelNotifications = 5;

/** Null: nobody is told anything. */
export function notifierFrom(config: Config): Notifier | null {
  switch (config.NOTIFY_TRANSPORT) {
    case 'none':
      return null;
    case 'file': {
      const from = config.MAIL_FROM ?? 'Perennial <perennial@localhost>';
      return fileNotifier({ dir: config.NOTIFY_OUTBOX_DIR ?? '', from });
    }
    case 'smtp': {
      const { SMTP_URL: url = '', MAIL_FROM: from = '' } = config;
      return smtpNotifier({ url, from, connections: parallelNotifications });
    }
    case 'webhook': {
      const { NOTIFY_WEBHOOK_URL: url = '', NOTIFY_WEBHOOK_SECRETS: secrets = [] } = config;
      return webhookNotifier({ url, secrets, now: () => new Date() });
    }
  }
}
