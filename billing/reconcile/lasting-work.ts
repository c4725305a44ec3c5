/**
 * Since when work is stuck, and the operator task about what stays so.
 *
 * Invariants: a task is raised once for each time that work gets stuck, and answered when it is found no more; a round
 * that did not see everything forgets nothing.
 */
import {
  isFaultWhenLasting,
  lastingAfterMs,
  mostAskedPerPredicate,
  predicateNames,
} from '../../domain/stuck-work';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { enqueueAnsweredTask, enqueueReopenedTask } from '../operator-tasks';
import type { StuckItem } from './stuck-work';

const actor = { kind: 'system', id: 'reconciliation', reason: null } as const;

type Subject = Pick<StuckItem['subject'], 'id'> & {
  type: Exclude<StuckItem['subject']['type'], 'outbox_event'>;
};

/**
 * Records what a round found, and asks an operator about what has been found for an hour.
 * @param limit of findings that the round had for each predicate
 */
export async function recordFound(db: Database, found: readonly StuckItem[], limit: number): Promise<void> {
  const items = found.filter(({ predicate }) => isFaultWhenLasting(predicate));
  const seenWhole = predicateNames.filter(
    (name) => items.filter(({ predicate }) => predicate === name).length < limit,
  );
  await inTransaction(db, async (tx) => {
    const now = await databaseNow(tx);
    await forgetGone(tx, items, seenWhole, now);
    await remember(tx, items, now);
    await askAboutLasting(tx, now);
  });
}

async function remember(tx: Transaction, items: readonly StuckItem[], now: Date): Promise<void> {
  await sql(tx).execute`
    INSERT INTO stuck_work (predicate, subject_type, subject_id, since)
    SELECT predicate, type, id, ${now}
    FROM unnest(${items.map(({ predicate }) => predicate)}::text[], ${items.map(({ subject }) => subject.type)}::text[],
      ${items.map(({ subject }) => subject.id)}::text[]) AS found(predicate, type, id)
    ON CONFLICT DO NOTHING`;
}

/** What is found no more needs no decision. */
async function forgetGone(
  tx: Transaction,
  items: readonly StuckItem[],
  seenWhole: readonly string[],
  now: Date,
): Promise<void> {
  const gone = await sql(tx).query<Subject[]>`
    WITH gone AS (
      DELETE FROM stuck_work s WHERE s.predicate = ANY(${[...seenWhole]}::text[]) AND NOT EXISTS (
        SELECT 1 FROM unnest(${items.map(({ predicate }) => predicate)}::text[],
          ${items.map(({ subject }) => subject.id)}::text[]) AS found(predicate, id)
        WHERE found.predicate = s.predicate AND found.id = s.subject_id)
      RETURNING predicate, subject_type, subject_id, asked_at)
    SELECT DISTINCT subject_type AS type, subject_id AS id FROM gone
    WHERE asked_at IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM stuck_work left_over
      WHERE left_over.subject_id = gone.subject_id AND left_over.asked_at IS NOT NULL
        AND (left_over.predicate, left_over.subject_id) NOT IN (SELECT predicate, subject_id FROM gone))`;
  const resolution = { actor, reason: 'the work has continued' };
  for (const subject of gone) enqueueAnsweredTask(tx, 'stuck_work', subject, resolution, now);
}

async function askAboutLasting(tx: Transaction, now: Date): Promise<void> {
  const since = new Date(now.getTime() - lastingAfterMs);
  const lasting = await sql(tx).query<(Subject & { predicate: string; since: Date })[]>`
    WITH lasting AS (
      SELECT s.predicate, s.subject_id, row_number() OVER (PARTITION BY s.predicate ORDER BY s.since, s.subject_id)
        + (SELECT count(*) FROM stuck_work a WHERE a.predicate = s.predicate AND a.asked_at IS NOT NULL) AS place
      FROM stuck_work s WHERE s.asked_at IS NULL AND s.since <= ${since})
    UPDATE stuck_work s SET asked_at = ${now} FROM lasting
    WHERE s.predicate = lasting.predicate AND s.subject_id = lasting.subject_id AND place <= ${mostAskedPerPredicate}
    RETURNING s.predicate, s.subject_type AS type, s.subject_id AS id, s.since`;
  for (const { predicate, since: stuckSince, ...subject } of lasting) {
    const detail = `The reconciliation has repaired it each minute since ${stuckSince.toISOString()}, in vain: ${predicate}.`;
    enqueueReopenedTask(tx, 'stuck_work', subject, detail, now);
  }
}
