import { openGroups, sendAll, time, type TestGroups } from '../../support/kafka/consuming';
import { startProgram, type Program } from '../../support/processes';
import { subscriptionUpdated, writeFirstVersions } from '../../support/kafka/subscription-records';
import { isNotHostedYet } from '../../support/kafka/fresh-kafka';
import { until } from '../../support/until';

const group = 'analytics-service';
const partitions = 6;

let given: TestGroups;
const bridges: Program[] = [];
beforeEach(async () => {
  given = await openGroups(partitions);
});
afterEach(async () => {
  for (const bridge of bridges) bridge.killGroup();
  await Promise.all(bridges.splice(0).map(({ ended }) => ended));
  await given.end();
});

function startBridge(): Program {
  const bridge = startProgram('bin/bridge.js', {
    METRICS_PORT: '0',
    DATABASE_URL: given.database.url,
    KAFKA_BROKERS: process.env['TEST_KAFKA_BROKERS'],
    TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
  });
  bridges.push(bridge);
  return bridge;
}
const membersBecome = (count: number) =>
  until(
    `the group has ${count} members`,
    async () => {
      const { state, members } = await given.describe(group);
      return state === 'Stable' && members.length === count;
    },
    60_000,
  );
const subscriptions = async (from: number, count: number) => {
  const ids = Array.from({ length: count }, (_, at) => `sub_${from + at}`);
  await writeFirstVersions(given.db, ids, time);
  return ids.map((id) => subscriptionUpdated(id, 1, time));
};
const rows = () => given.db.subscriptionRevenue.count();

describe('three processes of one group', () => {
  it('take over from one that is killed: nothing is missed, and nothing has a second effect', async () => {
    Array.from({ length: 3 }, startBridge);
    await membersBecome(3);
    await sendAll(given.producer, await subscriptions(0, 3_000));
    await until('they are at it', async () => (await rows()) > 500);
    bridges[0]?.kill('SIGKILL');
    const killedMs = performance.now();
    await sendAll(given.producer, await subscriptions(3_000, 1_000));
    await until('every row is there', async () => (await rows()) === 4_000, 60_000);
    const tookMs = Math.round(performance.now() - killedMs);
    process.stderr.write(`the work of the killed process was taken over after ${tookMs} ms\n`);
    await membersBecome(2);
    const end = async () => {
      const done = await Promise.all(
        Array.from({ length: partitions }, (_, at) => given.committed(group, 'subscriptions.updated', at)),
      );
      return done.reduce((sum, offset) => sum + Math.max(offset, 0), 0) === 4_000;
    };
    await until('all of it is committed', end);
    // A version is one row whatever is repeated; nothing else may have come of it.
    expect(await rows()).toBe(4_000);
    expect([await given.db.deadLetter.count(), await given.db.outboxEvent.count()]).toEqual([0, 0]);
  }, 180_000);
});

/** A member with another protocol: kafkajs can never join its group, and does not try again. */
async function joinAsStranger() {
  const stranger = given.kafka.plain.consumer({
    groupId: group,
    // What a fetch waits, closing waits, too.
    maxWaitTimeInMs: 200,
    partitionAssigners: [
      () => ({
        name: 'Stranger',
        version: 0,
        protocol: () => ({ name: 'Stranger', metadata: Buffer.alloc(6) }),
        assign: () => Promise.resolve([]),
      }),
    ],
  });
  await stranger.connect();
  await until('the broker hosts the topic that was just created', () =>
    stranger.subscribe({ topic: 'subscriptions.updated' }).then(() => true, isNotHostedYet),
  );
  await stranger.run({ eachMessage: () => Promise.resolve() });
  await until('the stranger is a member', async () => (await given.describe(group)).members.length === 1);
  return stranger;
}

describe('a Kafka client that gives up', () => {
  it('is begun anew, and what came meanwhile is handled', async () => {
    const stranger = await joinAsStranger();
    const seen: string[] = [];
    try {
      const handle = async ({ id }: { id: string }) => void seen.push(id);
      await given.start({ 'subscriptions.updated': handle }, { group });
      await until('it gave up', async () => given.logged.includes('consumer crashed'));
      await sendAll(given.producer, await subscriptions(0, 3));
    } finally {
      await stranger.disconnect();
    }
    await until('every record is handled', async () => seen.length === 3);
    expect(given.fatal).toEqual([]);
  });

  it('again and again ends the process with code 1, and it says why', async () => {
    const stranger = await joinAsStranger();
    try {
      const { code, output } = await startBridge().ended;
      expect(code).toBe(1);
      expect(output).toContain('consumer crashed');
      expect(output).toContain('process failed');
    } finally {
      await stranger.disconnect();
    }
  });
});
