/**
 * A provider that is played: it says what the life wants it to say, and keeps its own account of what it has of each
 * payment, by the amounts that it was asked for.
 */
import type { AttemptOutcome } from '../../../domain/payment/payment';
import type { RefundOutcome } from '../../../domain/payment/refund';
import type { ChargeLimits } from '../../../domain/money';
import type { ChargeRequest, LookupOutcome, PaymentProvider, RefundRequest } from '../../../providers/port';
import { sandboxWebhooks } from '../../../providers/sandbox/webhooks';

/** What can be charged, by currency: each life has one. */
export const limitsByCurrency: Readonly<Record<string, ChargeLimits>> = {
  EUR: { smallest: 1, step: 1 },
  USD: { smallest: 50, step: 1 },
  JPY: { smallest: 10, step: 10 },
};

export class PlayedProvider implements PaymentProvider {
  readonly name = 'sandbox';
  readonly webhooks = sandboxWebhooks;
  readonly isLive = false;
  private readonly requests = new Map<string, ChargeRequest>();
  private readonly taken = new Set<string>();
  private readonly answers = new Map<string, AttemptOutcome>();
  private readonly holds = new Map<string, number>();

  chargeLimits(currency: string): ChargeLimits {
    return limitsByCurrency[currency] ?? { smallest: 1, step: 1 };
  }

  charge(request: ChargeRequest): Promise<AttemptOutcome> {
    this.receive(request);
    const outcome = this.answers.get(request.paymentId) ?? { status: 'unknown', reason: 'timeout' };
    if (outcome.status === 'completed') this.collect(request.idempotencyKey);
    return Promise.resolve(outcome);
  }

  lookup(): Promise<LookupOutcome> {
    return Promise.reject(new Error('nobody looks anything up in these lives'));
  }

  refund({ paymentId, amount, idempotencyKey }: RefundRequest): Promise<RefundOutcome> {
    this.move(paymentId, -amount);
    return Promise.resolve({ status: 'succeeded', provider_reference: `re_${idempotencyKey}` });
  }

  /** Takes a request, whose answer may never be heard. */
  receive(request: ChargeRequest): void {
    const before = this.requests.get(request.idempotencyKey);
    if (before !== undefined && before.amount !== request.amount) {
      throw new Error(`${request.idempotencyKey} was asked for ${before.amount}, then for ${request.amount}`);
    }
    this.requests.set(request.idempotencyKey, request);
  }

  /** What the next call about a payment says. */
  answer(paymentId: string, outcome: AttemptOutcome): void {
    this.answers.set(paymentId, outcome);
  }

  /** Charges a request, once. */
  collect(key: string): void {
    const request = this.requests.get(key);
    if (request === undefined) throw new Error(`${key} was never asked for`);
    if (this.taken.has(key)) return;
    this.taken.add(key);
    this.move(request.paymentId, request.amount);
  }

  /** Money of a payment moves otherwise: a refund, a dispute. @param amount in (above 0) or out */
  move(paymentId: string, amount: number): void {
    this.holds.set(paymentId, this.cashOf(paymentId) + amount);
  }

  /** What the provider has of a payment, minor units. */
  cashOf(paymentId: string): number {
    return this.holds.get(paymentId) ?? 0;
  }
}
