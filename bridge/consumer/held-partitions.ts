/**
 * The windows of a member's partitions, and the records that a membership did not finish.
 *
 * Invariant: a record that was taken and not finished before a rebalance is read again by the next owner of its
 * partition.
 */
import type { ReceivedRecord } from '../kafka/port';
import { RecordWindow, type WindowLimits } from './record-window';

export interface HeldPartition {
  readonly topic: string;
  readonly partition: number;
  readonly window: RecordWindow;
  /** The last record that the group knows to be done. */
  committed: string | undefined;
}

/** Of one partition; a group has a dozen for each of its topics. */
const limits: WindowLimits = {
  parallel: 32,
  held: 256,
  bytesInProgress: 1024 * 1024,
  ahead: 5_000,
};

interface Place {
  topic: string;
  partition: number;
}

export class HeldPartitions {
  private readonly partitions = new Map<string, HeldPartition>();
  /** By place: the first record that an earlier membership did not finish. */
  private readonly leftOver = new Map<string, Place & { offset: string }>();

  constructor(private readonly handle: (record: ReceivedRecord, signal: AbortSignal) => Promise<boolean>) {}

  get isEmpty(): boolean {
    return this.partitions.size === 0;
  }

  of({ topic, partition }: Place): HeldPartition {
    const name = nameOf({ topic, partition });
    const known = this.partitions.get(name);
    if (known !== undefined) return known;
    const window = new RecordWindow(limits, this.handle);
    const held: HeldPartition = { topic, partition, window, committed: undefined };
    this.partitions.set(name, held);
    return held;
  }

  uncommitted(): { partition: HeldPartition; doneUpTo: string }[] {
    return [...this.partitions.values()].flatMap((partition) => {
      const { doneUpTo } = partition.window;
      return doneUpTo === undefined || doneUpTo === partition.committed ? [] : [{ partition, doneUpTo }];
    });
  }

  /** Resolves when no record is in progress. */
  async stop(): Promise<void> {
    await Promise.all([...this.partitions.values()].map(({ window }) => window.stop()));
  }

  /** Forgets the windows, whatever they hold, but not where they stopped. @returns whose they were */
  clear(): Place[] {
    const cleared = [...this.partitions.values()];
    for (const { topic, partition, window } of cleared) {
      const offset = window.firstInProgress;
      if (offset !== undefined) this.leftOver.set(nameOf({ topic, partition }), { topic, partition, offset });
    }
    this.partitions.clear();
    return cleared;
  }

  /** What another member has now is for it to finish. */
  keepLeftOver(assignment: Record<string, number[]>): void {
    for (const [name, { topic, partition }] of this.leftOver)
      if (!assignment[topic]?.includes(partition)) this.leftOver.delete(name);
  }

  /** @returns where reading has to go on when `nextOffset` would step over what was left; asked once */
  takeLeftOver(place: Place, nextOffset: string | undefined): string | undefined {
    const left = this.leftOver.get(nameOf(place));
    if (left === undefined || nextOffset === undefined) return undefined;
    this.leftOver.delete(nameOf(place));
    return BigInt(nextOffset) > BigInt(left.offset) ? left.offset : undefined;
  }

  /** Where reading has to go on in each partition of which something was left; asked once. */
  takeLeftOvers(): (Place & { offset: string })[] {
    const left = [...this.leftOver.values()];
    this.leftOver.clear();
    return left;
  }
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}
