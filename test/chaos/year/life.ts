/**
 * A year in the lives of customers, drawn from a seed: what they, their banks, their shop and operators do, and when.
 *
 * Pure. What is drawn may turn out to be impossible (a pause of what has ended): the system refuses it then.
 */
import type { Random } from '../random';

export const daysOfYear = 365;
/** After the last step: a lookup each day learns what no webhook has reported. */
const lookupDays = 3;

export const plans = {
  weekly: { amount: 450, unit: 'week', count: 1 },
  monthly: { amount: 1_000, unit: 'month', count: 1 },
  gold: { amount: 2_900, unit: 'month', count: 1 },
  quarterly: { amount: 2_500, unit: 'month', count: 3 },
  yearly: { amount: 9_900, unit: 'year', count: 1 },
  free: { amount: 0, unit: 'month', count: 1 },
} as const;
export type PlanName = keyof typeof plans;

/** How each policy ends; the shipped one is `default`. */
export const policies = {
  'year-cancel': 'cancel',
  'year-pause': 'pause',
  'year-leave': 'leave_past_due',
  'year-expire': 'expire',
} as const;

/** What becomes of a webhook, with how often; a lost one is one whose news a lookup finds, too. */
export type WebhookFate = 'delivered' | 'lost' | 'late' | 'twice';

export type Action =
  | { kind: 'nothing' }
  | { kind: 'order'; plan: PlanName }
  | { kind: 'card'; token: string }
  | { kind: 'pause'; resumeAfterDays: number | null }
  | { kind: 'resume' }
  | { kind: 'change'; change: Readonly<Record<string, unknown>>; plan: PlanName | null }
  | { kind: 'cancel'; mode: 'now' | 'period_end'; refund: 'none' | 'prorated' | 'full' }
  | { kind: 'keep' }
  | { kind: 'pay'; amount: number }
  | { kind: 'retry' }
  | { kind: 'credit'; amount: number }
  /** `share`: of what was charged; 1: all that is left. */
  | { kind: 'refund'; share: number }
  | { kind: 'refund at the provider'; share: number }
  | { kind: 'refunds decided'; succeed: boolean }
  | { kind: 'refund that fails late' }
  | { kind: 'dispute'; share: number; inquiry: boolean }
  | { kind: 'dispute decided'; status: 'won' | 'lost' }
  | { kind: 'charges decided'; succeed: boolean }
  | { kind: 'authentication'; succeed: boolean }
  | { kind: 'late outcomes' };
export type ActionKind = Action['kind'];

export interface Step {
  /** Since the step before. */
  afterDays: number;
  action: Action;
}

export interface Life {
  number: number;
  /** What the clock shows at the birth, RFC 3339. */
  begins: string;
  timeZone: string;
  plan: PlanName;
  quantity: number;
  card: string;
  trialDays: number;
  startAfterDays: number | null;
  policy: string;
  /** Weights of what becomes of the webhooks. */
  webhooks: readonly (readonly [WebhookFate, number])[];
  steps: readonly Step[];
}

const cards = [
  ['tok_ok', 8],
  ['tok_insufficient_funds', 1],
  ['tok_do_not_honor', 1],
  ['tok_stolen', 1],
  ['tok_expired_card', 1],
  ['tok_authentication_required', 2],
  ['tok_pending_then_ok', 2],
  ['tok_pending_then_fail', 1],
  ['tok_declined_then_late_ok', 1],
  ['tok_ok_then_disputed', 1],
  ['tok_ok_refunds_fail', 1],
  ['tok_lost_answer_ok', 1],
  ['tok_http_500_then_ok', 1],
  ['tok_rate_limited_then_ok', 1],
  ['tok_fail_1_then_ok', 1],
  ['tok_ok_then_fail_1', 2],
  ['tok_ok_then_fail_3', 2],
  ['tok_ok_then_fail_60', 3],
] as const;

const planWeights = [
  ['monthly', 6],
  ['gold', 3],
  ['quarterly', 2],
  ['weekly', 1],
  ['yearly', 1],
  ['free', 1],
] as const satisfies readonly (readonly [PlanName, number])[];

const parts = [1, 1, 0.5, 0.3, 0.07] as const;
const refundModes = ['none', 'prorated', 'full'] as const;

/** What happens in a life, how often, and what is drawn for it. */
const actions: {
  [K in ActionKind]: [weight: number, draw: (random: Random) => Omit<Action & { kind: K }, 'kind'>];
} = {
  nothing: [3, () => ({})],
  order: [1, (random) => ({ plan: random.weighted<PlanName>(planWeights) })],
  card: [4, (random) => ({ token: random.weighted<string>(cards) })],
  pause: [3, (random) => ({ resumeAfterDays: random.pick([null, null, 1, 10, 45, 100]) })],
  resume: [3, () => ({})],
  change: [6, drawChange],
  cancel: [
    2,
    (random) => ({
      mode: random.pick(['now', 'period_end', 'period_end'] as const),
      refund: random.pick(refundModes),
    }),
  ],
  keep: [1, () => ({})],
  pay: [1, (random) => ({ amount: random.int(100, 5_000) })],
  retry: [2, () => ({})],
  credit: [1, (random) => ({ amount: random.int(0, 4) === 0 ? -random.int(1, 300) : random.int(1, 1_500) })],
  refund: [3, (random) => ({ share: random.pick(parts) })],
  'refund at the provider': [1, (random) => ({ share: random.pick(parts) })],
  'refunds decided': [4, (random) => ({ succeed: random.int(0, 3) > 0 })],
  'refund that fails late': [1, () => ({})],
  dispute: [2, (random) => ({ share: random.pick(parts), inquiry: random.int(0, 4) === 0 })],
  'dispute decided': [3, (random) => ({ status: random.pick(['won', 'lost'] as const) })],
  'charges decided': [4, (random) => ({ succeed: random.int(0, 2) > 0 })],
  authentication: [2, (random) => ({ succeed: random.int(0, 2) > 0 })],
  'late outcomes': [2, () => ({})],
};
export const actionKinds = Object.keys(actions) as ActionKind[];

function drawChange(random: Random): Omit<Action & { kind: 'change' }, 'kind'> {
  const terms = random.pick(['plan', 'plan', 'quantity', 'both'] as const);
  const effective = random.pick(['now', 'now', 'now', 'period_end'] as const);
  const proration = random.pick(['charge_now', 'charge_now', 'next_renewal', 'none'] as const);
  return {
    plan: terms === 'quantity' ? null : random.weighted<PlanName>(planWeights),
    change: {
      ...(terms !== 'plan' && { quantity: random.int(1, 4) }),
      effective,
      ...(effective === 'now' && { proration }),
    },
  };
}

function drawAction(random: Random): Action {
  const kind = random.weighted(actionKinds.map((each) => [each, actions[each][0]] as const));
  return { kind, ...actions[kind][1](random) } as Action;
}

/** At once, within the day, within weeks, or after months. */
function drawDays(random: Random, pace: number): number {
  const days = random.weighted([
    [0, 3],
    [random.int(1, 1_440) / 1_440, 3],
    [random.int(1, 21), 6],
    [random.int(20, 70), 2],
  ]);
  return days * pace;
}

/** @param most steps at most */
function drawSteps(random: Random, most: number): Step[] {
  const steps: Step[] = [];
  // Fewer steps are further apart, so that they fill the year, too.
  const pace = Math.max(1, 25 / most);
  for (let days = 0; steps.length < most;) {
    const afterDays = drawDays(random, pace);
    days += afterDays;
    if (days > daysOfYear - lookupDays) break;
    steps.push({ afterDays, action: drawAction(random) });
  }
  return steps;
}

/** The fates of a life's webhooks: most, half or none come as they should. */
const drawFates = (random: Random): Life['webhooks'] =>
  random.pick<Life['webhooks']>([
    [['delivered', 1]],
    [
      ['delivered', 2],
      ['lost', 1],
      ['late', 1],
      ['twice', 1],
    ],
    [['lost', 1]],
    [
      ['lost', 1],
      ['late', 3],
    ],
  ]);

const firstDay = Date.UTC(2031, 0, 1);
const dayMs = 86_400_000;

/** @param most steps of a life at most */
export function drawLives(random: Random, count: number, most = 60): Life[] {
  return Array.from({ length: count }, (_, number) => drawLife(random.fork(`life ${number}`), number, most));
}

function drawLife(random: Random, number: number, most: number): Life {
  return {
    number,
    begins: new Date(firstDay + random.int(0, 400 * 24 * 60) * 60_000).toISOString(),
    timeZone: random.pick(['Europe/Berlin', 'America/New_York', 'Pacific/Apia', 'UTC']),
    plan: random.weighted<PlanName>(planWeights),
    quantity: random.pick([1, 1, 1, 2, 3]),
    card: random.weighted<string>(cards),
    trialDays: random.pick([0, 0, 0, 0, 7, 30]),
    startAfterDays: random.int(0, 9) === 0 ? random.int(1, 40) : null,
    policy: random.pick(['default', 'default', ...Object.keys(policies)]),
    webhooks: drawFates(random),
    steps: drawSteps(random, most),
  };
}

/** The instant of each step, and the end of the year, milliseconds since the epoch. */
export function instantsOf({ begins, steps }: Pick<Life, 'begins' | 'steps'>): {
  steps: number[];
  end: number;
} {
  let at = Date.parse(begins);
  const end = at + daysOfYear * dayMs;
  return { steps: steps.map(({ afterDays }) => (at += Math.round(afterDays * dayMs))), end };
}
