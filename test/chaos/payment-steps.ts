/**
 * The steps of a payment's attempt, and which of them a kill has broken off.
 *
 * A crash point is a payment, a call or a webhook that had reached a step and not the next one when every process that
 * could have carried it on was killed. It is told by what rows and the provider's ledger say after the kill, of what
 * had begun before; each counts once for a step, however often it is met there.
 */
import { rows, type Chaos } from './context';

/** What a kill has taken. */
export interface Killed {
  /** Before the first signal. */
  at: Date;
  worker: boolean;
  api: boolean;
  /** Of the outbox: whose relay is gone. */
  shards: readonly number[];
  everyBridge: boolean;
}

interface Step {
  /** Whether everything that could carry on what is at this step was killed. */
  isBrokenBy(killed: Killed): boolean;
  /** What is at this step, of what had begun by then. */
  ids(chaos: Chaos, killed: Pick<Killed, 'at' | 'shards'>): Promise<string[]>;
}

type Ids = Step['ids'];

const ours =
  (sql: string): Ids =>
  async (chaos, { at }) =>
    (await rows<{ id: string }>(chaos, sql, [at])).map(({ id }) => id);

const theProviders = <R extends object>({ its }: Chaos, sql: string, values: unknown[]): Promise<R[]> =>
  rows<R>({ its }, sql, values, its.system.environment['SANDBOX_DATABASE_URL']);

/** Attempts without an answer of the provider's so far, by whether it has charged. */
const inCall =
  (charged: boolean): Ids =>
  async (chaos, { at }) => {
    const calls = await rows<{ id: string }>(
      chaos,
      `SELECT idempotency_key AS id FROM payment_attempts
       WHERE settled_at IS NULL AND status = 'processing' AND started_at <= $1`,
      [at],
    );
    const keys = calls.map(({ id }) => id);
    const charges = await theProviders<{ key: string }>(
      chaos,
      'SELECT idempotency_key AS key FROM charges WHERE idempotency_key = ANY($1)',
      [keys],
    );
    const known = new Set(charges.map(({ key }) => key));
    return keys.filter((key) => known.has(key) === charged);
  };

const unpublishedOutcomes: Ids = async (chaos, { at, shards }) => {
  const found = await rows<{ id: string }>(
    chaos,
    `SELECT event_id AS id FROM outbox_events WHERE published_at IS NULL AND shard = ANY($2)
       AND topic IN ('payments.completed', 'payments.failed') AND created_at <= $1`,
    [at, shards],
  );
  return found.map(({ id }) => id);
};

const untaken: Ids = async (chaos, { at }) => {
  const found = await theProviders<{ id: string }>(
    chaos,
    'SELECT id FROM webhooks WHERE attempts > 0 AND created_at <= $1',
    [at],
  );
  return found.map(({ id }) => id);
};

export const steps = {
  'asked for, no attempt yet': {
    isBrokenBy: ({ worker, everyBridge }) => worker && everyBridge,
    ids: ours(
      `SELECT id FROM payments p WHERE status IN ('requested', 'processing') AND created_at <= $1
       AND NOT EXISTS (SELECT FROM payment_attempts a WHERE a.payment_id = p.id)`,
    ),
  },
  'attempt begun, not charged yet': { isBrokenBy: ({ worker }) => worker, ids: inCall(false) },
  'charged, not recorded yet': { isBrokenBy: ({ worker }) => worker, ids: inCall(true) },
  'recorded, not published yet': {
    isBrokenBy: ({ shards }) => shards.length > 0,
    ids: unpublishedOutcomes,
  },
  'call not answered yet': {
    isBrokenBy: ({ api }) => api,
    ids: ours(
      `SELECT lease_holder AS id FROM idempotency_keys WHERE completed_at IS NULL AND created_at <= $1`,
    ),
  },
  'webhook sent, not taken yet': { isBrokenBy: ({ api }) => api, ids: untaken },
  'webhook taken, not used yet': {
    isBrokenBy: ({ everyBridge }) => everyBridge,
    ids: ours(`SELECT id FROM webhook_deliveries WHERE status = 'stored' AND created_at <= $1`),
  },
} as const satisfies Record<string, Step>;

export type StepName = keyof typeof steps;
export const stepNames = Object.keys(steps) as StepName[];

/** Counts what the kill has broken off, at once after it. */
export async function countCrashPoints(chaos: Chaos, killed: Killed): Promise<void> {
  const { figures, crashPoints } = chaos;
  const broken = stepNames.filter((name) => steps[name].isBrokenBy(killed));
  const found = await Promise.all(broken.map((name) => steps[name].ids(chaos, killed)));
  broken.forEach((name, index) => {
    const fresh = (found[index] ?? []).filter((id) => !crashPoints.has(`${name} ${id}`));
    for (const id of fresh) crashPoints.add(`${name} ${id}`);
    figures.add('crash points of payments', fresh.length);
    figures.add(`crash points of payments: ${name}`, fresh.length);
  });
}
