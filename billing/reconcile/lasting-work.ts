/**
 * Since when work is stuck, and the operator task about what stays so.
 *
 * Invariants: a task is raised once for each time that work gets stuck, and answered when a pass over everything finds it
 * no more; a part of a pass forgets nothing.
 */
import {
  isFaultWhenLasting,
  lastingAfterMs,
  mostAskedPerPredicate,
  type Predicate,
} from '../../domain/stuck-work';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { enqueueAnsweredTask, enqueueReopenedTask } from '../operator-tasks';
import type { StuckItem } from './predicate';

const actor = { kind: 'system', id: 'reconciliation', reason: null } as const;

type Subject = Pick<StuckItem['subject'], 'id'> & {
  type: Exclude<StuckItem['subject']['type'], 'outbox_event'>;
};

/** What a part of a predicate's pass found. */
export interface FoundByPass {
  predicate: Predicate;
  found: readonly StuckItem[];
  passBeganAt: Date;
  /** The pass has seen everything. */
  isOver: boolean;
  now: Date;
}

/** Records what was found of a predicate, and asks an operator about what has been found for an hour. */
export async function recordFound(tx: Transaction, part: FoundByPass): Promise<void> {
  if (!isFaultWhenLasting(part.predicate)) return;
  await remember(tx, part);
  if (part.isOver) await forgetGone(tx, part);
  await askAboutLasting(tx, part);
}

async function remember(tx: Transaction, { found, now }: FoundByPass): Promise<void> {
  if (found.length === 0) return;
  await sql(tx).execute`
    INSERT INTO stuck_work (predicate, subject_type, subject_id, since, seen_at)
    SELECT DISTINCT predicate, type, id, ${now}::timestamptz, ${now}::timestamptz
    FROM unnest(${found.map(({ predicate }) => predicate)}::text[], ${found.map(({ subject }) => subject.type)}::text[],
      ${found.map(({ subject }) => subject.id)}::text[]) AS found(predicate, type, id)
    ON CONFLICT (predicate, subject_id) DO UPDATE SET seen_at = excluded.seen_at`;
}

/** What a whole pass has not found needs no decision. */
async function forgetGone(tx: Transaction, { predicate, passBeganAt, now }: FoundByPass): Promise<void> {
  const gone = await sql(tx).query<Subject[]>`
    WITH gone AS (
      DELETE FROM stuck_work WHERE predicate = ${predicate} AND seen_at < ${passBeganAt}
      RETURNING predicate, subject_type, subject_id, asked_at)
    SELECT DISTINCT subject_type AS type, subject_id AS id FROM gone
    WHERE asked_at IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM stuck_work left_over
      WHERE left_over.subject_id = gone.subject_id AND left_over.asked_at IS NOT NULL
        AND (left_over.predicate, left_over.subject_id) NOT IN (SELECT predicate, subject_id FROM gone))`;
  const resolution = { actor, reason: 'the work has continued' };
  for (const subject of gone) enqueueAnsweredTask(tx, 'stuck_work', subject, resolution, now);
}

async function askAboutLasting(tx: Transaction, { predicate: asked, now }: FoundByPass): Promise<void> {
  const since = new Date(now.getTime() - lastingAfterMs);
  const lasting = await sql(tx).query<(Subject & { predicate: string; since: Date })[]>`
    WITH lasting AS (
      SELECT s.predicate, s.subject_id, row_number() OVER (ORDER BY s.since, s.subject_id)
        + (SELECT count(*) FROM stuck_work a WHERE a.predicate = ${asked} AND a.asked_at IS NOT NULL) AS place
      FROM stuck_work s WHERE s.predicate = ${asked} AND s.asked_at IS NULL AND s.since <= ${since})
    UPDATE stuck_work s SET asked_at = ${now} FROM lasting
    WHERE s.predicate = lasting.predicate AND s.subject_id = lasting.subject_id AND place <= ${mostAskedPerPredicate}
    RETURNING s.predicate, s.subject_type AS type, s.subject_id AS id, s.since`;
  for (const { predicate, since: stuckSince, ...subject } of lasting) {
    const detail = `The reconciliation has repaired it each minute since ${stuckSince.toISOString()}, in vain: ${predicate}.`;
    enqueueReopenedTask(tx, 'stuck_work', subject, detail, now);
  }
}
