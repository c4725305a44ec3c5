/**
 * Notifications to a webhook of the company's own, signed by Standard Webhooks.
 *
 * Invariants: `webhook-id` is the event's id, the same for a repeat; redirects are not followed, and what is answered is
 * not read; what is thrown never holds the address, which may have a secret in it.
 */
import { Webhook } from 'standardwebhooks';
import type { NotificationWebhook } from '../../contracts/topics/notifications';
import { Deferred, RefusedForGood, Unreachable, type Notifier, type OutgoingNotification } from './port';

export interface WebhookSettings {
  url: string;
  /** `whsec_…`, newest first; signed with each. */
  secrets: readonly string[];
  now(): Date;
}

const answerWithinMs = 10_000;
/** Answers that say "not now". */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

export function webhookNotifier({ url, secrets, now }: WebhookSettings): Notifier {
  const signers = secrets.map((secret) => new Webhook(secret));
  return {
    channel: 'webhook',
    needsAddress: false,
    async send(message) {
      const body = JSON.stringify(bodyOf(message));
      const at = now();
      const status = await post(url, body, {
        'webhook-id': message.id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        ...message.trace,
        'webhook-signature': signers.map((signer) => signer.sign(message.id, at, body)).join(' '),
      });
      if (status >= 200 && status < 300) return message.id;
      const words = `the webhook answered ${status}`;
      throw status >= 500 || laterStatuses.has(status) ? new Deferred(words) : new RefusedForGood(words);
    },
    close: () => undefined,
  };
}

async function post(url: string, body: string, headers: Record<string, string>): Promise<number> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'perennial', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMs),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    throw meaningOf(error);
  }
}

function meaningOf(error: unknown): Error {
  const { name = 'no answer', cause } = error as { name?: string; cause?: { code?: string } };
  return new Unreachable(`the webhook cannot be reached: ${cause?.code ?? name}`);
}

/** The body of `contracts/topics/notifications`, for whichever templates there are. */
interface Body extends Omit<NotificationWebhook, 'data'> {
  data: Omit<NotificationWebhook['data'], 'template'> & { template: string };
}

function bodyOf(message: OutgoingNotification): Body {
  const { id, template, customer_id, subscription_id, payment_id } = message;
  const { to, language, subject, text, html, values, requestedAt } = message;
  const about = { id, template, customer_id, subscription_id, payment_id };
  return {
    type: `notification.${template}`,
    timestamp: requestedAt,
    data: { ...about, to, language, subject, text, html, values },
  };
}
