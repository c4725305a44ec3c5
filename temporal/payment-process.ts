/** What the routes need of the process of a payment; implemented over Temporal, and by fakes in tests. */
import type { CancelPayment, RefundCommand } from '../contracts/workflows/commands';

export interface PaymentProcess {
  /**
   * Has money given back; when it returns, the refund has its row, and its outcome if the provider told it in time.
   * @throws ProblemError `unavailable`, `payment_not_refundable`
   */
  refund(paymentId: string, command: RefundCommand, requestId: string): Promise<void>;
  /**
   * Wishes the payment away; when it returns, the row says what became of the wish.
   * @throws ProblemError `unavailable`
   */
  cancel(paymentId: string, request: CancelPayment, requestId: string): Promise<void>;
  /**
   * Has the process look at the row, which somebody else wrote.
   * @throws ProblemError `unavailable`
   */
  refreshPayment(paymentId: string): Promise<void>;
}
