/**
 * How the sandbox provider misbehaves at the moment.
 *
 * Owns: the settings of `/v1/control`, in memory, so that a restart brings the defaults back; waiting and
 * failing by them. Does not own behaviour that a token asks for (`tokens.ts`).
 * Invariant: whoever waits here is let go when the provider closes.
 */
import { EventEmitter, once } from 'node:events';
import { Refusal, type ControlSettings } from './requests';

export interface ControlDeps {
  /** Uniform in [0, 1). */
  random(): number;
  /** Rejects as soon as `signal` is aborted. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
  closing: AbortSignal;
}

export class Control {
  private current: ControlSettings = {
    latency_ms: 0,
    failure_rate: 0,
    pending_ms: 2_000,
    pending_refunds: false,
    refuse_cancels: false,
    smallest_charge: 1,
    charge_step: 1,
    hold_answers: false,
    hold_webhooks: false,
    duplicate_webhooks: 0,
    shuffle_webhooks: false,
  };
  private readonly changes = new EventEmitter().setMaxListeners(0);

  constructor(private readonly deps: ControlDeps) {}

  get settings(): Readonly<ControlSettings> {
    return this.current;
  }

  update(patch: Partial<ControlSettings>): Readonly<ControlSettings> {
    this.current = { ...this.current, ...patch };
    if (!this.current.hold_answers) this.changes.emit('answers_released');
    return this.current;
  }

  /** @throws Refusal for the share of requests that `failure_rate` says. */
  maybeFail(): void {
    if (this.deps.random() < this.current.failure_rate) {
      throw new Refusal('internal', 'Failed on purpose: failure_rate.');
    }
  }

  /** Fails by `failure_rate`, else waits `latency_ms`. @throws Refusal */
  async misbehave(): Promise<void> {
    this.maybeFail();
    await this.delay();
  }

  /** @throws Refusal for an amount that is smaller than the smallest charge, or no multiple of its step. */
  refuseAmount(amount: number): void {
    const { smallest_charge: smallest, charge_step: step } = this.current;
    if (amount < smallest) {
      throw new Refusal('amount_too_small', `amount must be at least ${smallest} minor units.`);
    }
    if (amount % step !== 0) {
      throw new Refusal('invalid_charge_amount', `amount must be a multiple of ${step} minor units.`);
    }
  }

  /** @throws Refusal while charges cannot be cancelled. */
  refuseCancel(): void {
    if (this.current.refuse_cancels) {
      throw new Refusal('charge_not_cancellable', 'Refused on purpose: refuse_cancels.');
    }
  }

  /** Waits `latency_ms` and `extraMs`. */
  async delay(extraMs = 0): Promise<void> {
    const durationMs = this.current.latency_ms + extraMs;
    if (durationMs > 0) await this.deps.sleep(durationMs, this.deps.closing);
  }

  /** Waits while answers are held; rejects when the provider closes or `callerGone` is aborted. */
  async answersReleased(callerGone: AbortSignal): Promise<void> {
    if (!this.current.hold_answers) return;
    const signal = AbortSignal.any([this.deps.closing, callerGone]);
    await once(this.changes, 'answers_released', { signal });
  }
}
