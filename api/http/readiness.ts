/**
 * Whether every part of the system is there.
 *
 * Owns: running the checks side by side, each with its own bound, for all who ask, and wording their failures.
 * Invariants: a check that hangs is a part that is down; however many ask, there is one round at a time; reasons hold no
 * secret.
 */
import type { Readiness } from '../../contracts/http/service';
import type { ReadinessCheck } from './dependencies';
import { scrubbed } from './logging';

const checkTimeoutMs = 2_000;
const maxReasonLength = 200;

/** How long what was found holds. */
const keptMs = 1_000;

/** Asks the parts once for all who ask at the same time, and again after a second at the earliest. */
export function sharedReadiness(
  checks: readonly ReadinessCheck[],
  nowMs: () => number = () => performance.now(),
): () => Promise<Readiness> {
  let running: Promise<Readiness> | undefined;
  let last: { atMs: number; readiness: Readiness } | undefined;
  return () => {
    if (running !== undefined) return running;
    if (last !== undefined && nowMs() - last.atMs < keptMs) return Promise.resolve(last.readiness);
    running = readinessOf(checks).then((readiness) => {
      last = { atMs: nowMs(), readiness };
      running = undefined;
      return readiness;
    });
    return running;
  };
}

/** Asks every part. */
async function readinessOf(checks: readonly ReadinessCheck[]): Promise<Readiness> {
  const parts = await Promise.all(checks.map(stateOf));
  return { status: parts.every(({ state }) => state === 'up') ? 'ready' : 'not_ready', parts };
}

async function stateOf(part: ReadinessCheck): Promise<Readiness['parts'][number]> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkTimeoutMs} ms`)), checkTimeoutMs);
  });
  try {
    // A check that throws before it returns a promise must not throw past the others.
    await Promise.race([Promise.resolve().then(() => part.check()), timeout]);
    return { name: part.name, state: 'up', reason: null };
  } catch (error) {
    return { name: part.name, state: 'down', reason: reasonOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Prisma puts the reason last, after a piece of source.
  const line = message.trim().split('\n').at(-1) ?? '';
  return scrubbed(line === '' ? 'it failed without a reason' : line).slice(0, maxReasonLength);
}
