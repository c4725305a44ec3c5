/**
 * Pays out what `payment/{id}` has promised back, and asks again until the provider has given a final answer.
 *
 * Invariants: a refund that was promised is asked for, whoever promised it; between two askings a durable timer waits;
 * after more than a day a person is told, once in a run, and the asking goes on.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type { PaymentState } from '../../activities/payment';
import type { RefundCommand } from '../../contracts/workflows/commands';
import type { Refund } from '../../contracts/http/refunds';
import { refundAgainAfterMs, refundNeedsOperator } from '../../domain/payment/refund';
import { steps } from './activities';

export interface Payouts {
  /** Promises a refund and asks for it once; its answer is the refund as it stands then. */
  execute(command: RefundCommand): Promise<Refund>;
  /** When the next one is to be asked for, milliseconds since the epoch; null: there is none. */
  nextAtMs(state: PaymentState): number | null;
  /** Asks for the one whose turn it is. */
  payNext(state: PaymentState): Promise<void>;
}

interface Asked {
  times: number;
  againAtMs: number;
}

export function createPayouts(paymentId: string): Payouts {
  const asked: Record<string, Asked> = {};
  const atMs = (refundId: string) => asked[refundId]?.againAtMs ?? 0;

  async function pay(refundId: string): Promise<Refund> {
    const refund = await steps.payRefund(refundId);
    const times = (asked[refundId]?.times ?? 0) + 1;
    asked[refundId] = { times, againAtMs: Date.now() + refundAgainAfterMs(times) };
    const raiseTask =
      refund.status === 'pending' && refundNeedsOperator(times) && !refundNeedsOperator(times - 1);
    if (raiseTask) await steps.requestRefundDecision(refundId);
    return refund;
  }

  return {
    async execute(command) {
      const reserved = await steps.reserveRefund(paymentId, command);
      if (reserved.kind === 'reserved') return pay(reserved.refund.id);
      throw ApplicationFailure.create({
        type: 'payment_not_refundable',
        message: `The payment cannot be refunded: ${reserved.reason}.`,
        nonRetryable: true,
        details: [{ reason: reserved.reason }],
      });
    },
    nextAtMs(state) {
      const times = refundsDue(state).map(atMs);
      return times.length === 0 ? null : Math.min(...times);
    },
    async payNext(state) {
      const [next] = refundsDue(state).toSorted((a, b) => atMs(a) - atMs(b));
      if (next !== undefined) await pay(next);
    },
  };
}

/** Runs that began before there were refunds hold states without them. */
function refundsDue(state: Partial<PaymentState>): string[] {
  return state.refunds_due ?? [];
}
