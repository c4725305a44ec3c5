/**
 * Removes what is kept for a time only: idempotency keys with their answers, entries of the audit log, the records of
 * dead letters that are decided, and renewal runs that have ended. What others are identified by stays: ids of events, commands and transactions.
 *
 * Invariants: PostgreSQL's clock decides; one process at a time works on a kind, in small transactions: who finds another
 * at it leaves it to that one, which goes on to the end; a kind that fails holds up no other, and the next round makes up
 * for it.
 */
import type { Logger } from 'pino';
import type { Database } from '../prisma/client';
import { Prisma } from '../prisma/generated/client';
import { sql } from '../prisma/sql';
import { batchAlone, batchSize, removeInBatches, startHourly } from './batches';
import type { Rounds } from './rounds';

/** For how long, days. */
export interface KeptDays {
  idempotencyKeys: number;
  auditEntries: number;
  deadLetterRecords: number;
  renewalRuns: number;
}

interface Kind {
  name: string;
  /** Its advisory lock. */
  lock: number;
  days: number;
  /** Answers with `removed`, at most `batchSize`. */
  statement(before: Prisma.Sql): Prisma.Sql;
}

const kindsOf = ({ idempotencyKeys, auditEntries, deadLetterRecords, renewalRuns }: KeptDays): Kind[] => [
  {
    name: 'idempotency keys',
    lock: 1_010,
    days: idempotencyKeys,
    // What a run made is found by ids that follow from its key, when it is asked again after that.
    statement: (before) => Prisma.sql`
      WITH old AS (
        SELECT api_key_id, key FROM idempotency_keys
        WHERE created_at < ${before} AND lease_until < ${before} ORDER BY created_at LIMIT ${batchSize}),
      gone AS (
        DELETE FROM idempotency_keys USING old
        WHERE idempotency_keys.api_key_id = old.api_key_id AND idempotency_keys.key = old.key RETURNING 1)
      SELECT count(*)::int AS removed FROM gone`,
  },
  {
    name: 'audit entries',
    lock: 1_011,
    days: auditEntries,
    statement: (before) => Prisma.sql`SELECT audit_log_forget(${before}, ${batchSize}::int)::int AS removed`,
  },
  {
    name: 'records of dead letters',
    lock: 1_012,
    days: deadLetterRecords,
    statement: (before) => Prisma.sql`
      WITH old AS (
        SELECT id FROM dead_letters WHERE status <> 'open' AND value IS NOT NULL AND created_at < ${before}
        ORDER BY created_at LIMIT ${batchSize}),
      gone AS (
        UPDATE dead_letters SET value = NULL, value_bytes = octet_length(value), headers = '{}'::jsonb
        FROM old WHERE dead_letters.id = old.id RETURNING 1)
      SELECT count(*)::int AS removed FROM gone`,
  },
  {
    name: 'renewal runs',
    lock: 1_013,
    days: renewalRuns,
    statement: (before) => Prisma.sql`
      WITH old AS (
        SELECT id FROM renewal_runs WHERE finished_at IS NOT NULL AND created_at < ${before}
        ORDER BY created_at LIMIT ${batchSize}),
      gone AS (DELETE FROM renewal_runs USING old WHERE renewal_runs.id = old.id RETURNING 1)
      SELECT count(*)::int AS removed FROM gone`,
  },
];

/** Works at once and then every hour, until it is closed. */
export function startRetention(db: Database, days: KeptDays, log: Logger): Rounds {
  const onFailure = (error: unknown) => log.warn({ err: error }, 'not removed, retrying in an hour');
  return startHourly(async (stopping) => {
    for (const kind of kindsOf(days)) await remove(db, kind, stopping, log).catch(onFailure);
  }, onFailure);
}

function remove(db: Database, kind: Kind, stopping: AbortSignal, log: Logger): Promise<void> {
  return removeInBatches(
    stopping,
    () => removeBatch(db, kind),
    (removed) => log.info({ kind: kind.name, removed }, 'kept no longer'),
  );
}

/** @returns how many are gone; 0 also while another process is at it */
function removeBatch(db: Database, { lock, days, statement }: Kind): Promise<number> {
  return batchAlone(db, lock, async (tx) => {
    const before = Prisma.sql`now() - make_interval(days => ${days}::int)`;
    const [{ removed }] = await sql(tx).query<[{ removed: number }]>`${statement(before)}`;
    return removed;
  });
}
