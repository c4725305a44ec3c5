/**
 * Which relay works on which shards of the outbox.
 *
 * Owns: the advisory locks of one relay's connection. Invariants: a shard is worked on only by the holder of its lock;
 * each relay that is present is due an even part of the shards, so that all parts together are all shards; nobody
 * holds anything after its connection ended.
 */
import { outboxShards } from '../../billing/outbox';
import type { RelayConnection } from './relay-connection';

/** First key of the advisory locks; the second is the shard, or {@link presence}. */
const lockSpace = 7_351_902;
/** Held by every relay that can publish, shared, and counted by the others. */
const presence = 1_000;

/** Tells the other relays that this one can publish, until the connection ends. */
export async function announcePresence(connection: RelayConnection): Promise<void> {
  await connection.query({
    text: 'SELECT pg_advisory_lock_shared($1, $2)',
    values: [lockSpace, presence],
  });
}

/** How many shards the relay of this connection is due, among those present now. */
export async function shardsDue(connection: RelayConnection): Promise<number> {
  const { rows } = await connection.query<{ relays: number; rank: number }>({
    text: `SELECT count(*)::int AS relays, (count(*) FILTER (WHERE pid < pg_backend_pid()))::int AS rank
     FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND classid = $1::oid AND objid = $2::oid AND objsubid = 2
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    values: [lockSpace, presence],
  });
  const { relays = 1, rank = 0 } = rows[0] ?? {};
  return evenPart(outboxShards, relays, rank);
}

/** The parts of all ranks, 0 to `relays` - 1, differ by one at most and are `shards` together. */
export function evenPart(shards: number, relays: number, rank: number): number {
  return Math.floor(shards / relays) + (rank < shards % relays ? 1 : 0);
}

/** Takes up to `count` shards that nobody holds, none of `held`. @returns those taken */
export async function takeShards(
  connection: RelayConnection,
  held: ReadonlySet<number>,
  count: number,
): Promise<number[]> {
  const taken: number[] = [];
  for (let shard = 0; shard < outboxShards && taken.length < count; shard += 1) {
    if (held.has(shard)) continue;
    const { rows } = await connection.query<{ taken: boolean }>({
      text: 'SELECT pg_try_advisory_lock($1, $2) AS taken',
      values: [lockSpace, shard],
    });
    if (rows[0]?.taken === true) taken.push(shard);
  }
  return taken;
}

/** Gives a shard to whoever takes it; its last batch must be marked. */
export async function giveBackShard(connection: RelayConnection, shard: number): Promise<void> {
  await connection.query({ text: 'SELECT pg_advisory_unlock($1, $2)', values: [lockSpace, shard] });
}
