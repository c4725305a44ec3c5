import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import {
  historiesFolder,
  historiesOf,
  readHistory,
  releases,
  unreleased,
  type History,
} from '../support/histories/files';
import { recordHistories } from '../support/histories/record';
import { workflowBundle } from '../support/servers/workflows';

const { EventType } = temporal.api.enums.v1;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: 'OFF' } },
  });
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  const folder = join(historiesFolder, unreleased);
  rmSync(folder, { recursive: true, force: true });
  await recordHistories(folder);
}, 120_000);

interface Recorded {
  workflowId: string;
  history: History;
}

const recorded = (change?: (json: string) => string): Recorded[] =>
  releases().flatMap((release) =>
    historiesOf(release).map((name) => ({
      workflowId: `${release}/${name}`,
      history: readHistory(release, name, change),
    })),
  );

/** The names of the histories that this code would not go on with. */
async function replay(histories: Recorded[]): Promise<{ replayed: string[]; failed: string[] }> {
  const results = Worker.runReplayHistories({ workflowBundle: workflowBundle() }, histories);
  const outcome = { replayed: [] as string[], failed: [] as string[] };
  for await (const { workflowId, error } of results) {
    (error === undefined ? outcome.replayed : outcome.failed).push(workflowId);
  }
  return outcome;
}

/** As its activities would have answered of a failed first payment whose customer has given another card. */
const withOtherCard = (json: string): string =>
  json.replaceAll(/"data": "([^"]+)"/g, (whole: string, data: string) => {
    const text = Buffer.from(data, 'base64').toString();
    if (!text.includes('"kind":"first"')) return whole;
    const changed = text.replaceAll('"completed"', '"failed"').replace(/}$/, ',"other_card":true}');
    return `"data": "${Buffer.from(changed).toString('base64')}"`;
  });

describe('the workflows of today', () => {
  it('go on with every history that was ever recorded', async () => {
    const names = recorded().map(({ workflowId }) => workflowId);
    expect(await replay(recorded())).toEqual({ replayed: names, failed: [] });
    expect(historiesOf(unreleased)).toEqual([
      'bulk-retry',
      'payment-by-clock',
      'payment-first-attempt',
      'payment-manual',
      'payment-manual-cancelled',
      'payment-refund-unclear',
      'payment-refunded',
      'payment-repeated',
      'payment-settled-elsewhere',
      'payment-unknown',
      'payment-unwanted-success',
      'reconciliation',
      'renewal-run',
      'renewal-scheduler',
      'subscription-cancelled',
      'subscription-cancelled-when-due',
      'subscription-changed',
      'subscription-declined',
      'subscription-incomplete-activated',
      'subscription-paid',
      'subscription-paused-resumed',
      'subscription-renewal-declined',
      'subscription-repaired',
      'test-clock',
    ]);
  });

  it('W13: go on with a run that knew of no other card as it began, though the rows have one', async () => {
    const name = 'payment-settled-elsewhere';
    const history = readHistory(unreleased, name, withOtherCard);
    expect(await replay([{ workflowId: name, history }])).toEqual({ replayed: [name], failed: [] });
  });

  it('renew one subscription within one task and eight events', () => {
    const { events = [] } = readHistory(unreleased, 'renewal-run');
    expect((events ?? []).map(({ eventType }) => EventType[eventType ?? 0])).toEqual([
      'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
      'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED',
      'EVENT_TYPE_WORKFLOW_TASK_STARTED',
      'EVENT_TYPE_WORKFLOW_TASK_COMPLETED',
      'EVENT_TYPE_MARKER_RECORDED',
      'EVENT_TYPE_MARKER_RECORDED',
      'EVENT_TYPE_MARKER_RECORDED',
      'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
    ]);
  });

  it('would not go on with a history of other steps', async () => {
    const others = recorded((json) =>
      json.replaceAll('"name": "loadPayment"', '"name": "loadSomethingElse"'),
    );
    const { failed } = await replay(others);
    expect(failed.length).toBeGreaterThan(0);
  });
});
