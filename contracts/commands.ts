/**
 * What the API asks of the process of a subscription. Plain JSON: it travels as the input of workflows and updates.
 *
 * Instants are RFC 3339 UTC. `command_id` names the asking: the same one never has a second effect.
 */
import type { SettledOutcome } from '../domain/payment';
import type { Actor } from './fields';

/** Everything that a creation needs; part of the start arguments, since only those survive from the first instant. */
export interface SubscriptionCreation {
  subscription_id: string;
  customer_id: string;
  plan_id: string;
  quantity: number;
  payment_method_id: string | null;
  /** null: the plan's. */
  trial_days: number | null;
  start_at: string | null;
  /** null: the customer's. */
  time_zone: string | null;
  retry_policy_id: string | null;
  metadata: Record<string, string>;
  actor: Actor;
  command_id: string;
  /** Later than this (database clock) nothing is created: the caller was told long before that it failed. */
  accept_by: string;
  /** How long the caller waits for the first payment's outcome, milliseconds from the start of the process. */
  answer_within_ms: number;
}

/** Start arguments of `subscription/{id}`. Without `creation` the process adopts the row that exists. */
export interface SubscriptionInput {
  subscription_id: string;
  creation: SubscriptionCreation | null;
}

export interface CancelCommand {
  command_id: string;
  mode: 'now';
  refund: 'none';
  reason: string | null;
  actor: Actor;
}

/** What `awaitCreated` says: `concluded`, read the row; `too_late`, nothing was written and nothing charged. */
export type CreationResult = 'concluded' | 'too_late';

/** Start arguments of `payment/{id}`. */
export interface PaymentInput {
  payment_id: string;
  /** Hours that a first payment may wait for its customer. */
  incomplete_hours: number;
}

/** Signal `firstPaymentSettled`. */
export interface FirstPaymentSettled {
  payment_id: string;
  outcome: SettledOutcome['status'];
}

/** Signal `cancel` to `payment/{id}`. */
export interface CancelPayment {
  reason: string;
}
