/**
 * What goes wrong. A new fault is a row of the table.
 *
 * Invariant: when a fault's promise resolves, everything it stopped runs again or is started by the supervisor.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { killBridge, untilBridgesShare } from './bridge-kills';
import { bridgesOf, rows, type Chaos } from './context';
import { writeBurst } from './outbox-traffic';
import { emptyTemporal, terminateWorkflows } from './namespace-loss';
import { killAmidPayments } from './payment-kills';
import type { Random } from './random';

export interface FaultSettings {
  /** For how long Kafka is away, milliseconds. */
  kafkaDownMs: number;
}

export interface Fault {
  name: FaultName;
  inject(chaos: Chaos, random: Random, settings: FaultSettings): Promise<void>;
}

export type FaultName =
  | 'bridge killed'
  | 'Kafka away'
  | 'worker killed'
  | 'API killed'
  | 'provider killed'
  | 'kill amid payments'
  | 'PostgreSQL killed'
  | 'Temporal killed'
  | 'Temporal emptied'
  | 'workflows terminated';

export const faults: readonly Fault[] = [
  { name: 'bridge killed', inject: bridgeKilled },
  { name: 'Kafka away', inject: kafkaDown },
  { name: 'worker killed', inject: (chaos, random) => processKilled(chaos, random, 'worker') },
  { name: 'API killed', inject: (chaos, random) => processKilled(chaos, random, 'api') },
  { name: 'provider killed', inject: (chaos, random) => processKilled(chaos, random, 'sandbox') },
  { name: 'kill amid payments', inject: killAmidPayments },
  { name: 'PostgreSQL killed', inject: (chaos, random) => serverKilled(chaos, random, 'postgres') },
  { name: 'Temporal killed', inject: (chaos, random) => serverKilled(chaos, random, 'temporal') },
  { name: 'Temporal emptied', inject: emptyTemporal },
  { name: 'workflows terminated', inject: terminateWorkflows },
];

/** At a random moment of a burst, which all of them are busy with. */
async function bridgeKilled(chaos: Chaos, random: Random): Promise<void> {
  const bridges = bridgesOf(chaos);
  const name = random.pick(bridges);
  const groups = await untilBridgesShare(chaos, bridges.length);
  const burst = writeBurst(chaos, random.fork(`burst ${chaos.figures.count('kills of a bridge')}`));
  // Awaited below, when more has happened.
  burst.catch(() => undefined);
  try {
    await sleep(random.int(500, 3_000));
    await killBridge(chaos, name, groups);
  } finally {
    chaos.heldDown.delete(name);
    await burst;
  }
}

/** Stopped under load; when it is back and the relays are working off what has waited, killed and started again. */
async function kafkaDown(chaos: Chaos, random: Random, { kafkaDownMs }: FaultSettings): Promise<void> {
  const { kafka } = chaos.its.system.platform;
  await kafka.stop();
  await sleep(kafkaDownMs);
  const waiting = await unpublished(chaos);
  chaos.figures.note('rows that waited for Kafka', waiting);
  await kafka.start();
  await eventually('the relays to be in the middle of it', async () => (await unpublished(chaos)) < waiting, {
    timeoutMs: 120_000,
    everyMs: 10,
  });
  await sleep(random.int(0, 200));
  await kafka.kill();
  chaos.figures.note('rows not yet published when Kafka was killed', await unpublished(chaos));
  await sleep(random.int(0, 5_000));
  await kafka.start();
}

async function unpublished(chaos: Chaos): Promise<number> {
  const [row] = await rows<{ count: number }>(
    chaos,
    'SELECT count(*)::int AS count FROM outbox_events WHERE published_at IS NULL',
  );
  return row?.count ?? 0;
}

async function processKilled(chaos: Chaos, random: Random, name: string): Promise<void> {
  chaos.heldDown.add(name);
  try {
    await chaos.its.system.product(name).kill();
    chaos.figures.add(`kills of ${name}`);
    await sleep(random.int(0, 3_000));
  } finally {
    chaos.heldDown.delete(name);
  }
}

async function serverKilled(chaos: Chaos, random: Random, name: 'postgres' | 'temporal'): Promise<void> {
  const server = chaos.its.system.platform[name];
  await server.kill();
  chaos.figures.add(`kills of ${name}`);
  await sleep(random.int(0, 5_000));
  await server.start();
}
