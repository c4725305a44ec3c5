/**
 * What Stripe's codes mean in our table of declines.
 *
 * Owns: every card and local payment method decline code that Stripe documents, and those of its error codes that
 * say that a payment method or an amount was refused. Invariants: an advice never to try again makes a soft decline hard;
 * an amount that Stripe itself refuses says nothing about the payment method; a code that is not here is a decline all
 * the same; Stripe's own sentences, which may name an object, are not passed on.
 */
import {
  amountFault,
  amountFaultCodes,
  declineCategory,
  failure,
  type DeclineCode,
  type Failure,
} from '../../domain/payment/payment';
import type { StripeFault } from './wire';

/** What Stripe says, by what we make of it. */
const meanings: Partial<Record<DeclineCode, readonly string[]>> = {
  insufficient_funds: ['insufficient_funds', 'partner_insufficient_funds'],
  do_not_honor: [
    'do_not_honor',
    'generic_decline',
    'call_issuer',
    'no_action_taken',
    'card_declined',
    'partner_generic_decline',
    'payment_intent_payment_attempt_failed',
    'payment_method_provider_decline',
    'payment_method_customer_decline',
    'bank_account_declined',
    'refer_to_customer',
  ],
  limit_exceeded: [
    'card_velocity_exceeded',
    'withdrawal_count_limit_exceeded',
    'payment_limit_exceeded',
    'charge_exceeds_source_limit',
    'charge_exceeds_transaction_limit',
  ],
  processing_error: [
    'processing_error',
    'reenter_transaction',
    'partner_processing_error',
    'partner_payment_not_found',
    'invalid_business_account',
  ],
  try_again_later: [
    'try_again_later',
    'approve_with_id',
    'issuer_not_available',
    'duplicate_transaction',
    'partner_duplicate_transaction',
    'card_decline_rate_limit_exceeded',
    'payment_method_not_available',
    'payment_method_provider_timeout',
  ],
  expired_card: [
    'expired_card',
    'invalid_expiry_month',
    'invalid_expiry_year',
    'partner_expired_card',
    'expired_payment_information',
    'expired_payment_method',
  ],
  invalid_payment_method: [
    'card_not_supported',
    'currency_not_supported',
    'partner_invalid_currency',
    'do_not_try_again',
    'previously_declined_do_not_retry',
    'incorrect_number',
    'invalid_number',
    'incorrect_cvc',
    'invalid_cvc',
    'incorrect_zip',
    'incorrect_postal_code',
    'incorrect_address',
    'pin_try_exceeded',
    'new_account_information_available',
    'not_permitted',
    'service_not_allowed',
    'transaction_not_allowed',
    'testmode_decline',
    'invalid_customer_account',
    'invalid_payment_information',
    'compliance_violation',
    'recurring_not_supported_by_bank',
    'partner_action_not_supported',
    'payment_intent_incompatible_payment_method',
    'payment_method_currency_mismatch',
    'payment_method_invalid_parameter',
    'payment_method_restricted',
    'payment_method_unactivated',
    'payment_method_unexpected_state',
    'payment_method_unsupported_type',
    'sepa_unsupported_account',
    'invalid_card_type',
    'country_unsupported',
  ],
  stolen_or_lost: ['lost_card', 'stolen_card', 'pickup_card', 'restricted_card', 'lost_or_stolen_card'],
  account_closed: [
    'account_closed',
    'no_account',
    'invalid_account',
    'bank_account_restricted',
    'bank_account_unusable',
    'payment_method_bank_account_blocked',
  ],
  revoked_authorization: [
    'revocation_of_authorization',
    'revocation_of_all_authorizations',
    'stop_payment_order',
    'invalid_billing_agreement',
    'invalid_authorization',
    'payment_disputed',
    'billing_invalid_mandate',
    'debit_not_authorized',
    'india_recurring_payment_mandate_canceled',
    'payment_intent_mandate_invalid',
  ],
  fraud_suspected: [
    'fraudulent',
    'merchant_blacklist',
    'security_violation',
    'highest_risk_level',
    'partner_high_risk_customer',
  ],
  authentication_required: [
    'authentication_required',
    'authentication_not_handled',
    'authentication_failure',
    'mobile_device_authentication_required',
    'payment_intent_action_required',
    'payment_intent_authentication_failure',
    'incorrect_pin',
    'invalid_pin',
    'offline_pin_required',
    'online_or_offline_pin_required',
  ],
  not_completed: ['payment_intent_payment_attempt_expired'],
};

const codes: ReadonlyMap<string, DeclineCode> = new Map(
  Object.entries(meanings).flatMap(([ours, theirs]) =>
    theirs.map((code): [string, DeclineCode] => [code, ours as DeclineCode]),
  ),
);

/** The decline in our words, whether Stripe's code is known or not. */
export function declineOf(fault: StripeFault): Failure {
  // The decline code says more than the error code, which is `card_declined` for most of them.
  const providerCode = fault.decline_code ?? fault.code ?? null;
  const forbids = fault.advice_code === 'do_not_try_again';
  if (providerCode !== null && amountFaultCodes.has(providerCode) && !forbids) {
    return amountFault(`Stripe does not charge this amount (${providerCode}).`, providerCode);
  }
  const known = codes.get(fault.decline_code ?? '') ?? codes.get(fault.code ?? '') ?? 'do_not_honor';
  return failure(
    forbids && declineCategory(known) === 'soft' ? 'invalid_payment_method' : known,
    `Stripe declined the payment${providerCode === null ? '' : ` (${providerCode})`}.`,
    providerCode,
    fault.network_advice_code ?? fault.advice_code ?? null,
  );
}

/**
 * The decline that a refused request amounts to; undefined when the refusal is about neither the payment method nor the
 * amount, so that nobody knows what became of the payment.
 */
export function refusalOf(fault: StripeFault): Failure | undefined {
  if (fault.code === 'resource_missing') {
    if (fault.param !== 'payment_method' && fault.param !== 'customer') return undefined;
    return failure(
      'invalid_payment_method',
      `Stripe does not know the ${fault.param === 'customer' ? 'customer of the ' : ''}payment method.`,
      fault.code,
    );
  }
  const code = fault.code ?? '';
  return codes.has(code) || amountFaultCodes.has(code) ? declineOf(fault) : undefined;
}

/** What an intent that Stripe or a person has cancelled means. */
export function cancellationOf(reason: string | null | undefined): Failure {
  return reason === 'fraudulent'
    ? failure('fraud_suspected', 'The payment was cancelled at Stripe as fraudulent.', 'canceled')
    : failure('not_completed', 'The payment was cancelled at Stripe.', 'canceled');
}
