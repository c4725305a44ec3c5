/** Every consumer group reads everything again, from offset 0. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { topicNames } from '../../contracts/topics/topics';
import { bridgesOf, rows, type Chaos } from './context';
import { describeGroups, existingGroups } from './groups';
import { differences } from './invariants/invariant';
import { untilIdle } from './quiet';
import { dumpTables, tableDifferences } from './tables';
import { topicEnds } from './topic-dump';

export interface Rewound {
  /** How many records the groups had read before, and read again. */
  records: number;
  /** Lines for people: what it changed. */
  changes: string[];
}

/**
 * Stops the bridges, sets every group back, starts them again and waits until all is quiet.
 * The dead-letter topics are written at least once, so they may grow; nothing else may.
 */
export async function rewindAll(chaos: Chaos, timeoutMs: number): Promise<Rewound> {
  const { its, admin, heldDown } = chaos;
  await untilNothingComesByItself(chaos, timeoutMs);
  const bridges = bridgesOf(chaos);
  for (const name of bridges) heldDown.add(name);
  await Promise.all(bridges.map((name) => its.system.product(name).stop()));
  await eventually('the groups to be empty', async () =>
    (await describeGroups(admin)).every(({ members }) => members.length === 0),
  );
  const before = await snapshot(chaos);
  const groups = await existingGroups(admin);
  // Each topic takes seconds: kafkajs joins the group for it.
  const read = await Promise.all(groups.map((groupId) => setBack(chaos, groupId)));
  const records = read.reduce((sum, count) => sum + count, 0);
  await Promise.all(bridges.map((name) => its.system.product(name).start()));
  for (const name of bridges) heldDown.delete(name);
  await untilIdle(chaos, timeoutMs);
  const after = await lasting(chaos, before.runs);
  const changes = tableDifferences(before.tables, after.tables);
  if (before.ends !== after.ends) changes.push(`the topics ended at ${before.ends}, now at ${after.ends}`);
  changes.push(...differences(before.runs, after.runs).map((run) => `workflows: ${run}`));
  return { records, changes };
}

/** A rewinding may take so long. */
const rewindsWithin = '4 minutes';

/** All is quiet, and no failed payment is about to be tried again: that would change rows meanwhile. */
async function untilNothingComesByItself(chaos: Chaos, timeoutMs: number): Promise<void> {
  const isRetryDue = async () => {
    const due = await rows(
      chaos,
      `SELECT id FROM payments WHERE status = 'failed'
         AND (next_attempt_at < now() + interval '${rewindsWithin}' OR next_notice_at < now() + interval '${rewindsWithin}')
       LIMIT 1`,
    );
    return due.length > 0;
  };
  do {
    const look = async () => !(await isRetryDue());
    await eventually('no retry to be due soon', look, { timeoutMs: 15 * 60_000, everyMs: 1_000 });
    // A retry that was waited for may be pending now, and its webhook still to come.
    await untilIdle(chaos, timeoutMs);
  } while (await isRetryDue());
}

/** So long a retry process may need to find that nothing is left for it, and Temporal to list it as ended. */
const endsWithinMs = 60_000;

/** A snapshot without the processes that are about to end: only one that stays is new. */
async function lasting(chaos: Chaos, before: readonly string[]) {
  const deadlineMs = performance.now() + endsWithinMs;
  for (;;) {
    const now = await snapshot(chaos);
    if (differences(before, now.runs).length === 0 || performance.now() > deadlineMs) return now;
    await sleep(1_000);
  }
}

async function snapshot(chaos: Chaos) {
  const ends = await topicEnds(chaos.admin, topicNames);
  const runs: string[] = [];
  for await (const { workflowId, runId, status } of chaos.temporal.workflow.list()) {
    // Schedulers and the reconciliation go on by themselves, run after run. A retry process that nothing is left for
    // looks at the rows and ends, so only one that stays would be new.
    const isCounted =
      /^(subscription|payment)\//.test(workflowId) ||
      (/^(retry|bulk-retry)\//.test(workflowId) && status.name === 'RUNNING');
    if (isCounted) runs.push(`${workflowId} ${runId} ${status.name}`);
  }
  return {
    tables: await dumpTables(chaos),
    ends: ends.map(({ topic, partition, end }) => `${topic}/${partition}/${end}`).join(' '),
    runs,
  };
}

/** @returns how many records it will read again */
async function setBack({ admin }: Chaos, groupId: string): Promise<number> {
  const offsets = await admin.fetchOffsets({ groupId });
  let records = 0;
  for (const { topic, partitions } of offsets) {
    records += partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
    const toStart = partitions.map(({ partition }) => ({ partition, offset: '0' }));
    await admin.setOffsets({ groupId, topic, partitions: toStart });
  }
  return records;
}
