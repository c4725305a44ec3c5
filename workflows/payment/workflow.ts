/**
 * Follows up a payment whose attempt has no clear answer until it is settled; handles its cancellation and refunds.
 *
 * It begins only a first attempt: of a payment of its own (manual), and of a first payment whose attempt was never
 * begun; and the next one of a first payment whose customer has given another card. Invariants:
 * - Unknown is not failed: nothing new is attempted while the provider has given no outcome.
 * - A run ends when the attempt is settled, no refund is due and no request is open.
 * - Each step decides by the row that its activity returns.
 * - An attempt may be open for years: a run continues as new between two steps.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  CancelPayment,
  ClockAdvanced,
  PaymentInput,
  RefundCommand,
} from '../../contracts/workflows/commands';
import type { HeldRefund } from '../../activities/payment';
import type { PaymentStatus } from '../../domain/payment/payment';
import { createPaymentProcess } from './process';

/** The row was written elsewhere: reload it. */
export const settled = defineSignal('settled');
/** The payment is not wanted any more. */
export const cancel = defineSignal<[CancelPayment]>('cancel');
/** The same request from a caller who waits: answers what the payment is then. */
export const cancelNow = defineUpdate<PaymentStatus, [CancelPayment]>('cancel');
/** The customer's test clock moved. */
export const clockAdvanced = defineSignal<[ClockAdvanced]>('clockAdvanced');
/** Refunds; answers the refund as it stands then. Refused with `payment_not_refundable`. */
export const refund = defineUpdate<HeldRefund, [RefundCommand]>('refund');

export async function payment(input: PaymentInput): Promise<void> {
  const process = createPaymentProcess(input);
  setHandler(settled, process.wake);
  setHandler(cancel, process.requestCancellation);
  setHandler(cancelNow, process.cancel);
  setHandler(clockAdvanced, process.advanceClock);
  setHandler(refund, process.refund);

  await process.begin();
  for (;;) {
    if (process.hasRequest()) await process.handleRequest();
    else if (process.hasOpenWork()) {
      // The work of a handler in progress would be lost with the run; a signal is not, for the next run reads the row.
      if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
        await continueAsNew<typeof payment>(process.continued());
      }
      await process.proceed();
    } else {
      if (!(await process.reportOutcome())) continue;
      await condition(() => process.hasRequest() || allHandlersFinished());
      // A signal that arrived meanwhile must not be lost with the run.
      if (process.wasWoken()) await process.reload();
      else if (!process.hasRequest()) return;
    }
  }
}
