/**
 * The process of a payment, reached over Temporal.
 *
 * Invariant: an update id carries the request, so that a stored `unavailable` is never the answer to a later try.
 */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { messages, paymentStart } from '../contracts/workflows/workflows';
import { updateWorkflow, signalWorkflowStart } from './ask-workflow';
import type { PaymentProcess } from './payment-process';

export function temporalPaymentProcess(client: Client, log: Logger, incompleteHours: number): PaymentProcess {
  return {
    async refund(paymentId, command, requestId) {
      await updateWorkflow(client, log, {
        start: paymentStart(paymentId, incompleteHours),
        summary: `Payment ${paymentId}`,
        update: { name: messages.refund, id: `${command.refund_id}/${requestId}`, args: [command] },
        about: { payment_id: paymentId },
      });
    },
    async cancel(paymentId, request, requestId) {
      await updateWorkflow(client, log, {
        start: paymentStart(paymentId, incompleteHours),
        summary: `Payment ${paymentId}`,
        update: { name: messages.cancel, id: `${paymentId}/cancel/${requestId}`, args: [request] },
        about: { payment_id: paymentId },
      });
    },
    refreshPayment: (paymentId) =>
      signalWorkflowStart(client, log, {
        start: paymentStart(paymentId, incompleteHours),
        summary: `Payment ${paymentId}`,
        signal: messages.settled,
        about: { payment_id: paymentId },
      }),
  };
}
