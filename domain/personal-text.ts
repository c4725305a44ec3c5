/** JSON without what is personal in it. Pure. */

/** What stands where a text was that may not be missing. */
export const erasedText = 'erased';

/** Reasons that the product itself writes, some of which decide about money: they are codes, and stay. */
export const ownReasons: ReadonlySet<string> = new Set([
  'second_success',
  'subscription_final',
  'payment_cancelled',
  'amount_mismatch',
  'made_at_provider',
  'change_overtaken',
  'change_cancelled',
  'payout',
  'subscription_cancelled',
  'subscription_ended',
  'no_transport',
  'no_address',
  'customer_erased',
  'outdated',
]);

const blankedNames = new Set(['email', 'name', 'brand', 'last4', 'exp_month', 'exp_year', 'fingerprint']);

/**
 * Returns JSON without what is personal by its name: metadata, what identifies a person or a card, who another service
 * claims to be. A reason becomes `reason`, unless it is one of {@link ownReasons}.
 */
export function withoutPersonalText(json: unknown, reason: string | null = erasedText): unknown {
  if (Array.isArray(json)) return json.map((item) => withoutPersonalText(item, reason));
  if (json === null || typeof json !== 'object') return json;
  const fields = Object.entries(json).flatMap(([name, value]): [string, unknown][] => {
    if (value === null) return [[name, null]];
    if (name === 'claimed') return [];
    if (name === 'metadata') return [[name, {}]];
    if (blankedNames.has(name)) return [[name, null]];
    if (name === 'reason' && typeof value === 'string')
      return [[name, ownReasons.has(value) ? value : reason]];
    return [[name, withoutPersonalText(value, reason)]];
  });
  return Object.fromEntries(fields);
}
