/**
 * `kill -9` of a bridge, which is a relay and a consumer of every group, and what was in its hands at that moment.
 *
 * A crash point is a sequence that the kill broke off: a shard of the outbox that the process held with rows not yet
 * marked as published, or a partition that it read as a group with records beyond the group's last commit. Each
 * recovers by itself, by another process, and has an order of its own to keep. The rows and records are counted, too.
 */
import { outboxShards } from '../../billing/outbox';
import { eventually } from '../support/eventually';
import { rows, type Chaos } from './context';
import { describeGroups, endsOf, lagOf, type GroupState } from './groups';

/** First key of the advisory locks by which relays own shards. */
const shardLockSpace = 7_351_902;
/** What a relay takes from a shard at once; more of its rows are not in its hands. */
const rowsInProgress = 500;

/** Which connection owns which shard. */
export async function shardOwners(chaos: Chaos): Promise<Map<number, number>> {
  const found = await rows<{ shard: number; pid: number }>(
    chaos,
    `SELECT objid::int AS shard, pid FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND classid::bigint = $1 AND objid::bigint < $2
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [shardLockSpace, outboxShards],
  );
  return new Map(found.map(({ shard, pid }) => [shard, pid]));
}

/** Waits until each bridge has its part: of the shards, and as a member of every group. */
export async function untilBridgesShare(chaos: Chaos, bridges: number): Promise<GroupState[]> {
  return eventually(
    `${bridges} bridges to share the work`,
    async () => {
      const owners = await shardOwners(chaos);
      if (owners.size < outboxShards || new Set(owners.values()).size < bridges) return undefined;
      const groups = await describeGroups(chaos.admin);
      const shared = groups.every(({ isStable, members }) => isStable && members.length === bridges);
      return shared && groups.length > 0 && groups;
    },
    { timeoutMs: 180_000, everyMs: 200 },
  );
}

/**
 * Kills one of the bridges and returns when the others have taken over what it had; it stays down.
 * @param groups as the bridges share them
 */
export async function killBridge(chaos: Chaos, name: string, groups: readonly GroupState[]): Promise<void> {
  const { its, admin, figures, heldDown } = chaos;
  heldDown.add(name);
  const owners = await shardOwners(chaos);
  // Records that come later were in nobody's hands.
  const ends = await Promise.all(groups.map((group) => endsOf(admin, group)));
  await its.system.product(name).kill();
  const killedMs = performance.now();
  figures.add('kills of a bridge');
  await countShards(chaos, owners);
  const lags = await Promise.all(groups.map((group, index) => lagOf(admin, group, ends[index] ?? [])));
  await Promise.all([
    untilShardsTaken(chaos, owners).then(() =>
      figures.note('takeover of the outbox, ms', performance.now() - killedMs),
    ),
    untilPartitionsTaken(chaos, groups).then((now) => {
      figures.note('takeover of the groups, ms', performance.now() - killedMs);
      groups.forEach((group, index) => countPartitions(chaos, group, now, lags[index] ?? new Map()));
    }),
  ]);
}

export async function livingConnections(chaos: Chaos): Promise<Set<number>> {
  const found = await rows<{ pid: number }>(chaos, 'SELECT pid FROM pg_stat_activity');
  return new Set(found.map(({ pid }) => pid));
}

async function countShards(chaos: Chaos, owners: ReadonlyMap<number, number>): Promise<void> {
  const living = await livingConnections(chaos);
  const orphaned = [...owners].filter(([, pid]) => !living.has(pid)).map(([shard]) => shard);
  const waiting = await rows<{ count: number }>(
    chaos,
    `SELECT count(*)::int AS count FROM outbox_events WHERE published_at IS NULL AND shard = ANY($1) GROUP BY shard`,
    [orphaned],
  );
  const { figures } = chaos;
  if (orphaned.length > 0) figures.add('kills of a relay that owned shards');
  figures.add('crash points', waiting.length);
  figures.add('crash points: shards', waiting.length);
  const inProgress = waiting.reduce((sum, { count }) => sum + Math.min(count, rowsInProgress), 0);
  figures.add('rows in hand when killed', inProgress);
}

function untilShardsTaken(chaos: Chaos, owners: ReadonlyMap<number, number>): Promise<true> {
  return eventually(
    'another relay to take over',
    async () => {
      const now = await shardOwners(chaos);
      const living = await livingConnections(chaos);
      return now.size === owners.size && [...now.values()].every((pid) => living.has(pid));
    },
    { timeoutMs: 120_000, everyMs: 100 },
  );
}

function untilPartitionsTaken(chaos: Chaos, before: readonly GroupState[]): Promise<GroupState[]> {
  const total = ({ members }: GroupState) => members.flatMap(({ partitions }) => partitions).length;
  return eventually(
    'the other consumers to take over',
    async () => {
      const now = await describeGroups(chaos.admin);
      const taken = before.every((was) => {
        const is = now.find(({ group }) => group === was.group);
        return is?.isStable && is.members.length === was.members.length - 1 && total(is) === total(was);
      });
      return taken && now;
    },
    { timeoutMs: 120_000, everyMs: 100 },
  );
}

/** The member that is gone was the killed one; where that cannot be told, nothing is counted. */
function countPartitions(
  { figures }: Chaos,
  before: GroupState,
  now: readonly GroupState[],
  lag: ReadonlyMap<string, number>,
): void {
  const left = new Set(now.find(({ group }) => group === before.group)?.members.map(({ id }) => id));
  const gone = before.members.filter(({ id }) => !left.has(id));
  if (gone.length !== 1) return figures.add('kills whose partitions are not known');
  const broken = (gone[0]?.partitions ?? [])
    .map((place) => lag.get(place) ?? 0)
    .filter((records) => records > 0);
  figures.add('crash points', broken.length);
  figures.add('crash points: partitions', broken.length);
  figures.add(
    'records beyond the commit when killed',
    broken.reduce((sum, records) => sum + records, 0),
  );
}
