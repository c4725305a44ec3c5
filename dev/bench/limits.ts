/**
 * One API key that asks a thousand times a second for a minute: what the other keys wait for, and what memory it takes.
 *
 * The flood is open: it asks at its rate, whatever the answers. The others ask at a rate within their limits. All of it
 * runs on this machine, the caller's own work included.
 */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '../platform/system';
import { cpuMeter, rssMib, type ProcessIds } from './cpu';

const otherKeys = 5;
const perSecondOfOthers = 10;
const worstP99Ms = 300;
const worstGrowthMib = 32;
/** Until the memory of a process that has just started is what it needs. */
const settledAfterSeconds = 10;
const tickMs = 10;

type Report = (line: string) => void;
type Get = (key: string) => Promise<number>;

export async function benchLimits(
  system: System,
  { api = 0 }: ProcessIds,
  perSecond: number,
  seconds: number,
  report: Report,
): Promise<void> {
  const keys: string[] = [];
  for (let count = 0; count <= otherKeys; count += 1) keys.push(await newKey(system));
  const [busy = '', ...others] = keys;
  const before = await othersWaits(system, others, settledAfterSeconds);
  report(`  others without the flood: ${before.text}`);
  const cpu = cpuMeter({ api });
  const flooding = flood(system, busy, perSecond, seconds);
  const waiting = othersWaits(system, others, seconds);
  const memory: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await sleep(1_000);
    memory.push(rssMib(api));
  }
  const [answers, during] = await Promise.all([flooding, waiting]);
  report(
    `  others during ${perSecond}/s of one key: ${during.text}; the flood was answered ${answers}; CPU of a request ${cpu.each(perSecond * seconds)}`,
  );
  const growth = growthOf(memory);
  const shown = memory.filter((_, second) => second % settledAfterSeconds === 0);
  report(
    `  memory of the API: ${shown.map((mib) => `${mib.toFixed(0)} MiB`).join(', ')}; its lowest grew by ${growth.toFixed(0)} MiB`,
  );
  if (during.p99Ms > worstP99Ms) throw new Error(`others wait ${during.p99Ms} ms (p99)`);
  if (during.refused > 0) throw new Error(`${during.refused} requests of others were refused`);
  if (growth > worstGrowthMib) throw new Error(`memory grew by ${growth.toFixed(0)} MiB`);
}

/**
 * How much more a process needs at the end than in the middle. Between two collections memory rises and falls, so the
 * lowest values are compared; before, the garbage collector finds out how much it needs.
 */
function growthOf(memory: readonly number[]): number {
  const third = Math.ceil(memory.length / 3);
  const lowest = (from: number, to?: number) => Math.min(...memory.slice(from, to));
  return memory.length < 3 ? 0 : lowest(-third) - lowest(third, 2 * third);
}

async function newKey({ apiUrl, apiKey }: System): Promise<string> {
  const response = await fetch(`${apiUrl}/api-keys`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'bench', scopes: ['catalog:read'] }),
  });
  const { secret } = (await response.json()) as { secret?: string };
  if (secret === undefined) throw new Error(`no API key: ${response.status}`);
  return secret;
}

function getter({ apiUrl }: System, agent: Agent): Get {
  return async (key) => {
    const asked = request(`${apiUrl}/plans`, { headers: { Authorization: `Bearer ${key}` }, agent });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode ?? 0;
  };
}

/** Calls `ask` so many times a second, without waiting for what it returns. */
async function atRate(perSecond: number, seconds: number, ask: () => Promise<void>): Promise<void> {
  const begunMs = performance.now();
  const asked: Promise<void>[] = [];
  const total = perSecond * seconds;
  while (asked.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begunMs) / 1_000) * perSecond));
    while (asked.length < due) asked.push(ask());
    await sleep(tickMs);
  }
  await Promise.all(asked);
}

/** @returns how often each status was answered */
async function flood(system: System, key: string, perSecond: number, seconds: number): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  const get = getter(system, agent);
  const counts = new Map<number, number>();
  await atRate(perSecond, seconds, async () => {
    const status = await get(key);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  });
  agent.destroy();
  return [...counts].map(([status, count]) => `${count} x ${status}`).join(', ');
}

async function othersWaits(
  system: System,
  keys: readonly string[],
  seconds: number,
): Promise<{ p99Ms: number; refused: number; text: string }> {
  const agent = new Agent({ keepAlive: true });
  const get = getter(system, agent);
  const tookMs: number[] = [];
  let refused = 0;
  const ofKey = (key: string) =>
    atRate(perSecondOfOthers, seconds, async () => {
      const startMs = performance.now();
      if ((await get(key)) !== 200) refused += 1;
      tookMs.push(performance.now() - startMs);
    });
  await Promise.all(keys.map(ofKey));
  agent.destroy();
  tookMs.sort((a, b) => a - b);
  const at = (part: number) => Math.round(tookMs[Math.floor((tookMs.length - 1) * part)] ?? 0);
  const text = `${tookMs.length} requests, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`;
  return { p99Ms: at(0.99), refused, text };
}
