import { Pulse, usualPulseLimits } from '../../../bridge/pulse';
import { evenPart } from '../../../bridge/relay/shard-shares';
import { outboxShards } from '../../../billing/outbox';
import { openWay, type Way } from '../../support/network-way';
import { until } from '../../support/until';
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

interface DatabaseWay extends Way {
  url: string;
}

const ways: Way[] = [];
/** A way to PostgreSQL. */
async function openDatabaseWay(): Promise<DatabaseWay> {
  const url = new URL(given.database.url);
  const way = await openWay(url.host);
  ways.push(way);
  url.host = way.address;
  return { ...way, url: url.href };
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
    const way = await openDatabaseWay();
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

  it('health: have a fault when their rounds stop, and none when they go on', async () => {
    const way = await openDatabaseWay();
    const pulse = new Pulse(undefined, { ...usualPulseLimits, silentMs: 2_500 });
    given.relay(given.kafka.client, way.url, pulse);
    await until('it does its rounds', async () => pulse.fault() === null);
    way.cut();
    await until('it does none', async () => /no sign of life/.test(pulse.fault() ?? ''));
    way.mend();
    await until('it does its rounds again', async () => pulse.fault() === null);
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
