/**
 * The records of one partition that were read and are not all handled: which may run now, and how far it is done.
 *
 * Owns: order within a key, keys side by side, and the bounds of what is in memory. Does not own commits or retries.
 * Invariants: records of one key run one after the other in their order; `doneUpTo` is the end of a prefix without
 * holes; at most `limits.parallel` records are begun and `limits.held` held; once stopped, nothing is begun.
 */
import { setMaxListeners } from 'node:events';
import type { ReceivedRecord } from '../kafka/port';

export interface WindowLimits {
  /** Records begun at once; one that is tried again and again is one of them. */
  parallel: number;
  /** Records held that are not finished. */
  held: number;
  /** Their keys and values together; one record may always be held. */
  bytesInProgress: number;
  /** Records beyond the first unfinished one, most of them finished: what a crash has handled again. */
  ahead: number;
}

/** True: the record's effect is durable. False: it was not finished, for `signal` aborted. Must not reject. */
type Handle = (record: ReceivedRecord, signal: AbortSignal) => Promise<boolean>;

interface Entry {
  readonly offset: string;
  readonly bytes: number;
  /** Let go of when it is finished. */
  record: ReceivedRecord | null;
}

export class RecordWindow {
  /** The offset of the last record of the finished prefix. */
  doneUpTo: string | undefined;
  private readonly stopping = new AbortController();
  /** In order, from the first unfinished one. */
  private readonly entries: Entry[] = [];
  /** Of each key in progress, those that wait for an earlier one. */
  private readonly behind = new Map<string, Entry[]>();
  private readonly ready: Entry[] = [];
  private held = 0;
  private bytesInProgress = 0;
  private begun = 0;
  private changed: (() => void)[] = [];

  constructor(
    private readonly limits: WindowLimits,
    private readonly handle: Handle,
  ) {
    // Each record that waits for its next try listens.
    setMaxListeners(0, this.stopping.signal);
  }

  get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  get hasRoom(): boolean {
    return this.hasRoomIn(this.limits);
  }

  /** The first record that is not finished; the next owner reads it and what follows again. */
  get firstInProgress(): string | undefined {
    return this.entries[0]?.offset;
  }

  /** Takes the next record of the partition. Ask `hasRoom` first. */
  take(record: ReceivedRecord): void {
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    const entry: Entry = { offset: record.offset, bytes, record };
    this.entries.push(entry);
    this.held += 1;
    this.bytesInProgress += bytes;
    const key = keyOf(record);
    const waiting = key === null ? undefined : this.behind.get(key);
    if (waiting !== undefined) waiting.push(entry);
    else {
      if (key !== null) this.behind.set(key, []);
      this.ready.push(entry);
      this.beginMore();
    }
  }

  /** Waits until a record was finished, or the window stopped. False: `withinMs` passed without either. */
  async progress(withinMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), withinMs);
    });
    try {
      return await Promise.race([this.change().then(() => true), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until half of the window is free, or it stopped. */
  async mostlyFree(): Promise<void> {
    const { held, bytesInProgress, ahead } = this.limits;
    const half = { held: held / 2, bytesInProgress: bytesInProgress / 2, ahead: ahead / 2 };
    while (!this.isStopped && !this.hasRoomIn(half)) await this.change();
  }

  /** Begins nothing any more; resolves when no record is in progress. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.notifyChange();
    while (this.begun > 0) await this.change();
  }

  private hasRoomIn({ held, bytesInProgress, ahead }: Omit<WindowLimits, 'parallel'>): boolean {
    if (this.held === 0) return true;
    return this.held < held && this.bytesInProgress < bytesInProgress && this.entries.length < ahead;
  }

  private beginMore(): void {
    while (this.begun < this.limits.parallel && !this.isStopped) {
      const entry = this.ready.shift();
      const record = entry?.record;
      if (entry === undefined || !record) return;
      this.begun += 1;
      void this.handle(record, this.stopping.signal).then((isDone) => {
        this.begun -= 1;
        if (isDone) this.finish(entry, keyOf(record));
        this.notifyChange();
        this.beginMore();
      });
    }
  }

  private finish(entry: Entry, key: string | null): void {
    entry.record = null;
    this.held -= 1;
    this.bytesInProgress -= entry.bytes;
    if (key !== null) {
      const next = this.behind.get(key)?.shift();
      if (next === undefined) this.behind.delete(key);
      else this.ready.push(next);
    }
    const firstOpen = this.entries.findIndex(({ record }) => record !== null);
    const done = this.entries.splice(0, firstOpen === -1 ? this.entries.length : firstOpen);
    this.doneUpTo = done.at(-1)?.offset ?? this.doneUpTo;
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.changed.push(resolve);
    });
  }

  private notifyChange(): void {
    if (this.changed.length === 0) return;
    for (const resolve of this.changed.splice(0)) resolve();
  }
}

function keyOf({ key }: ReceivedRecord): string | null {
  return key?.toString('latin1') ?? null;
}
