import { createServer, connect, type Server, type Socket } from 'node:net';
import { analyticsServiceHandlers } from '../../../bridge/consumers/analytics-service';
import { closeDatabase, createDatabase, type Database } from '../../../prisma/client';
import { failedRecord, openGroups, sendAll, time, type TestGroups } from '../../support/kafka/consuming';
import { subscriptionUpdated, writeFirstVersions } from '../../support/kafka/subscription-records';
import { until } from '../../support/until';

const topic = 'payments.failed';
/** kafkajs says so of itself. */
const rejoining = 'The group is rebalancing, re-joining';
const paused = 'partition paused';

let given: TestGroups;
beforeEach(async () => {
  given = await openGroups(2);
});
afterEach(() => given.end());

const many = (count: number, record: (index: number) => ReturnType<typeof failedRecord>) =>
  sendAll(
    given.producer,
    Array.from({ length: count }, (_, index) => record(index)),
  );
const numbers = (count: number, prefix: string) => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

describe('a partition that is stuck', () => {
  it('is paused while the others go on and the membership lives, and is read on by itself', async () => {
    let isDown = true;
    const handled: string[] = [];
    await given.start({
      [topic]: async ({ data: { payment_id: id } }) => {
        if (isDown && id === 'stuck_0') throw new Error('the database is away');
        handled.push(id);
      },
    });
    await many(1_000, (at) => failedRecord(`stuck_${at}`, 'sub_stuck', { partition: 0 }));
    await until('the partition is paused', async () => given.logged.includes(paused));
    const { members } = await given.describe('payment-service');
    // Longer than the session of a member that does not send heartbeats.
    const outlivedMs = performance.now() + 7_000;
    for (let wave = 0; performance.now() < outlivedMs; wave += 1) {
      await many(50, (at) => failedRecord(`free_${wave}_${at}`, `sub_${at}`, { partition: 1 }));
      await until('the other partition is served', async () => handled.includes(`free_${wave}_49`));
    }
    expect(await given.describe('payment-service')).toEqual({ state: 'Stable', members });
    expect(handled.filter((id) => id.startsWith('stuck'))).toEqual([]);
    expect(await given.committed('payment-service', topic, 0)).toBeLessThanOrEqual(0);
    isDown = false;
    await until('all of it is handled and committed', async () => {
      return (await given.committed('payment-service', topic, 0)) === 1_000;
    });
    expect(handled.filter((id) => id.startsWith('stuck'))).toEqual(numbers(1_000, 'stuck_'));
  });

  it('lets other keys pass the one that is stuck, and commits none of them until it is handled', async () => {
    let isDown = true;
    const handled = new Map<string, number>();
    await given.start({
      [topic]: async ({ data: { payment_id: id } }) => {
        if (isDown && id === 'stuck_0') throw new Error('the database is away');
        handled.set(id, (handled.get(id) ?? 0) + 1);
      },
    });
    await many(1, () => failedRecord('stuck_0', 'sub_stuck', { partition: 0 }));
    await many(2_000, (at) => failedRecord(`free_${at}`, `sub_${at % 100}`, { partition: 0 }));
    await until('the others are handled', async () => handled.size === 2_000);
    expect(await given.committed('payment-service', topic, 0)).toBeLessThanOrEqual(0);
    isDown = false;
    await until(
      'all is committed',
      async () => (await given.committed('payment-service', topic, 0)) === 2_001,
    );
    expect([...handled.values()].filter((times) => times !== 1)).toEqual([]);
  });
});

describe('a member of a group', () => {
  it('finishes and commits what it has in hand before it joins again, so that nobody begins it beside', async () => {
    const begun: string[] = [];
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const handlers = {
      [topic]: async ({ data }: { data: { payment_id: string } }) => {
        begun.push(data.payment_id);
        if (data.payment_id === 'slow') await released;
      },
    };
    await given.start(handlers);
    await many(1, () => failedRecord('slow', 'sub_slow', { partition: 0 }));
    await until('it is in hand', async () => begun.includes('slow'));
    const second = given.start(handlers);
    try {
      await until('it is told to join again', async () => given.logged.includes(rejoining));
      await many(2, (at) => failedRecord(`next_${at}`, `sub_${at}`, { partition: at }));
      // The group waits for it, and nobody is given a partition, for as long as the record is in hand.
      for (let looks = 0; looks < 50; looks += 1) {
        expect((await given.describe('payment-service')).state).toBe('PreparingRebalance');
      }
      expect(begun).toEqual(['slow']);
    } finally {
      release();
    }
    await second;
    await until(
      'both partitions are served',
      async () => begun.includes('next_0') && begun.includes('next_1'),
    );
    expect((await given.describe('payment-service')).members).toHaveLength(2);
    expect(begun.filter((id) => id === 'slow')).toEqual(['slow']);
  });
});

describe('a group whose database is away', () => {
  let front: Server;
  let isCut = false;
  const open = new Set<Socket>();
  let around: Database;
  beforeEach(async () => {
    const { hostname, port } = new URL(given.database.url);
    front = createServer((socket) => {
      if (isCut) return void socket.destroy();
      const behind = connect(Number(port), hostname);
      for (const end of [socket, behind]) {
        open.add(end);
        end
          .on('error', () => undefined)
          .on('close', () => (open.delete(end), socket.destroy(), behind.destroy()));
      }
      socket.pipe(behind).pipe(socket);
      return undefined;
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const url = new URL(given.database.url);
    url.host = `127.0.0.1:${(front.address() as { port: number }).port}`;
    around = createDatabase(url.href, 5);
  });
  afterEach(async () => {
    await given.closeGroups();
    await closeDatabase(around);
    for (const end of open) end.destroy();
    await new Promise((resolve) => front.close(resolve));
  });

  it('waits, says so once in a while, and misses nothing when it is back', async () => {
    const count = 3_000;
    const ids = Array.from({ length: count }, (_, at) => `sub_${at}`);
    await writeFirstVersions(given.db, ids, time);
    await given.start(analyticsServiceHandlers(around), { group: 'analytics-service' });
    isCut = true;
    for (const end of open) end.destroy();
    await sendAll(
      given.producer,
      ids.map((id) => subscriptionUpdated(id, 1, time)),
    );
    await until(
      'both partitions are paused',
      async () => given.logged.filter((line) => line === paused).length >= 2,
    );
    expect(await given.db.subscriptionRevenue.count()).toBe(0);
    const complaints = given.logged.filter((line) => line.startsWith('record not handled yet'));
    expect(complaints.length).toBeLessThan(10);
    isCut = false;
    await until(
      'every row is there',
      async () => (await given.db.subscriptionRevenue.count()) === count,
      50_000,
    );
    expect(await given.db.deadLetter.count()).toBe(0);
  });
});
