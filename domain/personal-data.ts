/**
 * What is personal, and where it lies: the one list that erasing and exporting a customer follow.
 *
 * Invariants: every text, JSON and bytes column of the schema is in it, as personal or as kept with a reason
 * (`test/unit/domain/personal-data.test.ts`); amounts, dates and ids are kept.
 */

import type { Blank, ColumnType, PersonalColumn, PersonalTable } from './personal-columns';

const column = (what: string, type: ColumnType, blank: Blank): PersonalColumn => ({ what, type, blank });
const actor = column('who did it, with the reason', 'jsonb', 'json');
const id = { id: 'text' } as const;

/**
 * By table, in the order in which they are erased: the customer first, so that nothing new begins; tokens last, since
 * they find webhooks that name no payment.
 */
export const personalData = {
  customers: {
    owners: ['self'],
    key: id,
    personal: {
      email: column('e-mail', 'text', 'null'),
      name: column('name', 'text', 'null'),
      metadata: column('free data of the caller’s', 'jsonb', 'empty'),
    },
    kept: { id: ['id', 'test_clock_id', 'default_payment_method_id'], terms: ['time_zone'] },
  },
  subscriptions: {
    owners: ['customer'],
    key: id,
    personal: { metadata: column('free data of the caller’s', 'jsonb', 'empty') },
    kept: {
      id: [
        'id',
        'customer_id',
        'plan_id',
        'payment_method_id',
        'open_payment_id',
        'first_payment_id',
        'retry_policy_id',
        'test_clock_id',
      ],
      code: ['status', 'paused_from', 'cancel_refund'],
      terms: ['currency', 'interval_unit', 'time_zone', 'pending_change', 'provider'],
      money: ['waiting_lines', 'ledger_state'],
    },
    hidden: ['ledger_state', 'announced_version'],
  },
  subscription_periods: {
    owners: ['subscription'],
    key: { subscription_id: 'text', index: 'integer' },
    personal: {},
    kept: { id: ['subscription_id', 'payment_id'], terms: ['currency'] },
  },
  changes: {
    owners: ['history'],
    key: { subject_id: 'text', version: 'integer' },
    personal: {
      previous: column('what it was before, with metadata', 'jsonb', 'json'),
      actor,
      result: column('what it became, with metadata', 'jsonb', 'json'),
    },
    kept: { id: ['subject_id', 'command_id'], code: ['changes'] },
  },
  payments: {
    owners: ['customer'],
    key: id,
    personal: {
      next_action: column('where the customer confirms it', 'jsonb', 'null'),
      reason: column('why it was asked for', 'text', 'reason'),
      cancel_reason: column('why it was cancelled', 'text', 'reason'),
      change: column('the change that it pays, with metadata and reason', 'jsonb', 'json'),
    },
    kept: {
      id: ['id', 'customer_id', 'subscription_id', 'payment_method_id', 'renewal_run_id'],
      code: ['kind', 'status', 'provider'],
      terms: ['currency', 'pauses'],
      money: ['lines'],
      trace: ['trace'],
    },
  },
  payment_attempts: {
    owners: ['payment'],
    key: { payment_id: 'text', number: 'integer' },
    personal: {},
    kept: {
      id: ['payment_id', 'idempotency_key', 'payment_method_id', 'provider_reference'],
      code: ['trigger', 'provider', 'status', 'settled_by'],
      terms: ['currency'],
      provider: ['failure'],
      money: ['named'],
      trace: ['trace'],
    },
  },
  refunds: {
    owners: ['payment'],
    key: id,
    personal: {
      reason: column('why it was given', 'text', 'reason'),
      requested_by: actor,
    },
    kept: {
      id: ['id', 'payment_id', 'idempotency_key', 'provider_reference', 'charge_reference'],
      code: ['status'],
      terms: ['currency'],
      provider: ['failure_reason'],
      money: ['taken'],
    },
  },
  disputes: {
    owners: ['payment'],
    key: id,
    personal: {},
    kept: {
      id: ['id', 'payment_id', 'provider_reference'],
      code: ['provider', 'status'],
      terms: ['currency'],
      money: ['taken'],
    },
  },
  customer_balances: {
    owners: ['customer'],
    key: { customer_id: 'text', currency: 'text' },
    personal: {},
    kept: { id: ['customer_id'], terms: ['currency'], money: ['funds'] },
  },
  ledger_transactions: {
    owners: ['customer'],
    key: id,
    personal: { reason: column('why credit was changed or paid out', 'text', 'null') },
    kept: {
      id: ['id', 'customer_id', 'subscription_id', 'payment_id', 'refund_id', 'test_clock_id'],
      code: ['kind'],
      terms: ['currency'],
      actor: ['actor'],
    },
  },
  retry_requests: {
    owners: ['payment'],
    key: id,
    personal: { reason: column('why it was asked for', 'text', 'erased'), actor },
    kept: {
      id: ['id', 'payment_id', 'payment_method_id', 'bulk_retry_id'],
      code: ['status', 'refusal'],
      trace: ['trace'],
    },
  },
  bulk_retries: {
    owners: ['bulk'],
    key: id,
    personal: {
      reason: column('why it was asked for', 'text', 'erased'),
      actor,
      decision: column('the last decision, with its reason', 'jsonb', 'json'),
    },
    kept: { id: ['id'], code: ['status'], ours: ['filter', 'preview'], trace: ['trace'] },
  },
  notifications: {
    owners: ['customer'],
    key: id,
    personal: { reason: column('why it was not sent, in the words of the receiver', 'text', 'reason') },
    kept: {
      id: ['id', 'event_id', 'customer_id', 'subscription_id', 'payment_id', 'message_id'],
      code: ['template', 'channel', 'status'],
    },
  },
  operator_tasks: {
    owners: ['subject'],
    key: id,
    personal: {
      detail: column('what is to be decided', 'text', 'erased'),
      resolution: column('the decision, with its reason', 'jsonb', 'json'),
    },
    kept: { id: ['id', 'subject_id'], code: ['kind', 'subject_type', 'status'] },
  },
  command_texts: {
    owners: ['subject'],
    key: id,
    personal: { texts: column('metadata and reasons of a command, until it is executed', 'jsonb', 'empty') },
    kept: { id: ['id', 'subject_id'], code: ['subject_type'] },
  },
  idempotency_keys: {
    owners: ['answer'],
    key: { api_key_id: 'text', key: 'text' },
    personal: { body: column('the answer that repeats get', 'jsonb', 'answer') },
    kept: { id: ['api_key_id', 'key', 'lease_holder', 'headers'], hash: ['request_hash'] },
    hidden: ['lease_holder', 'lease_until', 'request_hash'],
  },
  audit_log: {
    owners: ['audited'],
    key: { id: 'bigint' },
    personal: { actor },
    kept: { id: ['subject_id', 'request_id'], code: ['action', 'detail'] },
  },
  outbox_events: {
    owners: ['event'],
    key: { id: 'bigint' },
    personal: { payload: column('the event, with metadata and reasons', 'text', 'event') },
    kept: { id: ['event_id', 'key', 'subject'], code: ['topic'] },
  },
  dead_letters: {
    owners: ['record'],
    key: id,
    personal: {
      value: column('the record as another service wrote it', 'bytea', 'record'),
      headers: column('its headers', 'jsonb', 'headers'),
      error: column('why it cannot be handled', 'text', 'erased'),
      resolved: column('the decision, with its reason', 'jsonb', 'json'),
    },
    kept: { id: ['id', 'key', 'event_id'], code: ['group', 'topic', 'error_code', 'status'] },
  },
  webhook_deliveries: {
    owners: ['payment', 'mentioned'],
    key: id,
    personal: {
      body: column('the webhook as it came', 'bytea', 'null'),
      headers: column('its headers', 'jsonb', 'empty'),
      event: column('what was read in it', 'jsonb', 'json'),
      outcome: column('what it meant', 'text', 'erased'),
    },
    kept: {
      id: ['id', 'provider_event_id', 'payment_id'],
      code: ['provider', 'event_type', 'status'],
      trace: ['trace'],
    },
  },
  payment_methods: {
    owners: ['customer'],
    key: id,
    personal: {
      token: column('the provider’s token', 'text', 'erased'),
      provider_customer: column('the customer at the provider', 'text', 'null'),
      fingerprint: column('which card it is', 'text', 'null'),
      brand: column('brand of the card', 'text', 'null'),
      last4: column('last digits of the card', 'text', 'null'),
      exp_month: column('expiry of the card', 'integer', 'null'),
      exp_year: column('expiry of the card', 'integer', 'null'),
    },
    kept: { id: ['id', 'customer_id'], code: ['provider'] },
    hidden: ['fingerprint'],
  },
} as const satisfies Readonly<Record<string, PersonalTable>>;
export type PersonalTableName = keyof typeof personalData;

/** Tables without anything personal, and why nothing of a customer's is exported from them. */
export const notPersonal: Readonly<Record<string, string>> = {
  plans: 'what is sold, to all customers',
  test_clocks: 'a clock of many customers; its detail names ids',
  test_clock_moves: 'what a clock has shown',
  renewal_runs: 'who was renewed together: ids, outcomes and the kinds of failures',
  renewal_pauses: 'an operator’s decision about all renewals',
  retry_policies: 'rules for all payments, with an operator’s reason',
  api_keys: 'keys of callers, not of customers',
  ledger_entries: 'amounts of ledger_transactions',
  subscription_revenue: 'amounts and codes of subscriptions',
  retry_plans: 'instants, codes and texts of ours',
  bulk_retry_payments: 'ids',
  external_charge_counts: 'a number of charges by day',
  customer_erasures: 'how far an erasure has come',
  stuck_work: 'ids, and names of predicates',
  reconciliation_passes: 'how far a predicate was looked through: ids and instants',
};
