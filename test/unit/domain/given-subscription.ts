import type { PlanTerms } from '../../../domain/subscription/change';
import type { SubscriptionFacts } from '../../../domain/subscription/facts';

/** A plan of 10.00 EUR a month. */
export const gold: PlanTerms = {
  id: 'gold',
  name: 'Gold',
  currency: 'EUR',
  amount: 1000,
  interval: { unit: 'month', count: 1 },
  active: true,
};

/** An active subscription in its paid second period, April 2027. */
export function subscriptionFacts(more: Partial<SubscriptionFacts> = {}): SubscriptionFacts {
  return {
    id: 'sub_1',
    status: 'active',
    version: 3,
    plan_id: 'gold',
    quantity: 1,
    currency: 'EUR',
    amount: 1000,
    balance: 0,
    interval: { unit: 'month', count: 1 },
    time_zone: 'Europe/Berlin',
    billing_anchor: '2027-03-01T11:00:00.000Z',
    start_at: '2027-03-01T11:00:00.000Z',
    period: { index: 2, start: '2027-04-01T10:00:00.000Z', end: '2027-05-01T10:00:00.000Z', paid: true },
    cancel_at: null,
    resume_at: null,
    pending_change: null,
    payment_method_id: 'pm_1',
    open_payment_id: null,
    trial_days: 0,
    anchor_period_index: 1,
    paused_from: null,
    ...more,
  };
}
