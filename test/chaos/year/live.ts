/**
 * Lives the year of each life: its clock goes from step to step, many clocks side by side.
 *
 * Invariant: a clock that stands still for too long is a violation, and is asked once more; what it does not reach then is
 * not lived.
 */
import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/eventually';
import { untilAnswered, type Chaos } from '../context';
import { act, giveCard, order, type Living } from './acts';
import { instantsOf, plans, policies, type Life, type PlanName } from './life';
import type { PostOffice } from './post-office';

/** Clocks that advance at a time. */
const lanes = 8;
const dayMs = 86_400_000;
const clockTimeoutMs = 30 * 60_000;

const planOf = ({ its }: Chaos, name: PlanName): string => `${its.plan}-${name}`;

/** The plans and policies of all lives. */
export async function prepareYear(chaos: Chaos): Promise<void> {
  for (const [name, { amount, unit, count }] of Object.entries(plans)) {
    const id = planOf(chaos, name as PlanName);
    await chaos.its.made('/plans', { id, name, currency: 'EUR', amount, interval: { unit, count } });
  }
  for (const [id, final_action] of Object.entries(policies)) {
    const policy = { ladder: [{ after: 'P3D' }, { after: 'P5D' }], grace_days: 14, final_action };
    const { status } = await chaos.its.call('PUT', `/retry-policies/${id}`, policy);
    if (status !== 200) throw new Error(`PUT /retry-policies/${id} answered ${status}`);
  }
}

/** @returns what stood still, one line each */
export async function liveAll(chaos: Chaos, office: PostOffice, lives: readonly Life[]): Promise<string[]> {
  const waiting = [...lives];
  const violations: string[] = [];
  let lived = 0;
  const lane = async (): Promise<void> => {
    for (let life = waiting.shift(); life !== undefined; life = waiting.shift()) {
      violations.push(...(await liveOne(chaos, office, life)));
      lived += 1;
      if (lived % 10 === 0) chaos.report(`  ${lived} of ${lives.length} lives`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return violations;
}

async function liveOne(chaos: Chaos, office: PostOffice, life: Life): Promise<string[]> {
  const clock = await chaos.its.made('/test-clocks', { now: life.begins });
  const { customer, living } = await born(chaos, life, clock);
  office.follow(customer, chaos.random.fork(`webhooks ${life.number}`), life.webhooks);
  const violations: string[] = [];
  const advance = async (to: number): Promise<boolean> => {
    for (const _ of ['once', 'again']) {
      const detail = await advanceTo(chaos, clock, to);
      if (detail === null) return true;
      const violation = `the clock of life ${life.number} (${customer}) stands still: ${detail}`;
      chaos.report(violation);
      violations.push(violation);
    }
    return false;
  };
  await begin(living, life);
  const { steps, end } = instantsOf(life);
  for (const [index, { action }] of life.steps.entries()) {
    living.now = steps[index] ?? living.now;
    if (!(await advance(living.now))) return violations;
    await act(living, action);
    chaos.figures.add('steps');
  }
  await advance(end);
  chaos.figures.add('lives');
  return violations;
}

async function born(chaos: Chaos, life: Life, clock: string): Promise<{ customer: string; living: Living }> {
  const ada = { name: 'Ada', time_zone: life.timeZone, test_clock_id: clock };
  const customer = await chaos.its.made('/customers', ada);
  let tokens = 0;
  const living: Living = {
    chaos,
    customer,
    now: Date.parse(life.begins),
    // What follows the # tells tokens apart.
    nextToken: (token) => `${token}#year-${life.number}-${(tokens += 1)}`,
    planOf: (name) => planOf(chaos, name),
  };
  return { customer, living };
}

/** The first order; declined, they try once more with a card that pays. */
async function begin(living: Living, life: Life): Promise<void> {
  const { startAfterDays, trialDays, quantity, policy } = life;
  const terms = {
    quantity,
    trial_days: trialDays,
    retry_policy_id: policy,
    ...(startAfterDays !== null && { start_at: new Date(living.now + startAfterDays * dayMs).toISOString() }),
  };
  await giveCard(living, life.card);
  if ((await order(living, life.plan, terms)) !== 402) return;
  await giveCard(living, 'tok_ok');
  await order(living, life.plan, terms);
}

/** @returns why the clock stands still on its way; null: it has arrived */
async function advanceTo(chaos: Chaos, clock: string, to: number): Promise<string | null> {
  const body = { to: new Date(to).toISOString() };
  const path = `/test-clocks/${clock}/advance`;
  const { status, body: answer } = await untilAnswered(chaos, 'POST', path, body, randomUUID());
  if (status !== 202) return `the advance was answered ${status} ${JSON.stringify(answer)}`;
  const row = await eventually(
    `clock ${clock} to stand still`,
    async () => {
      const found = await chaos.db.testClock.findUniqueOrThrow({ where: { id: clock } });
      return found.status !== 'advancing' && found;
    },
    { timeoutMs: clockTimeoutMs, everyMs: 150 },
  );
  chaos.figures.add('due instants', row.steps);
  return row.status === 'ready' ? null : `${row.now.toISOString()}: ${row.detail}`;
}
