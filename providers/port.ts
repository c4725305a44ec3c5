/**
 * What Perennial asks of a payment provider. Each provider has a folder with one adapter of this shape.
 *
 * Invariants of every adapter: `charge` sends the idempotency key to the provider; a call that has no clear
 * answer (timeout, reset, 5xx, 429, key still in progress) is `unknown` and never `failed`; an answer that
 * names another amount or currency than was asked is `unknown` with reason `amount_mismatch` and what was charged; what is refused because of
 * its amount is `amountFault` and never a decline of the payment method; `refund` pays once for a
 * key, however late it is asked again: where the provider forgets keys, the adapter looks for the refund first;
 * `cancel` reports `cancelled` only when no money can come by the charge any more, and may be asked again at any time; no
 * adapter throws for anything that the provider, or somebody in its name, says or fails to say.
 */
import type { ProviderEvent } from '../contracts/topics/provider-events';
import type { ChargeLimits } from '../domain/money';
import type { AttemptOutcome, SettledOutcome } from '../domain/payment/payment';
import type { RefundOutcome } from '../domain/payment/refund';
import type { WebhookAnswer, WebhookRequest, WebhookVerdict } from '../domain/payment/webhook';

export interface ChargeRequest {
  /** The same for technical repeats of one attempt, another for each attempt. */
  idempotencyKey: string;
  /** Minor units. */
  amount: number;
  currency: string;
  /** The provider's token of the payment method. */
  token: string;
  /** The customer is absent and cannot authenticate. */
  offSession: boolean;
  paymentId: string;
  attempt: number;
  subscriptionId: string | null;
  customerId: string;
  /** What `ensurePaymentMethod` gave for this method; null where the provider has no such step. */
  providerCustomer: string | null;
}

/** A payment method that has to be made ready before the first charge with it. */
export interface PaymentMethodRequest {
  /** Of the attempt that needs the method. */
  idempotencyKey: string;
  /** The provider's token of the payment method. */
  token: string;
  customerId: string;
  /** The provider's customer to which another method of the same customer belongs; null when there is none. */
  knownProviderCustomer: string | null;
}

/**
 * `ready`: the method can be charged without the customer, as one of `provider_customer`. `fingerprint`: the same for
 * every token of one card, whoever gave it; null where the provider tells none.
 */
export type PaymentMethodOutcome =
  | { status: 'ready'; provider_customer: string; fingerprint: string | null }
  | Extract<SettledOutcome, { status: 'failed' }>
  | { status: 'unknown'; reason: string };

/** How a call ends when the provider has no record of the key. */
export type LookupOutcome = AttemptOutcome | { status: 'not_found' };

/** What an attempt was, as far as a provider needs it to find the charge again. */
export interface LookupRequest {
  idempotencyKey: string;
  paymentId: string;
  amount: number;
  currency: string;
  customerId: string;
  /** As the charge was sent with; null when it cannot have been sent, or where the provider has no such step. */
  providerCustomer: string | null;
  /** RFC 3339; the charge cannot be older. */
  startedAt: string;
}

/** A charge that is not wanted any more. */
export interface CancelRequest extends LookupRequest {
  /** The provider's own name of the charge; null: only the key leads to it. */
  providerReference: string | null;
}

/** What a charge is that waits for its customer or for its bank. */
export type OpenOutcome = Extract<AttemptOutcome, { status: 'pending' | 'requires_action' }>;

/** Whether a charge waits for its customer or for its bank. */
export function isOpen(outcome: AttemptOutcome | LookupOutcome): outcome is OpenOutcome {
  return outcome.status === 'pending' || outcome.status === 'requires_action';
}

/**
 * What became of a charge that was to be cancelled. `cancelled`, now or before: no money can come by it any more.
 * `not_cancellable`: it is still open, and the provider does not cancel it in this state. `not_found`: the provider has no
 * record of the key. Completed or failed: it had this outcome already.
 */
export type CancelOutcome =
  | { status: 'cancelled'; provider_reference: string }
  | { status: 'not_cancellable'; standing: OpenOutcome }
  | { status: 'not_found' }
  | SettledOutcome
  | { status: 'unknown'; reason: string };

export interface RefundRequest {
  /** The same whenever this refund is asked for; another for each refund. */
  idempotencyKey: string;
  /** The provider's own name of the charge that is given back. */
  providerReference: string;
  /** Minor units. */
  amount: number;
  currency: string;
  paymentId: string;
}

/** By what a webhook is judged. */
export interface WebhookTrust {
  /** Newest first; each is accepted, so that one can follow another without a loss. */
  secrets: readonly string[];
  now: Date;
  /** How far the webhook's own time may be from `now`, either way. */
  toleranceMs: number;
}

/** A provider's webhooks: whose they are, what they say, how they are answered. */
export interface ProviderWebhooks {
  /** Over the raw bytes and headers, in constant time; reads nothing else of the body. */
  verify(request: WebhookRequest, trust: WebhookTrust): WebhookVerdict;
  /**
   * What a verified webhook reports, whatever its shape. An unknown type, and what is about nothing of ours, reports nothing;
   * what may concern us and has another shape than is known is `unreadable`.
   */
  read(request: WebhookRequest): ProviderEvent;
  /** Names of headers that may be kept, lower case; never one that holds a signature or a secret. */
  readonly keptHeaders: readonly string[];
  /** For an event that is stored, now or before. */
  readonly answer: WebhookAnswer;
}

export interface PaymentProvider {
  readonly name: string;
  /** Whether it moves real money: then it charges no customer whose time is a test clock's. */
  readonly isLive: boolean;
  /**
   * Makes a method chargeable while the customer is absent; charges nothing. Done before the first charge with a
   * method, and what it gives is kept beside the method for good. Absent where a token suffices.
   */
  ensurePaymentMethod?(request: PaymentMethodRequest, timeoutMs: number): Promise<PaymentMethodOutcome>;
  /** Which card a token stands for, where the token itself tells: the same words as `fingerprint` above. */
  fingerprintOf?(token: string): string;
  /**
   * What can be charged in a currency, in our minor units. Nothing else is asked of `charge`; a refund has the same step
   * and no smallest amount. Where the provider's bound is not known in advance, `smallest` is the step.
   */
  chargeLimits(currency: string): ChargeLimits;
  /** Asks for the money. Gives up after `timeoutMs`, then the outcome is `unknown`. */
  charge(request: ChargeRequest, timeoutMs: number): Promise<AttemptOutcome>;
  /** What became of an earlier charge, found by its idempotency key. Charges nothing. */
  lookup(request: LookupRequest, timeoutMs: number): Promise<LookupOutcome>;
  /**
   * Ends an open charge, so that no money comes by it. Gives up after `timeoutMs`: `unknown`. Left out where the provider
   * cancels no charges: what is given up stays open there, and is looked up until the provider decides.
   */
  cancel?(request: CancelRequest, timeoutMs: number): Promise<CancelOutcome>;
  /** Gives money back, or says how the refund with this key stands. Gives up after `timeoutMs`: `unknown`. */
  refund(request: RefundRequest, timeoutMs: number): Promise<RefundOutcome>;
  readonly webhooks: ProviderWebhooks;
}

/** The adapters by the name that payment methods carry. */
export type ProviderRegistry = ReadonlyMap<string, PaymentProvider>;
