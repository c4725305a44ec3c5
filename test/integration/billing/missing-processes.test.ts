/** What lives and has lost its process gets one, against the real Temporal; what has one keeps it. */
import { advancingClockIds, livingSubscriptionIds } from '../../../billing/reconcile/living-processes';
import { createMissingWorkflows } from '../../../temporal/missing-workflows';
import { eventually } from '../../support/eventually';
import { WorkflowClient } from '../../../temporal/client';
import { useTemporal } from '../../support/temporal';
import { useBilling } from '../../support/billing';

/** Nobody else's workflows have it in their ids. */
const mark = `missing-${Date.now()}`;

const given = useBilling();
const client = useTemporal();

const isRunning = async (workflowId: string): Promise<boolean> => {
  const seen = await client.workflow.count(`WorkflowId = '${workflowId}' AND ExecutionStatus = 'Running'`);
  return seen.count === 1;
};

/** Started once, left alone while it runs, and started again after somebody ended it. */
async function expectStartedWhenMissing(workflowId: string, start: () => Promise<number>): Promise<void> {
  expect(await start()).toBe(1);
  await eventually(`${workflowId} to be listed`, () => isRunning(workflowId));
  expect(await start()).toBe(0);
  await client.workflow.getHandle(workflowId).terminate('as an operator might by mistake');
  await eventually(`${workflowId} to be listed as ended`, async () => !(await isRunning(workflowId)));
  expect(await start()).toBe(1);
}

test('a living subscription, not one that has ended', async () => {
  const [living, ended] = [`sub_${mark}-living`, `sub_${mark}-ended`];
  await given.begun({ subscription_id: living });
  await given.begun({ subscription_id: ended });
  await given.db.subscription.update({ where: { id: ended }, data: { status: 'expired' } });
  await expectStartedWhenMissing(`subscription/${living}`, async () =>
    createMissingWorkflows(new WorkflowClient(client)).startSubscriptions(
      await livingSubscriptionIds(given.db, null, 100),
    ),
  );
});

test('a test clock that is being advanced, not one that stands still', async () => {
  const now = new Date('2030-01-01T00:00:00Z');
  const advancing = { status: 'advancing', target: new Date('2030-02-01T00:00:00Z') };
  await given.db.testClock.create({ data: { id: `clk_${mark}-advancing`, now, ...advancing } });
  await given.db.testClock.create({ data: { id: `clk_${mark}-ready`, now } });
  await expectStartedWhenMissing(`test-clock/clk_${mark}-advancing`, async () =>
    createMissingWorkflows(new WorkflowClient(client)).startClocks(
      await advancingClockIds(given.db, null, 100),
    ),
  );
});
