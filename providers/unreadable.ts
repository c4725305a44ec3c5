/**
 * What adapters report of a verified webhook that has another shape than they know. Whose it is comes first: what is
 * about nothing of ours reports nothing, whatever its shape.
 */
import { createHash } from 'node:crypto';
import type { ProviderEvent } from '../contracts/topics/provider-events';

/** An event that reports nothing. */
export const nothing = { payment_id: null, outcome: null, dispute: null, refund: null } as const;

/**
 * A part of an event that may concern us and cannot be read.
 * @param reason a sentence for the operator; nothing of the webhook's own text
 * @param chargeReference the provider's name of the charge that it is about; null: not known
 */
export function unreadable(
  reason: string,
  chargeReference: string | null = null,
): Pick<ProviderEvent, 'unreadable'> {
  return { unreadable: { reason, charge_reference: chargeReference } };
}

/** A webhook without a readable id and type: the event is named by its bytes, so that a repeat is the same one. */
export function unreadableWebhook(body: Buffer, reason: string): ProviderEvent {
  const id = `unreadable/${createHash('sha256').update(body).digest('hex')}`;
  return { id, type: 'unreadable', ...nothing, ...unreadable(reason) };
}
