/** A first payment that stays open for a customer with a test clock, and the advance through which it is settled. */
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { paymentWorkflowId, testClockStart } from '../../../contracts/workflows/workflows';
import { periodPaymentId } from '../../../domain/ids';
import { completed, pending, type TestBilling } from '../billing';
import { until } from '../until';

interface Recorder {
  given: TestBilling;
  client: Client;
  create(id: string, charges: (typeof completed)[], more: object): Promise<void>;
  save(workflowId: string, name: string): Promise<void>;
}

export async function recordTestClock({ given, client, create, save }: Recorder): Promise<void> {
  const { db, provider } = given;
  const clock = { id: 'clk_recorded', now: new Date('2030-01-15T00:00:00Z') };
  const customer = { id: 'cus_by_clock', test_clock_id: clock.id };
  const method = { id: 'pm_by_clock', customer_id: customer.id, provider: 'sandbox', token: 'tok_ok' };
  await db.testClock.create({ data: clock });
  await db.customer.create({ data: customer });
  await db.paymentMethod.create({ data: method });
  provider.lookups = [pending, completed];
  await create('sub_by_clock', [pending], { customer_id: customer.id, payment_method_id: method.id });
  const paymentId = periodPaymentId('sub_by_clock', 1);
  await db.payment.update({ where: { id: paymentId }, data: { announced: true } });

  const { workflowType, ...options } = testClockStart(clock.id);
  const startWorkflowOperation = new WithStartWorkflowOperation(workflowType, {
    ...options,
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  const args = [{ to: '2030-01-15T01:00:00.000Z' }];
  await client.workflow.executeUpdateWithStart('advance', { startWorkflowOperation, args });
  await until('the clock has arrived', async () => {
    // There is no relay here.
    await db.outboxEvent.updateMany({ where: { published_at: null }, data: { published_at: new Date() } });
    return (await db.testClock.findUniqueOrThrow({ where: { id: clock.id } })).status === 'ready';
  });
  await client.workflow.getHandle(options.workflowId).result();
  await save(options.workflowId, 'test-clock');
  await save(paymentWorkflowId(paymentId), 'payment-by-clock');
}
