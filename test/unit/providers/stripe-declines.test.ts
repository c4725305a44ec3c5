/** Every decline code that Stripe documents has a meaning of ours. */
import { isAmountFault } from '../../../domain/payment/payment';
import { declineOf, refusalOf } from '../../../providers/stripe/declines';

const card =
  `authentication_required authentication_not_handled approve_with_id call_issuer card_not_supported
  card_velocity_exceeded currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card
  fraudulent generic_decline incorrect_address incorrect_cvc incorrect_number incorrect_pin incorrect_zip
  insufficient_funds invalid_account invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year
  invalid_number invalid_pin issuer_not_available lost_card merchant_blacklist
  mobile_device_authentication_required new_account_information_available no_action_taken not_permitted
  offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded processing_error
  reenter_transaction restricted_card revocation_of_all_authorizations revocation_of_authorization
  security_violation service_not_allowed stolen_card stop_payment_order testmode_decline
  transaction_not_allowed try_again_later withdrawal_count_limit_exceeded`.split(/\s+/);
const local =
  `partner_generic_decline invalid_customer_account payment_limit_exceeded invalid_billing_agreement
  invalid_business_account partner_high_risk_customer compliance_violation payment_disputed
  invalid_authorization invalid_payment_information partner_payment_not_found expired_payment_information
  recurring_not_supported_by_bank partner_action_not_supported`.split(/\s+/);

test.each([...card, ...local])('%s is known', (code) => {
  expect(refusalOf({ code })).toBeDefined();
});

/** What the networks forbid to repeat with the same card, whoever passes it on. */
test.each([
  'lost_card',
  'stolen_card',
  'pickup_card',
  'restricted_card',
  'expired_card',
  'invalid_account',
  'incorrect_number',
  'transaction_not_allowed',
  'revocation_of_authorization',
  'revocation_of_all_authorizations',
  'stop_payment_order',
  'fraudulent',
  'do_not_try_again',
])('%s is hard', (decline_code) => {
  expect(declineOf({ code: 'card_declined', decline_code }).category).toBe('hard');
});

test.each(['insufficient_funds', 'generic_decline', 'issuer_not_available'])(
  '%s is soft, until the network forbids another attempt',
  (decline_code) => {
    const fault = { code: 'card_declined', decline_code };
    expect(declineOf(fault).category).toBe('soft');
    expect(declineOf({ ...fault, advice_code: 'try_again_later' }).category).toBe('soft');
    expect(declineOf({ ...fault, advice_code: 'do_not_try_again' }).category).toBe('hard');
  },
);

describe.each(['amount_too_small', 'amount_too_large', 'invalid_charge_amount', 'invalid_amount'])(
  '%s is the fault of the amount',
  (code) => {
    test('and not of the card', () => {
      const refused = declineOf({ code });
      expect(refused).toMatchObject({ category: 'soft', code: 'processing_error', provider_code: code });
      expect(isAmountFault(refused)).toBe(true);
    });
    test('unless a network forbids another attempt', () => {
      const advised = declineOf({
        code: 'card_declined',
        decline_code: code,
        advice_code: 'do_not_try_again',
      });
      expect(advised.category).toBe('hard');
    });
  },
);

test('the more telling of two codes counts', () => {
  expect(declineOf({ code: 'card_declined', decline_code: 'lost_card' }).code).toBe('stolen_or_lost');
  expect(declineOf({ code: 'expired_card', decline_code: 'a_code_of_next_year' }).code).toBe('expired_card');
  expect(declineOf({}).code).toBe('do_not_honor');
});
