/** CPU and memory of processes, as Linux tells them. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: fixed by the kernel's interface. */
const msPerTick = 10;

interface Stat {
  parent: number;
  /** Its own, and that of its children that have ended. */
  cpuMs: number;
}

function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + (fields[at] ?? 0), 0);
    return { parent: fields[1] ?? 0, cpuMs: ticks * msPerTick };
  } catch {
    return null;
  }
}

/** What a process and all that descend from it have used so far, milliseconds; without the trees of `others`. */
function cpuMsOfTree(root: number, others: ReadonlySet<number>): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), stat: statOf(Number(name)) }));
  let sum = 0;
  const tree = [root];
  for (let pid = tree.pop(); pid !== undefined; pid = tree.pop()) {
    for (const known of stats) {
      if (known.stat?.parent === pid && !others.has(known.pid)) tree.push(known.pid);
      if (known.pid === pid) sum += known.stat?.cpuMs ?? 0;
    }
  }
  return sum;
}

/** Resident memory of a process, MiB. */
export function rssMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib ?? 0) / 1024;
}

/** Process ids by name. */
export type ProcessIds = Readonly<Record<string, number>>;

export interface CpuMeter {
  /** What every process has used since, for each of `count` operations, and their sum. */
  each(count: number): string;
  /** What all of them have used since, milliseconds. */
  used(): number;
}

/** Begins to count. */
export function cpuMeter(processes: ProcessIds): CpuMeter {
  const measured = new Set(Object.values(processes));
  const begun = Object.entries(processes).map(([name, pid]) => ({
    name,
    pid,
    beganMs: cpuMsOfTree(pid, measured),
  }));
  const usedSince = () =>
    begun.map(({ name, pid, beganMs }) => ({ name, ms: cpuMsOfTree(pid, measured) - beganMs }));
  const sumOf = (used: readonly { ms: number }[]) => used.reduce((total, { ms }) => total + ms, 0);
  return {
    used: () => sumOf(usedSince()),
    each(count) {
      const used = usedSince().map(({ name, ms }) => ({ name, ms: ms / count }));
      const sum = sumOf(used);
      const parts = used.filter(({ ms }) => ms >= 0.05).map(({ name, ms }) => `${name} ${ms.toFixed(2)}`);
      return `${sum.toFixed(2)} ms (${parts.join(', ')})`;
    },
  };
}
