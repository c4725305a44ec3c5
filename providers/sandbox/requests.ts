/**
 * What callers may ask of the sandbox provider, and everything it answers instead of a result.
 *
 * Owns: the schemas of requests and the closed table of refusals. Invariants: an unknown field is refused by
 * its name; a refusal never repeats a value that the caller sent, so that no token gets into a message.
 */
import type { Request } from 'express';
import { z } from 'zod';
import { isCurrency } from '../../domain/currencies';
import { maxAmount } from '../../domain/money';

const refusals = {
  malformed_request: 400,
  idempotency_key_required: 400,
  not_found: 404,
  idempotency_key_reused: 409,
  idempotency_key_in_progress: 409,
  charge_not_awaiting_customer: 409,
  charge_not_pending: 409,
  charge_not_cancellable: 409,
  charge_not_disputable: 409,
  charge_not_refundable: 409,
  refund_not_changeable: 409,
  dispute_not_changeable: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  validation_failed: 422,
  unknown_token: 422,
  amount_too_small: 422,
  invalid_charge_amount: 422,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
} as const;
export type RefusalCode = keyof typeof refusals;

/** Becomes the answer `{ error: { code, message, ...extras } }`. */
export class Refusal extends Error {
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly extras: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = 'Refusal';
  }

  get httpStatus(): number {
    return refusals[this.code];
  }
}

// ASCII without spaces: PostgreSQL has no place for a NUL, and ids and keys need nothing more.
const printable = (maxLength: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[\\x21-\\x7e]{1,${maxLength}}$`),
      `must be 1 to ${maxLength} printable ASCII characters without spaces`,
    );

const idempotencyKey = printable(255);
const objectId = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);

const positiveAmount = z
  .int('must be a whole number of minor units')
  .min(1, 'must be at least 1')
  .max(maxAmount, `must be at most ${maxAmount}`);

export const chargeRequest = z.strictObject({
  amount: positiveAmount,
  currency: z.string().refine(isCurrency, 'must be an ISO 4217 currency in capital letters, such as EUR'),
  token: printable(200),
  off_session: z.boolean('must be true or false').default(false),
  metadata: z
    .strictObject({
      payment_id: printable(200).optional(),
      attempt: z.int('must be a whole number').min(1, 'must be at least 1').optional(),
      subscription_id: printable(200).nullable().optional(),
      customer_id: printable(200).optional(),
    })
    .default({}),
});
export type ChargeRequest = z.output<typeof chargeRequest>;

const limitMessage = 'must be a whole number from 1 to 100';
export const listQuery = z.strictObject({
  idempotency_key: idempotencyKey.optional(),
  payment_id: printable(200).optional(),
  limit: z
    .string(limitMessage)
    .regex(/^\d{1,3}$/, limitMessage)
    .transform(Number)
    .pipe(z.number().min(1, limitMessage).max(100, limitMessage))
    .default(20),
  starting_after: objectId.optional(),
});
export type ListQuery = z.output<typeof listQuery>;

/** All that is left when it is not given. */
export const refundByHand = z.strictObject({ amount: positiveAmount.optional() });
export const refundRequest = refundByHand.extend({ charge_id: objectId });
export type RefundRequest = z.output<typeof refundRequest>;
export const refundListQuery = z.strictObject({ charge_id: objectId });
export const refundTurn = z.strictObject({ status: z.enum(['succeeded', 'failed']) });

export const disputeRequest = z.strictObject({
  /** What is left of the charge when it is not given. */
  amount: positiveAmount.optional(),
  reason: printable(100).default('fraudulent'),
  /** It asks, and takes no money. */
  inquiry: z.boolean('must be true or false').default(false),
});
export const disputeListQuery = z.strictObject({ charge_id: objectId });
export const disputeTurn = z.strictObject({ status: z.enum(['open', 'won', 'lost']) });

export const balanceQuery = listQuery.omit({ idempotency_key: true });
export type BalanceQuery = z.output<typeof balanceQuery>;

/** Of a charge that waits for its customer, or for its bank. */
export const decision = z.strictObject({ succeed: z.boolean('must be true or false') });

const wholeMs = (max: number) =>
  z.int('must be whole milliseconds').min(0, 'must be 0 or more').max(max, `must be at most ${max}`);
const controlSettings = z.strictObject({
  /** Added to every answer about charges. */
  latency_ms: wholeMs(60_000),
  /** Share of requests about charges that are answered with HTTP 500 and not processed. */
  failure_rate: z.number('must be a number').min(0, 'must be 0 or more').max(1, 'must be at most 1'),
  /**
   * How long a pending charge takes to settle, and other late outcomes to come; holds for what is made from now on. Up to
   * 90 days.
   */
  pending_ms: wholeMs(90 * 86_400_000),
  /** Refunds that are made from now on are pending until somebody decides. */
  pending_refunds: z.boolean('must be true or false'),
  /** Charges that are open cannot be cancelled, as at providers that cancel none. */
  refuse_cancels: z.boolean('must be true or false'),
  /** Smaller charges are refused, whatever their currency; minor units. */
  smallest_charge: positiveAmount,
  /** Charges that are no multiple of it are refused; minor units. */
  charge_step: positiveAmount,
  /** Charges are made, and their answers kept back until this is false again. */
  hold_answers: z.boolean('must be true or false'),
  /** Webhooks are kept back until this is false again; they are late then, not lost. */
  hold_webhooks: z.boolean('must be true or false'),
  /** How many copies of each webhook are sent beside it, at the same moment. */
  duplicate_webhooks: z
    .int('must be a whole number')
    .min(0, 'must be 0 or more')
    .max(100, 'must be at most 100'),
  /** Webhooks that are due are sent in any order. */
  shuffle_webhooks: z.boolean('must be true or false'),
});
export type ControlSettings = z.infer<typeof controlSettings>;
export const controlPatch = controlSettings.partial();

/** The caller's data in the form that `schema` describes. @throws Refusal naming every field that is wrong. */
export function accepted<S extends z.ZodType>(schema: S, data: unknown): z.output<S> {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, 20).flatMap((issue) => {
    const at = (key?: PropertyKey) => [...issue.path, ...(key === undefined ? [] : [key])].join('.');
    if (issue.code !== 'unrecognized_keys') return [{ path: at(), message: issue.message }];
    return issue.keys.slice(0, 20).map((key) => ({
      path: at(key.slice(0, 100)),
      message: 'is not a field of this request',
    }));
  });
  const inWords = errors.map(({ path, message }) => `${path || 'the body'} ${message}`).join('; ');
  throw new Refusal('validation_failed', inWords, { errors });
}

/** The value of the Idempotency-Key header. @throws Refusal when there is none or it is not usable. */
export function acceptedKey(header: string | undefined): string {
  if (header === undefined) {
    throw new Refusal('idempotency_key_required', 'The header Idempotency-Key is mandatory.');
  }
  const key = idempotencyKey.safeParse(header);
  if (key.success) return key.data;
  throw new Refusal(
    'validation_failed',
    `The header Idempotency-Key ${key.error.issues[0]?.message ?? 'is malformed'}.`,
  );
}

/** The id of an address. @throws Refusal `not_found` for what no id can be */
export function acceptedId(value: unknown, what: string): string {
  const id = objectId.safeParse(value);
  if (!id.success) throw noSuch(what);
  return id.data;
}

/** Refuses an address whose subject does not exist. */
export function noSuch(what: string): Refusal {
  return new Refusal('not_found', `There is no such ${what}.`);
}

/** The parsed body, or an empty one where none was sent. @throws Refusal when it is not JSON */
export function optionalJsonBody(req: Request): unknown {
  return req.body === undefined && req.get('content-type') === undefined ? {} : jsonBody(req);
}

/** The parsed body. @throws Refusal when it is not JSON */
export function jsonBody(req: Request): unknown {
  if (req.is('application/json')) return req.body;
  throw new Refusal('unsupported_media_type', 'The body must be application/json.');
}
