/**
 * `platform.json`: what runs in a platform folder, for people, for `status` and `down`, and for the start that comes
 * after a killed run.
 *
 * Owns: the file's shape and its atomic replacement. Does not own what is done with it (`recovery.ts`). Invariants:
 * a process is recorded as soon as it has a pid, before anything is awaited; no secret of a given server is written.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessRecord } from './process-identity';

export type ComponentName = 'postgres' | 'kafka' | 'temporal';
export type Origin = 'environment' | 'native' | 'docker';

export interface RecordedProcess extends ProcessRecord {
  readonly name: string;
  /** The product's processes stop before the servers, PostgreSQL last. */
  readonly kind: 'product' | 'server';
  readonly started_at: string;
}

export interface RecordedComponent {
  readonly name: ComponentName;
  readonly version: string;
  readonly from: Origin;
  readonly address: string;
}

export interface PlatformState {
  readonly started_at: string;
  /** Absent while it is starting. */
  readonly ready_at?: string;
  /** The process that started all this and stops it. */
  readonly owner: ProcessRecord;
  readonly components: readonly RecordedComponent[];
  readonly processes: readonly RecordedProcess[];
  /** Name to URL or host:port: everything that listens. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Everything that the platform makes in its folder. */
export const ownNames: readonly string[] = [
  'postgres',
  'kafka',
  'temporal',
  'logs',
  'platform.json',
  'lock',
  'api-key',
  'docker.log',
];

/** Where the state of a platform folder is written. */
export function statePath(dir: string): string {
  return join(dir, 'platform.json');
}

/** The lock that a running platform holds on its folder. */
export function lockPath(dir: string): string {
  return join(dir, 'lock');
}

/** The state last written; undefined when there is none or it cannot be read. */
export function readState(dir: string): PlatformState | undefined {
  try {
    const state = JSON.parse(readFileSync(statePath(dir), 'utf8')) as PlatformState;
    return Array.isArray(state.processes) && typeof state.owner?.pid === 'number' ? state : undefined;
  } catch {
    return undefined;
  }
}

export class StateFile {
  private state: PlatformState;

  constructor(
    private readonly dir: string,
    owner: ProcessRecord,
  ) {
    this.state = {
      started_at: new Date().toISOString(),
      owner,
      components: [],
      processes: [],
      addresses: {},
    };
    this.write();
  }

  /** Merges; `addresses` are added to those known. */
  set(change: Partial<Pick<PlatformState, 'components' | 'addresses' | 'ready_at'>>): void {
    this.state = {
      ...this.state,
      ...change,
      addresses: { ...this.state.addresses, ...change.addresses },
    };
    this.write();
  }

  /** Records a process, instead of an earlier one of that name. */
  started(name: string, kind: RecordedProcess['kind'], { pid, identity }: ProcessRecord): void {
    const others = this.state.processes.filter((known) => known.name !== name);
    const entry = { name, kind, pid, identity, started_at: new Date().toISOString() };
    this.state = { ...this.state, processes: [...others, entry] };
    this.write();
  }

  /** Takes a process that has ended off the record. */
  ended(name: string): void {
    this.state = { ...this.state, processes: this.state.processes.filter((known) => known.name !== name) };
    this.write();
  }

  /** Removes the file: everything has stopped. */
  remove(): void {
    rmSync(statePath(this.dir), { force: true });
  }

  private write(): void {
    mkdirSync(this.dir, { recursive: true });
    const draft = `${statePath(this.dir)}.${process.pid}`;
    writeFileSync(draft, `${JSON.stringify(this.state, null, 2)}\n`);
    renameSync(draft, statePath(this.dir));
  }
}
