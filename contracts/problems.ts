/**
 * The closed table of everything that can be answered instead of a result (RFC 9457 problem details).
 *
 * Owns: codes, HTTP statuses, titles. A code is stable: clients branch on it. Nothing else may be answered.
 */
import { z } from 'zod';
import { attemptFailure } from './http/payments';

export const problems = {
  malformed_json: { status: 400, title: 'The body is not JSON' },
  malformed_request: { status: 400, title: 'The request cannot be read' },
  malformed_cursor: { status: 400, title: 'The cursor is not one that this list gave out' },
  webhook_unreadable: { status: 400, title: 'The webhook cannot be read' },
  unauthenticated: { status: 401, title: 'An API key is needed' },
  webhook_not_verified: { status: 401, title: 'The webhook is not known to come from its provider' },
  payment_declined: { status: 402, title: 'The payment was declined' },
  forbidden: { status: 403, title: 'The API key does not have the scope' },
  test_clocks_disabled: { status: 403, title: 'Test clocks are switched off' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'The path does not know this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  already_exists: { status: 409, title: 'The id is taken' },
  idempotency_key_in_flight: { status: 409, title: 'A request with this Idempotency-Key is still running' },
  subscription_final: { status: 409, title: 'The subscription has ended' },
  subscription_state: { status: 409, title: 'The state of the subscription does not allow it' },
  payment_not_cancellable: { status: 409, title: 'The payment cannot be cancelled' },
  operator_task_resolved: { status: 409, title: 'The operator task was resolved already' },
  payment_not_retryable: { status: 409, title: 'The payment cannot be tried again now' },
  bulk_retry_state: { status: 409, title: 'The state of the bulk retry does not allow it' },
  payment_not_refundable: { status: 409, title: 'The payment cannot be refunded' },
  test_clock_advancing: { status: 409, title: 'The test clock is being advanced' },
  dead_letter_resolved: { status: 409, title: 'The dead letter was dealt with already' },
  dead_letter_redriving: { status: 409, title: 'The dead letter is about to be handled again' },
  live_provider_on_test_clock: {
    status: 409,
    title: 'A live payment provider charges no customer on a test clock',
  },
  payment_method_in_use: { status: 409, title: 'The payment method is in use' },
  customer_erased: { status: 409, title: 'The customer was erased' },
  customer_has_credit: { status: 409, title: 'The customer has credit that payments funded' },
  customer_not_settled: { status: 409, title: 'Something of the customer is still open' },
  credit_not_enough: { status: 409, title: 'The customer does not have that much credit' },
  version_mismatch: { status: 412, title: 'It has changed since it was read' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  expectation_failed: { status: 417, title: 'What the header Expect asks for is not done' },
  validation_failed: { status: 422, title: 'The request is not acceptable' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used with another body' },
  card_number_refused: { status: 422, title: 'Card numbers are never accepted' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something unexpected happened' },
  method_not_implemented: { status: 501, title: 'The server does not know this method' },
  unavailable: { status: 503, title: 'A part of the system is away' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;

/** Where in the request a mistake is, and what is allowed there. */
export const fieldMistake = z.object({
  path: z.string().meta({ description: 'Such as `interval.count`; empty for the whole body.' }),
  message: z.string(),
});
export type FieldMistake = z.infer<typeof fieldMistake>;

/** An amount that a refusal names, for programs. */
const namedMoney = z.object({ amount: z.int().meta({ description: 'Minor units.' }), currency: z.string() });
export type NamedMoney = z.infer<typeof namedMoney>;

/** `application/problem+json`. */
export const problem = z
  .object({
    type: z.string().meta({ example: '/problems/validation_failed' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
    errors: z.array(fieldMistake).optional(),
    request_id: z.string(),
    subscription_id: z.string().optional(),
    payment_id: z.string().optional(),
    failure: attemptFailure.optional(),
    reason: z.string().optional(),
    available: namedMoney.optional().meta({
      description: 'Where more was asked for than there is: how much there is. Ask for that, or less.',
    }),
    credit: z
      .array(namedMoney)
      .optional()
      .meta({ description: 'Of customer_has_credit: what payments fund, by currency.' }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;
/** The members that only some problems have. */
export type ProblemExtras = Partial<
  Pick<Problem, 'errors' | 'subscription_id' | 'payment_id' | 'failure' | 'reason' | 'available' | 'credit'>
>;
