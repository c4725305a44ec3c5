/**
 * Pays the reserved refunds of `payment/{id}`, and repeats each until the provider has given a final answer.
 *
 * Invariants: every reserved refund is paid, wherever it was reserved; a durable timer waits between two calls; after
 * more than a day an operator is asked, once in a run, and the calls go on.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type { HeldRefund, PaymentState } from '../../activities/payment';
import type { RefundCalls, RefundCommand } from '../../contracts/workflows/commands';
import { refundAgainAfterMs, refundNeedsOperator } from '../../domain/payment/refund';
import { failureCause } from '../activity-retry';
import { steps } from './activities';

export interface Refunds {
  /** Reserves a refund and calls the provider once; answers the refund as it stands then. */
  execute(command: RefundCommand): Promise<HeldRefund>;
  /** When the next call is due, milliseconds since the epoch; null: no refund is open. */
  nextAtMs(state: PaymentState): number | null;
  /** Calls the provider for the refund whose turn it is. */
  payNext(state: PaymentState): Promise<void>;
  /** The calls so far, for the run that continues this one. */
  calls(): RefundCalls;
}

/** @param before calls of the run that this one continues */
export function createRefunds(paymentId: string, before: RefundCalls = {}): Refunds {
  const calls: RefundCalls = { ...before };
  const atMs = (refundId: string) => calls[refundId]?.nextAtMs ?? 0;

  async function pay(refundId: string): Promise<HeldRefund> {
    const refund = await steps.payRefund(refundId);
    const count = (calls[refundId]?.count ?? 0) + 1;
    calls[refundId] = { count, nextAtMs: Date.now() + refundAgainAfterMs(count) };
    const needsOperator =
      refund.status === 'pending' && refundNeedsOperator(count) && !refundNeedsOperator(count - 1);
    if (needsOperator) await steps.requestRefundDecision(refundId);
    return refund;
  }

  /** The refund stands, even where the provider cannot be asked now. */
  async function payOrLater(reserved: HeldRefund): Promise<HeldRefund> {
    try {
      return await pay(reserved.id);
    } catch (error) {
      if (failureCause(error) === null) throw error;
      return reserved;
    }
  }

  return {
    async execute(command) {
      const reserved = await steps.reserveRefund(paymentId, command);
      if (reserved.kind === 'reserved') return payOrLater(reserved.refund);
      const { reason, available, detail = `The payment cannot be refunded: ${reason}.` } = reserved;
      throw ApplicationFailure.create({
        type: 'payment_not_refundable',
        message: detail,
        nonRetryable: true,
        details: [{ reason, ...(available === undefined ? {} : { available }) }],
      });
    },
    nextAtMs(state) {
      const times = state.refunds_due.map(atMs);
      return times.length === 0 ? null : Math.min(...times);
    },
    async payNext(state) {
      const [next] = state.refunds_due.toSorted((a, b) => atMs(a) - atMs(b));
      if (next !== undefined) await pay(next);
    },
    calls: () => calls,
  };
}
