/** Every consumer group reads everything again, and nothing is other than before. */
import { randomUUID } from 'node:crypto';
import { openChaos, type Chaos } from '../chaos/context';
import { makeEventWriter } from '../chaos/outbox-traffic';
import { makePoisoner } from '../chaos/poison';
import { untilQuiet } from '../chaos/quiet';
import { randomFrom } from '../chaos/random';
import { rewindAll } from '../chaos/rewind';
import { TestSystem } from '../support/system';

jest.setTimeout(600_000);

const settledWithinMs = 240_000;

let its: TestSystem;
let chaos: Chaos;
beforeAll(async () => {
  its = await TestSystem.start(['sandbox', 'api', 'worker', 'bridge']);
  chaos = await openChaos(its, randomFrom(1), [], () => undefined);
});
afterAll(async () => {
  await chaos?.close();
  await its?.close();
});

async function order(token: string): Promise<string> {
  const { order } = await its.buyer(token);
  const { body } = await its.callUntilAnswered(order, randomUUID());
  return String(body['id'] ?? body['subscription_id']);
}

/** Of everything that the groups make something of: paid, declined, settled later, cancelled, cancelled while open. */
async function live(): Promise<void> {
  const tokens = [
    'tok_ok',
    'tok_ok',
    'tok_insufficient_funds',
    'tok_pending_then_ok',
    'tok_pending_then_fail',
  ];
  const [, cancelled] = await Promise.all(tokens.map(order));
  // Its payment stays open until it is cancelled.
  await its.control({ hold_webhooks: true });
  const cancelledOpen = await order('tok_pending_then_fail');
  for (const id of [cancelled, cancelledOpen]) {
    expect((await its.call('DELETE', `/subscriptions/${id}`)).status).toBe(200);
  }
  await its.control({ hold_webhooks: false });
  const random = chaos.random.fork('load');
  const write = makeEventWriter(chaos, random);
  const poison = makePoisoner(chaos, random);
  for (let times = 0; times < 3; times += 1) {
    await write();
    await poison();
  }
  await untilQuiet(chaos, settledWithinMs);
}

test('every group set back to offset 0: no row of any table differs, no event is new, no process started', async () => {
  await live();
  const { records, changes } = await rewindAll(chaos, settledWithinMs);
  expect(changes).toEqual([]);
  // The batches are read by analytics-service, most of them; the orders by both groups.
  expect(records).toBeGreaterThan(60);
  expect(its.crashed).toEqual([]);
});
