/** What the chapters of the demo do alike: calls over HTTP, the provider's ledger, links to workflows, records. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DemoSystem } from './system';
import type { SeenRecord, Watch } from './watch';

interface Storyteller {
  step(title: string): void;
  line(text: string): void;
}

export type Json = Record<string, unknown>;

export interface Story {
  system: DemoSystem;
  watch: Watch;
  narrate: Storyteller;
  /** Makes this run's ids its own. */
  run: string;
}

/** A chapter that a test clock tells. */
export interface ByClock extends Story {
  clock: string;
}

/** A customer with one payment method of the sandbox; its token decides what happens. */
export async function customerWith(
  { system, narrate }: Story,
  token: string,
  testClock?: string,
): Promise<{ customer: string; method: string }> {
  const customer = await call(
    system,
    narrate,
    'POST',
    '/customers',
    { name: 'Ada', time_zone: 'Europe/Berlin', test_clock_id: testClock },
    201,
  );
  const id = String(customer['id']);
  const body = { provider: 'sandbox', token, default: true };
  const method = await call(system, narrate, 'POST', `/customers/${id}/payment-methods`, body, 201);
  return { customer: id, method: String(method['id']) };
}

export function workflow({ system, narrate }: Story, workflowId: string): void {
  if (system.temporalUiUrl === undefined) return narrate.line(`workflow ${workflowId}`);
  const path = `/namespaces/${system.namespace}/workflows/${encodeURIComponent(workflowId)}`;
  narrate.line(`workflow ${workflowId}: ${system.temporalUiUrl}${path}`);
}

export function record(narrate: Storyteller, { topic, key, partition, offset, event }: SeenRecord): void {
  narrate.line(`topic ${topic}, key ${key}, partition ${partition}, offset ${offset}`);
  narrate.line(`CloudEvent ${event.type}, id ${event.id}, from ${event.source}`);
}

export async function charges(system: DemoSystem, paymentId?: string): Promise<Json[]> {
  const query = paymentId === undefined ? 'limit=100' : `payment_id=${paymentId}&limit=100`;
  const response = await fetch(`${system.sandboxUrl}/v1/charges?${query}`);
  return ((await response.json()) as { data: Json[] }).data;
}

export async function get(system: DemoSystem, path: string): Promise<Json> {
  const response = await fetch(`${system.apiUrl}${path}`, {
    headers: { Authorization: `Bearer ${system.apiKey}` },
  });
  return (await response.json()) as Json;
}

export async function call(
  system: DemoSystem,
  narrate: Storyteller,
  method: string,
  path: string,
  body: unknown,
  wanted: number,
  headers: Record<string, string> = {},
): Promise<Json> {
  const beganMs = performance.now();
  const response = await fetch(`${system.apiUrl}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${system.apiKey}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = (await response.json()) as Json;
  const ms = Math.round(performance.now() - beganMs);
  const what = [answer['id'], answer['status'], answer['code']]
    .filter((part) => typeof part === 'string')
    .join(' ');
  narrate.line(`${method} ${path} -> ${response.status} ${what} (${ms} ms)`);
  if (response.status !== wanted) {
    throw new Error(
      `${method} ${path} answered ${response.status} instead of ${wanted}: ${JSON.stringify(answer)}`,
    );
  }
  return answer;
}

/** Returns when the clock has arrived and all that was due on the way has happened. */
export async function advance({ system, narrate, clock }: ByClock, to: string): Promise<void> {
  const beganMs = performance.now();
  await call(system, narrate, 'POST', `/test-clocks/${clock}/advance`, { to }, 202);
  for (;;) {
    const { status, steps, detail } = await get(system, `/test-clocks/${clock}`);
    if (status === 'ready') {
      const seconds = ((performance.now() - beganMs) / 1_000).toFixed(1);
      return narrate.line(`the clock arrived after ${seconds} s, having stopped ${String(steps)} times`);
    }
    if (status === 'failed') throw new Error(`the test clock ${String(detail)}`);
    await sleep(100);
  }
}

/** Asks until the answer is as wanted. @throws Error that names what did not come within 30 s */
export async function until(
  what: string,
  ask: () => Promise<Json>,
  isSo: (answer: Json) => boolean,
): Promise<Json> {
  for (const deadlineMs = performance.now() + 30_000; ; await sleep(100)) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come within 30 s`);
  }
}

export function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
