/**
 * Judges records that say that subscriptions are due, many by one statement, before anything is started for them.
 *
 * Invariant: the rows decide; a record of nothing, of somebody else, or of long ago starts nothing.
 */
import { earlyByMs, nextDue } from '../../domain/subscription/due';
import type { SubscriptionFacts } from '../../domain/subscription/facts';
import type { Database } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { timesFor } from '../clock';
import { toFacts } from '../rows';

/** `due`: by the row. `byClock`: its customer has a test clock, which waits for it. */
export type DueJudgement = { kind: 'due'; byClock: boolean; due_at: string } | { kind: 'idle' };

/** @returns by id; those that do not exist are left out */
export async function judgeDue(db: Database, ids: readonly string[]): Promise<Map<string, DueJudgement>> {
  const rows = await db.subscription.findMany({ where: { id: { in: [...new Set(ids)] } } });
  const clocks = new Map<string | null, Date>();
  for (const { test_clock_id: clockId } of rows)
    if (!clocks.has(clockId)) clocks.set(clockId, (await timesFor(db, clockId)).now);
  return new Map(rows.map((row) => [row.id, judge(row, clocks.get(row.test_clock_id) ?? new Date(0))]));
}

function judge(row: Prisma.SubscriptionGetPayload<object>, now: Date): DueJudgement {
  const facts = toFacts(row);
  const due = nextDue(facts);
  const isDue = due !== null && Date.parse(due.at) - now.getTime() <= earlyByMs;
  if (!isDue && !isHalfOpened(facts)) return { kind: 'idle' };
  const at = isDue ? due.at : (facts.period?.start ?? now.toISOString());
  return { kind: 'due', byClock: row.test_clock_id !== null, due_at: at };
}

/** A period was opened and perhaps never attempted: a run resumes that, too. */
function isHalfOpened({ status, period, open_payment_id }: SubscriptionFacts): boolean {
  return status === 'active' && period?.paid === false && open_payment_id !== null;
}
