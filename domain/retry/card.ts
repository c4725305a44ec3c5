/** Which payment methods are the same card. Pure; safe for workflows. */

/** What of a payment method identifies its card. */
export interface CardOfMethod {
  id: string;
  provider: string;
  /** The provider's own name of the card; null: it is not known. */
  fingerprint: string | null;
}

/**
 * Names the card of a payment method: a card that was deleted and added again is the same one. A method without a
 * fingerprint is a card of its own.
 */
export function cardOf({ id, provider, fingerprint }: CardOfMethod): string {
  return fingerprint === null ? id : `${provider}/${fingerprint}`;
}
