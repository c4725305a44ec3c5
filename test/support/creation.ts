/** A creation as the API asks for it. */
import type { SubscriptionCreation } from '../../contracts/workflows/commands';

export const actor = { kind: 'api_key', id: 'key_1', reason: null } as const;

/** Of customer `cus_1`, plan `gold` and payment method `pm_1`; accepted for ever. */
export function subscriptionCreation(
  id: string,
  more: Partial<SubscriptionCreation> = {},
): SubscriptionCreation {
  return {
    subscription_id: id,
    customer_id: 'cus_1',
    plan_id: 'gold',
    quantity: 1,
    payment_method_id: 'pm_1',
    trial_days: null,
    start_at: null,
    time_zone: null,
    retry_policy_id: null,
    metadata: {},
    actor,
    command_id: `${id}/create`,
    accept_by: '2100-01-01T00:00:00.000Z',
    answer_within_ms: 1_000,
    ...more,
  };
}
