import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { historyFromJson, recordHistories } from '../support/record-histories';

const folder = join(__dirname, 'histories');

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: 'OFF' } },
  });
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  mkdirSync(folder, { recursive: true });
  await recordHistories(folder);
}, 120_000);

interface Recorded {
  workflowId: string;
  history: object;
}

function recorded(change: (json: string) => string = (json) => json): Recorded[] {
  return readdirSync(folder).map((file) => ({
    workflowId: file.replace('.json', ''),
    history: historyFromJson(change(readFileSync(join(folder, file), 'utf8'))),
  }));
}

/** The names of the histories that this code would not go on with. */
async function replay(histories: Recorded[]): Promise<{ replayed: string[]; failed: string[] }> {
  const results = Worker.runReplayHistories({ workflowsPath: join(__dirname, '../../workflows') }, histories);
  const outcome = { replayed: [] as string[], failed: [] as string[] };
  for await (const { workflowId, error } of results) {
    (error === undefined ? outcome.replayed : outcome.failed).push(workflowId);
  }
  return outcome;
}

describe('the workflows of today', () => {
  it('go on with every history that was ever recorded', async () => {
    const names = recorded().map(({ workflowId }) => workflowId);
    expect(await replay(recorded())).toEqual({ replayed: names, failed: [] });
    expect(names).toEqual([
      'payment-by-clock',
      'payment-first-attempt',
      'payment-manual-cancelled',
      'payment-manual',
      'payment-refund-unclear',
      'payment-refunded',
      'payment-repeated',
      'payment-settled-elsewhere',
      'payment-unknown',
      'payment-unwanted-success',
      'subscription-cancelled',
      'subscription-declined',
      'subscription-incomplete-activated',
      'subscription-paid',
      'test-clock',
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
