/** I9: Kafka's part of readiness opens no connection while Kafka answers. */
import { KafkaReadiness } from '../../../bin/kafka-readiness';
import type { KafkaAdmin } from '../../../bridge/kafka/port';
import { provisionedTopics } from '../../../contracts/topics/topics';

/** Kafka whose connections can be broken, each by itself. */
function cluster() {
  const state = {
    opened: 0,
    closed: 0,
    isDown: false,
    broken: new Set<number>(),
    topics: provisionedTopics(),
  };
  const admin = (): Promise<KafkaAdmin> => {
    state.opened += 1;
    const own = state.opened;
    if (state.isDown) return Promise.reject(new Error('no broker'));
    return Promise.resolve({
      createTopics: () => Promise.resolve([]),
      describeTopics: (names) => {
        if (state.isDown || state.broken.has(own)) return Promise.reject(new Error('connection closed'));
        const found = state.topics.filter((name) => names.includes(name));
        return Promise.resolve(found.map((name) => ({ name, partitions: 1, retentionMs: -1 })));
      },
      close: () => Promise.resolve(void (state.closed += 1)),
    });
  };
  const readiness = new KafkaReadiness({ admin });
  const faults = () =>
    Promise.all(
      readiness.checks().map(({ check }) =>
        check().then(
          () => null,
          (error: Error) => error.message,
        ),
      ),
    );
  return { state, faults, close: () => readiness.close() };
}

describe('I9: the readiness of Kafka', () => {
  it('is found out over one connection, however often', async () => {
    const { state, faults, close } = cluster();
    for (let round = 0; round < 20; round += 1) expect(await faults()).toEqual([null, null]);
    expect(state.opened).toBe(1);
    await close();
    expect(state.closed).toBe(1);
  });

  it('replaces a connection that the broker has closed at once, and closes it', async () => {
    const { state, faults } = cluster();
    await faults();
    state.broken.add(1);
    expect(await faults()).toEqual([null, null]);
    expect(await faults()).toEqual([null, null]);
    expect(state.opened).toBe(2);
    expect(state.closed).toBeGreaterThan(0);
  });

  it('fails while Kafka is down, and holds again when it is back', async () => {
    const { state, faults } = cluster();
    state.isDown = true;
    expect(await faults()).toEqual(['no broker', 'no broker']);
    state.isDown = false;
    expect(await faults()).toEqual([null, null]);
    state.topics = state.topics.slice(1);
    expect(await faults()).toEqual([null, expect.stringMatching(/^topics are missing: /)]);
  });
});
