/** What each problem means and what to do about it; served at `/problems/{code}`, where `type` points to. */
import type { ProblemCode } from '../../contracts/problems';

export const problemTexts: Readonly<Record<ProblemCode, string>> = {
  malformed_json: 'The body could not be parsed. Send one JSON value in UTF-8 without a byte order mark.',
  malformed_request:
    'The URL or the framing of the request is broken, or a header came twice that may come once; detail says which. Percent-encode what needs it.',
  malformed_cursor:
    'Pass next_cursor back unchanged, to the list that gave it. Leave cursor out to begin with the first page.',
  unauthenticated:
    'No valid API key came with the request: missing, unknown, expired and revoked keys are answered alike. Send Authorization: Bearer <key>.',
  webhook_unreadable:
    'Answered by earlier releases only. A webhook whose signature is right is stored and answered 200, whatever its shape; an operator is asked about what concerns a payment and cannot be read.',
  webhook_not_verified:
    'reason says why: missing_signature, bad_signature (another secret, an altered body, a header sent twice) or stale_timestamp (compare the clocks of both machines). Nothing was stored.',
  payment_declined:
    'The provider declined the charge; failure says why. A declined creation has expired, a declined change changed nothing; nothing was charged. Try again, with another payment method where the category is hard.',
  forbidden:
    'The API key is valid but lacks the scope that detail names. An admin can make a key that has it.',
  test_clocks_disabled:
    'This deployment makes no time pass: NODE_ENV is production. Test clocks that exist can be read and deleted. Set ALLOW_TEST_CLOCKS=true for API and workers where they are wanted. Nothing was changed.',
  not_found: 'Nothing has this id, or no route has this path.',
  method_not_allowed: 'The header Allow lists the methods that the path knows.',
  method_not_implemented:
    'No path knows the method; methods are written in capitals. The connection was closed; nothing was changed.',
  expectation_failed:
    'Leave the header Expect out, or send 100-continue. The connection was closed; nothing was changed.',
  dead_letter_resolved:
    'It was redriven or discarded before; resolved says when, by whom and why. Nothing was changed.',
  dead_letter_redriving:
    'A redrive was asked for and its group has not said yet how it ended. Read it again in a moment; when the redrive failed, it can be discarded.',
  request_timeout:
    'The whole request has to arrive within 30 seconds, its headers within 10. The connection was closed. Send it again.',
  already_exists:
    'Something else has the id. Choose another, or leave it out to have one made; where it was left out, send the request under another Idempotency-Key.',
  idempotency_key_in_flight:
    'The first request with this Idempotency-Key has not been answered yet. Send the same again after Retry-After.',
  subscription_final:
    'The subscription is in its last state, which detail names, and cannot change any more.',
  subscription_state:
    'The state of the subscription, which reason names, does not allow the command now. Read the subscription and decide again.',
  test_clock_advancing:
    'A test clock makes one advance at a time. Read it until its status is ready, or failed, then ask again.',
  version_mismatch:
    'If-Match named another version than the one that is there now; reason names that. Read it and decide again.',
  payment_not_cancellable:
    'reason says why: the state that the payment has reached, or collected_by_subscription: such a payment ends with its subscription. Nothing was changed.',
  operator_task_resolved: 'resolved says when, by whom, why and as what. Nothing was changed.',
  payment_not_retryable:
    'reason says why: completed, in_flight, unknown_outcome, pending, requires_action, cancelled, uncollectible, hard_declined (another payment method may do), budget_exhausted, subscription_paused, subscription_final or no_payment_method. Nothing was asked for.',
  bulk_retry_state:
    'reason is the status of the bulk retry: a preview was never started, and what is completed or cancelled stays so. Start another one.',
  payment_not_refundable:
    'reason says why: not_paid, disputed (the bank decides about the money), nothing_left, more_than_left; available says how much is left. What is pending, was given back or was lost already is not left, nor what another subscription uses as credit. Nothing was changed.',
  live_provider_on_test_clock:
    'Time that is made to pass must move no real money. Add a payment method of the sandbox provider, or of a provider whose key is one for tests. Nothing was changed.',
  payment_method_in_use:
    'A subscription would be left without a payment method. Make another one the default first, or delete with force=true.',
  customer_erased:
    'The customer’s personal data was erased. What remains are records of money, which do not change.',
  customer_has_credit:
    'Payments fund credit of the customer, which an erasure would leave to nobody; detail and credit say how much. Pay it out, or take it back with a negative credit, then erase. Nothing was changed.',
  customer_not_settled:
    'Subscriptions that have not ended, charges without an outcome, refunds that are under way and open disputes end before an erasure; detail names them. Nothing was changed.',
  credit_not_enough:
    'A correction takes back no more than the customer’s own credit in that currency, a payout no more than payments funded of it and their providers still hold; detail and available say how much that is. Credit of a living subscription is not part of it. Nothing was changed.',
  payload_too_large: 'JSON bodies may have 262144 bytes at most, webhooks 1048576.',
  unsupported_media_type: 'Bodies are sent as application/json in UTF-8 without Content-Encoding.',
  validation_failed: 'errors lists each mistake: where it is and what is allowed there. Nothing was changed.',
  idempotency_key_reused:
    'An Idempotency-Key belongs to one request: the same method, path and body. Use a fresh key for each thing wanted.',
  card_number_refused:
    'Something in the request looks like a card number. Send the token that the payment provider gave out instead. The value was not stored.',
  too_many_requests:
    'This caller, or all callers of one thing, asked for more than is taken at once; detail says what. Wait for Retry-After, read the thing where detail says so, then send the same again.',
  headers_too_large:
    'Request line and headers may have 16 KiB together. The connection was closed; nothing was changed.',
  internal:
    'The mistake is ours. It was logged under request_id. The same request with its Idempotency-Key may be repeated.',
  unavailable:
    'A part of the system did not answer in time. The outcome may be open: after Retry-After, repeat with the same Idempotency-Key where the call takes one; else read the object that the answer names.',
};
