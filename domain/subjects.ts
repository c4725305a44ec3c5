/**
 * What rows of other tables are about: the kind of the thing beside its id. Pure.
 *
 * Two things of different kinds may have one id, since callers choose some ids. Invariant: the kind follows from what a row
 * has said since it was written, so that it is known of old rows, too; where it does not, it is null.
 */

/** Calls that are about what they create, once it is there. Others are about the last id in their path. */
export const createdByCall: Readonly<Record<string, string>> = {
  'POST /api-keys': 'api_key',
  'POST /bulk-retries': 'bulk_retry',
  'POST /customers': 'customer',
  'POST /customers/{customer_id}/payment-methods': 'payment_method',
  'POST /payments': 'payment',
  'POST /plans': 'plan',
  'POST /subscriptions': 'subscription',
  'POST /test-clocks': 'test_clock',
};

/** Names of path parameters that are not the kind. */
export const otherwiseNamed: Readonly<Record<string, string>> = { delivery: 'webhook_delivery' };

/** What else stands in the audit log: records from outside by their topic, and programs. */
export const otherActions: Readonly<Record<string, string>> = {
  'payments.requested': 'payment',
  'payments.retry.requested': 'payment',
  'bin/migrate': 'api_key',
};

/** Of a call that has neither created something nor an id in its path, a refusal may name the subscription. */
export const namedByRefusals = 'subscription';

/**
 * Returns the kind of what a call is about.
 * @param action method and route pattern, such as `POST /plans`
 */
export function subjectTypeOfCall(action: string, status: number): string {
  const created = status >= 200 && status < 300 ? createdByCall[action] : undefined;
  const [, named] = /\{(\w+)_id\}[^{]*$/.exec(action) ?? [];
  if (created !== undefined) return created;
  return named === undefined ? namedByRefusals : (otherwiseNamed[named] ?? named);
}

/** The kind of what an event is about, by its topic; that of `notifications.requested` follows from the template. */
export const subjectTypeOfTopic = {
  'subscriptions.created': 'subscription',
  'subscriptions.updated': 'subscription',
  'subscriptions.cancelled': 'subscription',
  'subscriptions.renew_required': 'subscription',
  'payments.requested': 'payment',
  'payments.retry.requested': 'payment',
  'payments.failed': 'payment',
  'payments.completed': 'payment',
  'webhooks.received': 'webhook_delivery',
} as const;
