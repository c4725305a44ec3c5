/** Where one life is played: its customer with a clock and a card, the names of things here and there, and its draws. */
import { limitsOfProviders, type LimitsOf } from '../../../billing/ledger/limits';
import type { AttemptDependencies } from '../../../billing/payment/attempt';
import type { DisputeEvent } from '../../../domain/ledger/dispute';
import type { Database } from '../../../prisma/client';
import { actor } from '../creation';
import { randomOf } from '../ledger/random-life';
import type { Script, ScriptStep } from './script';
import { limitsByCurrency, type PlayedProvider } from './played-provider';
import { wayOf, waysOf, type Repeated, type WayKind, type Ways } from './ways';
import { readRows, type LifeRows, type PaymentFigures, type SubscriptionFigures } from './rows';

/** What all lives share. */
export interface Theatre {
  db: Database;
  provider: PlayedProvider;
  ways: Ways;
}

/** A dispute, as the bank knows it. */
export interface PlayedDispute {
  paymentId: string;
  reference: string;
  amount: number;
  status: DisputeEvent;
}

export class Stage {
  readonly deps: AttemptDependencies;
  readonly limitsOf: LimitsOf;
  readonly currency: string;
  readonly customerId: string;
  readonly methodId: string;
  /** What things of the life are called on real rows. */
  readonly names = new Map<string, string>();
  readonly disputes = new Map<string, PlayedDispute>();
  rows: LifeRows = { sums: [], subs: [], payments: [], refunds: [], written: 0 };
  private commands = 0;
  private random = randomOf(0);
  private now = '';
  private unapplied: ScriptStep['unapplied'] = new Map();

  constructor(
    readonly theatre: Theatre,
    readonly label: string,
    readonly script: Script,
  ) {
    const { db, provider } = theatre;
    this.deps = { db, providers: new Map([[provider.name, provider]]) };
    this.limitsOf = limitsOfProviders(this.deps.providers);
    this.currency = currencyOf(script.limits);
    this.customerId = `cus_${label}`;
    this.methodId = `pm_${label}`;
  }

  get db(): Database {
    return this.theatre.db;
  }

  get provider(): PlayedProvider {
    return this.theatre.provider;
  }

  async open(now: string): Promise<void> {
    const { db, customerId: id, methodId, label } = this;
    await db.testClock.create({ data: { id: `clk_${label}`, now: new Date(now) } });
    await db.customer.create({ data: { id, time_zone: 'UTC', test_clock_id: `clk_${label}` } });
    await db.paymentMethod.create({
      data: { id: methodId, customer_id: id, provider: 'sandbox', token: 'tok_ok' },
    });
    this.now = now;
  }

  /** Gets ready for a step: the customer's clock, and what the ways of the step are drawn from. */
  async begin({ at, draw, unapplied }: ScriptStep): Promise<void> {
    this.unapplied = unapplied;
    this.random = randomOf(draw);
    if (at === this.now) return;
    await this.db.testClock.update({ where: { id: `clk_${this.label}` }, data: { now: new Date(at) } });
    this.now = at;
  }

  /** Whether an instant of a row has come by the customer's clock. */
  isOver(instant: string): boolean {
    return Date.parse(instant) <= Date.parse(this.now);
  }

  async look(): Promise<void> {
    this.rows = await readRows(this.db, this.customerId);
  }

  /** Draws one of these. */
  draw<T>(from: readonly [T, ...T[]]): T {
    return from[Math.floor(this.random() * from.length)] ?? from[0];
  }

  /** Draws one of the ways in which something can happen, and counts it. */
  way<Kind extends WayKind>(kind: Kind): (typeof waysOf)[Kind][number] {
    const drawn = this.draw(waysOf[kind]);
    this.count(wayOf(kind, drawn));
    return drawn;
  }

  /** Does what may be reported or asked twice, now and then twice; of all lives, the first time in any case. */
  async maybeTwice(kind: Repeated, act: () => Promise<unknown>): Promise<void> {
    await act();
    const way = wayOf(kind, 'twice');
    // The draw comes first: what a life draws later does not depend on the others.
    const isDrawn = this.draw([true, false, false, false]);
    if (!isDrawn && this.theatre.ways.has(way)) return;
    this.count(way);
    await act();
  }

  count(name: string): void {
    const { ways } = this.theatre;
    ways.set(name, (ways.get(name) ?? 0) + 1);
  }

  /** Payments whose money has come for a subscription and is not applied. */
  unappliedOf(sub: string): readonly string[] {
    return this.unapplied.get(sub) ?? [];
  }

  /** {@link unappliedOf} the subscription of a payment. */
  unappliedBeside(payment: string): readonly string[] {
    const { subscription_id: id } = this.payment(payment);
    const name = [...this.names].find(([, real]) => real === id)?.[0];
    return name === undefined ? [] : this.unappliedOf(name);
  }

  command() {
    this.commands += 1;
    return { command_id: `${this.label}/command/${this.commands}`, actor };
  }

  call(name: string, real: string): void {
    this.names.set(name, real);
  }

  /** What something of the life is called on real rows. */
  named(name: string): string {
    const real = this.names.get(name);
    if (real === undefined) throw new Error(`nothing is called ${name}`);
    return real;
  }

  sub(name: string): SubscriptionFigures {
    const id = this.named(name);
    const row = this.rows.subs.find((each) => each.id === id);
    if (row === undefined) throw new Error(`there is no subscription ${name}`);
    return row;
  }

  payment(name: string): PaymentFigures {
    const id = this.named(name);
    const row = this.rows.payments.find((each) => each.id === id);
    if (row === undefined) throw new Error(`there is no payment ${name}`);
    return row;
  }
}

function currencyOf({ smallest, step }: Script['limits']): string {
  const found = Object.entries(limitsByCurrency).find(
    ([, limits]) => limits.smallest === smallest && limits.step === step,
  );
  if (found === undefined) throw new Error(`no currency is charged from ${smallest} on, in steps of ${step}`);
  return found[0];
}

/** @throws Error when it was refused */
export function mustCommit(answer: { kind: string; detail?: string }, kind = 'committed'): void {
  if (answer.kind !== kind) throw new Error(`${answer.kind}, not ${kind}: ${answer.detail ?? ''}`);
}
