/** Payments of their own and refunds, as histories record them. */
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { paymentStart } from '../../../contracts/workflows/workflows';
import { periodPaymentId } from '../../../domain/ids';
import { inTransaction } from '../../../prisma/client';
import { requestPayment } from '../../../billing/payment/request-payment';
import { settleAttempt } from '../../../billing/payment/settle-attempt';
import { completed, pending, refunded, type TestBilling } from '../billing';
import { actor } from '../creation';
import { someTrace } from '../trace';

interface Recorder {
  given: TestBilling;
  client: Client;
  create(id: string, charges: (typeof completed)[]): Promise<void>;
  ask(id: string, update: string, command: object): Promise<unknown>;
  save(workflowId: string, name: string): Promise<void>;
}

/** A payment of its own, and one that is cancelled before it is tried. */
export async function recordManualPayments({ given, client, save }: Recorder): Promise<void> {
  const now = new Date();
  const wanted = (payment_id: string) =>
    inTransaction(given.db, (tx) =>
      requestPayment(
        tx,
        {
          payment_id,
          customer_id: 'cus_1',
          subscription_id: null,
          amount: 700,
          currency: 'EUR',
          payment_method_id: 'pm_1',
          reason: 'set-up fee',
        },
        someTrace,
        { now, realNow: now },
      ),
    );
  given.provider.charges = [completed];
  await wanted('pay_manual');
  const { workflowType, ...options } = paymentStart('pay_manual', { incompleteHours: 23 });
  await client.workflow.execute(workflowType, options);
  await save('payment/pay_manual', 'payment-manual');

  await wanted('pay_manual_cancelled');
  const start = paymentStart('pay_manual_cancelled', { incompleteHours: 23 });
  const startWorkflowOperation = new WithStartWorkflowOperation(start.workflowType, {
    workflowId: start.workflowId,
    taskQueue: start.taskQueue,
    args: start.args,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  const args = [{ reason: 'a mistake' }];
  await client.workflow.executeUpdateWithStart('cancel', { startWorkflowOperation, args });
  await client.workflow.getHandle(start.workflowId).result();
  await save(start.workflowId, 'payment-manual-cancelled');
}

/** A refund that is paid at once, one without a clear answer, and money that nobody wanted. */
export async function recordRefunds(recorder: Recorder): Promise<void> {
  const { given, client, save } = recorder;
  const refund = async (id: string) => {
    const paymentId = periodPaymentId(id, 1);
    const { workflowType, ...options } = paymentStart(paymentId, { incompleteHours: 23 });
    const startWorkflowOperation = new WithStartWorkflowOperation(workflowType, {
      ...options,
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    const args = [{ refund_id: `rfd_of_${id}`, amount: 400, reason: 'goodwill', actor }];
    await client.workflow.executeUpdateWithStart('refund', { startWorkflowOperation, args });
    return client.workflow.getHandle(`payment/${paymentId}`);
  };
  await recorder.create('sub_refunded', [completed]);
  const paid = await refund('sub_refunded');
  await paid.result();
  await save(paid.workflowId, 'payment-refunded');

  await recorder.create('sub_refund_unclear', [completed]);
  given.provider.refunds = [{ status: 'unknown', reason: 'timeout' }];
  const waiting = await refund('sub_refund_unclear');
  await save(waiting.workflowId, 'payment-refund-unclear');

  given.provider.refunds = [refunded];
  await recorder.create('sub_unwanted', [pending]);
  const command = { command_id: 'sub_unwanted/c', mode: 'now', refund: 'none', reason: null, actor };
  await recorder.ask('sub_unwanted', 'cancel', command);
  const paymentId = periodPaymentId('sub_unwanted', 1);
  await inTransaction(given.db, (tx) => settleAttempt(tx, paymentId, 1, completed, 'webhook'));
  const unwanted = client.workflow.getHandle(`payment/${paymentId}`);
  await unwanted.signal('settled');
  await unwanted.result();
  await save(unwanted.workflowId, 'payment-unwanted-success');
}
