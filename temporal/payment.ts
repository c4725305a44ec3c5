/**
 * The process of a payment, as the API's routes use it.
 *
 * Invariant: an update id carries the request, so that a stored `unavailable` is never the answer to a later try.
 */
import type { Logger } from 'pino';
import type { CancelPayment, FollowUpTimes, RefundCommand } from '../contracts/workflows/commands';
import { messages, paymentStart } from '../contracts/workflows/workflows';
import type { WorkflowClient } from './client';
import { requestSignal, requestUpdate } from './requests';

export type PaymentProcess = ReturnType<typeof paymentProcess>;

export function paymentProcess(client: WorkflowClient, log: Logger, times: FollowUpTimes) {
  const update = (paymentId: string, name: string, id: string, command: object): Promise<void> =>
    requestUpdate(
      client,
      log,
      paymentStart(paymentId, times),
      { name, id, args: [command] },
      { payment_id: paymentId },
    );
  return {
    /**
     * Refunds; when it returns, the refund has its row, and its outcome if the provider answered in time.
     * @throws ProblemError `unavailable`, `payment_not_refundable`
     */
    refund: (paymentId: string, command: RefundCommand, requestId: string): Promise<void> =>
      update(paymentId, messages.refund, `${command.refund_id}/${requestId}`, command),
    /**
     * Requests a cancellation; when it returns, the row says what became of it.
     * @throws ProblemError `unavailable`
     */
    cancel: (paymentId: string, request: CancelPayment, requestId: string): Promise<void> =>
      update(paymentId, messages.cancel, `${paymentId}/cancel/${requestId}`, request),
    /**
     * Has the process read its row again, which another one wrote.
     * @throws ProblemError `unavailable`
     */
    refreshPayment: (paymentId: string): Promise<void> =>
      requestSignal(client, log, paymentStart(paymentId, times), messages.settled, {
        payment_id: paymentId,
      }),
  };
}
