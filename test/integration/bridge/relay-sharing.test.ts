import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { evenPart } from '../../../bridge/relay/shard-shares';
import { outboxShards } from '../../../billing/outbox';
import { openOutbox, ordersOf, type TestOutbox } from './outbox';

/** Enough keys that every shard has some. */
const keys = Array.from({ length: 40 }, (_, index) => `sub_${index}`);

let given: TestOutbox;
beforeAll(async () => {
  given = await openOutbox(keys);
});
afterEach(async () => {
  const closed = given.closeRelays();
  await Promise.all(ways.splice(0).map((way) => way.end()));
  await closed;
});
afterAll(() => given.end());

interface Way {
  url: string;
  cut(): void;
  end(): Promise<void>;
}

const ways: Way[] = [];
/** A way to PostgreSQL that can be cut, as a network would: nothing passes, and nobody is told. */
async function openWay(): Promise<Way> {
  const target = new URL(given.database.url);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server: Server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => {
        if (!isCut) to.write(data);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        if (!isCut) to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(given.database.url);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const way: Way = {
    url: url.href,
    cut() {
      isCut = true;
    },
    async end() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  ways.push(way);
  return way;
}

/** Each key's events, in order and without a gap, however often some came. */
function expectComplete(numbers: readonly number[]): void {
  const orders = ordersOf(given.read);
  const wanted = new Map<string, number[]>();
  for (const number of numbers) {
    const key = keys[number % keys.length] as string;
    wanted.set(key, [...(wanted.get(key) ?? []), number]);
  }
  const mine = new Set(numbers);
  for (const [key, order] of wanted)
    expect(orders.get(key)?.filter((number) => mine.has(number))).toEqual(order);
}

describe('several relays', () => {
  it('divide the shards evenly and give some to one that comes later', async () => {
    given.relay();
    await given.allOwned([8]);
    given.relay();
    await given.allOwned([4, 4]);
    given.relay();
    await given.allOwned([3, 3, 2]);
    const numbers = await given.commit(200);
    await Promise.all([given.seen(numbers), given.marked()]);
    expectComplete(numbers);
  });

  it('take over from one whose connection ended, and lose or swap nothing', async () => {
    const role = `relay_${given.database.url.slice(-12)}`;
    await given.db.query(`CREATE ROLE ${role} LOGIN PASSWORD 'relay'`);
    await given.db.query(`GRANT SELECT, UPDATE ON outbox_events TO ${role}`);
    const url = new URL(given.database.url);
    url.username = role;
    url.password = 'relay';
    given.relay(given.kafka.client, url.href);
    await given.allOwned([8]);
    const [mortal = 0] = (await given.owners()).keys();
    given.relay();
    given.relay();
    await given.allOwned([3, 3, 2]);
    const before = await given.commit(200);
    await given.db.query(`ALTER ROLE ${role} NOLOGIN`);
    await given.db.query('SELECT pg_terminate_backend($1)', [mortal]);
    const after = await given.commit(200);
    await Promise.all([given.seen([...before, ...after]), given.marked()]);
    await given.allOwned([4, 4]);
    expect([...(await given.owners()).keys()]).not.toContain(mortal);
    expectComplete([...before, ...after]);
    await given.closeRelays();
    await given.db.query(`DROP OWNED BY ${role}`);
    await given.db.query(`DROP ROLE ${role}`);
  });

  it('take over from one whose words no longer arrive', async () => {
    const way = await openWay();
    given.relay(given.kafka.client, way.url);
    await given.allOwned([8]);
    const [vanished = 0] = (await given.owners()).keys();
    given.relay();
    await given.allOwned([4, 4]);
    way.cut();
    const numbers = await given.commit(200);
    await Promise.all([given.seen(numbers), given.marked()]);
    await given.allOwned([8]);
    expect([...(await given.owners()).keys()]).not.toContain(vanished);
    expectComplete(numbers);
  });

  it('leave the shards to others when they are closed', async () => {
    const closing = given.relay();
    await given.allOwned([8]);
    await closing.close();
    expect((await given.owners()).size).toBe(0);
    given.relay();
    await given.allOwned([8]);
  });

  it('are due parts that differ by one at most and leave no shard out, however many they are', () => {
    for (let relays = 1; relays <= 12; relays += 1) {
      const parts = Array.from({ length: relays }, (_, rank) => evenPart(outboxShards, relays, rank));
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(outboxShards);
      expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
    }
  });
});
