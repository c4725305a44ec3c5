/**
 * One predicate's part of a round: from where the last one stopped, until enough was found, enough was looked at, or
 * the end of the pass.
 *
 * Invariants: a predicate that fails holds up no other one; what is found hides nothing behind it, since the next round
 * continues after it; a part that is cut off is done again from where it began.
 */
import type { Predicate } from '../../domain/stuck-work';
import { databaseNow, inTransaction, type Database } from '../../prisma/client';
import { recordFound } from './lasting-work';
import { enqueuePass, readPass } from './passes';
import type { StuckItem } from './predicate';
import { bindQuery, type StuckWorkQuery } from './stuck-work';
import { lookThrough } from './window';

export interface RoundOptions extends Pick<StuckWorkQuery, 'toleranceMs' | 'firstLookupAfterMs'> {
  /** Findings after which a part ends. */
  limit: number;
  /** Called for each finding. @throws what ends the part */
  onFound(item: StuckItem): Promise<void>;
  /** Called after each statement. @throws what ends the part */
  onLook(): void;
}

/** Windows of a part: what one predicate has to look at must not keep the others waiting. */
const maxWindows = 20;

/** @returns how many were found */
export async function reconcilePredicate(
  db: Database,
  predicate: Predicate,
  { limit, onFound, onLook, ...times }: RoundOptions,
): Promise<number> {
  const pass = await readPass(db, predicate);
  const beganAt = pass.began_at ?? (await databaseNow(db));
  const bound = await bindQuery(db, { ...times, testClockId: null });
  const found: StuckItem[] = [];
  let { position } = pass;
  let windows = 0;
  for await (const { items, next } of lookThrough(db, predicate, bound, position)) {
    onLook();
    found.push(...items);
    position = next;
    windows += 1;
    if (found.length >= limit || windows >= maxWindows) break;
  }
  for (const item of found) await onFound(item);
  const total = pass.found + found.length;
  await inTransaction(db, async (tx) => {
    const now = await databaseNow(tx);
    const isOver = position === null;
    await recordFound(tx, { predicate, found, passBeganAt: beganAt, isOver, now });
    enqueuePass(tx, predicate, { position, began_at: beganAt, found: total }, now);
  });
  return found.length;
}
