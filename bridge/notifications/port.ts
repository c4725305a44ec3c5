/**
 * The port behind which notifications leave: a mail server, a webhook, files.
 *
 * Invariants: a notifier that gets the same message twice lets its receiver see that (`id`, `messageName`); what it
 * throws holds neither an address nor a secret, for it is logged.
 */
import type { Language } from '../../contracts/topics/notifications';
import type { TraceContext } from '../../domain/trace';

/** What is sent, to whom. */
export interface OutgoingNotification {
  /** The event's: the same for a repeat. */
  id: string;
  /** Derived from `id`, fit for a file's name and a Message-ID. */
  messageName: string;
  template: string;
  customer_id: string;
  subscription_id: string | null;
  payment_id: string | null;
  to: { email: string | null; name: string | null };
  language: Language;
  subject: string;
  text: string;
  html: string;
  values: Record<string, unknown>;
  /** When it was asked for, RFC 3339. */
  requestedAt: string;
  /** W3C trace context of what it follows from. */
  trace: TraceContext;
}

export interface Notifier {
  readonly channel: 'smtp' | 'webhook' | 'file';
  /** Whether a customer without an e-mail address cannot be told this way. */
  readonly needsAddress: boolean;
  /**
   * Returns when somebody else has it. @returns what its receiver knows it by
   * @throws RefusedForGood, Deferred; Unreachable when no receiver has it
   */
  send(message: OutgoingNotification): Promise<string>;
  close(): void;
}

/** The receiver answered that he will never take it. `message` is for operators. */
export class RefusedForGood extends Error {
  override readonly name = 'RefusedForGood';
}

/** The receiver answered that he does not take it now. `message` is for operators. */
export class Deferred extends Error {
  override readonly name = 'Deferred';
}

/** No receiver was reached, or none that takes notifications from us. `message` is for operators. */
export class Unreachable extends Error {}
