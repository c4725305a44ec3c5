/**
 * What happens to a POST of a charge: faults, idempotency, verdict.
 *
 * Owns: the order of these steps. Does not own the rows (`ledger.ts`) nor HTTP (`server.ts`).
 * Invariants: a key whose first request was concluded gets that answer for ever, or is refused when its
 * parameters differ; faults come before the key is looked at, and are not kept, nor is the refusal of an amount.
 */
import { createHash } from 'node:crypto';
import type { Charge } from './charge';
import type { Control } from './control';
import type { KeyLocks } from './key-locks';
import type { KeptAnswer, Ledger } from './ledger';
import { Refusal, type ChargeRequest } from './requests';
import { behaviourOf, knownTokens, type Behaviour } from './tokens';

export interface ChargingDeps {
  ledger: Ledger;
  locks: KeyLocks;
  control: Control;
  now(): Date;
  newId(): string;
}

export interface ChargeCall {
  idempotencyKey: string;
  request: ChargeRequest;
  /** Origin of this server as the caller sees it. */
  origin: string;
}

/** `connection_cut`: whatever was done, the caller hears nothing of it. */
export type ChargeAnswer = { kind: 'connection_cut' } | { kind: 'charge'; charge: Charge; replayed: boolean };

/** Charges, or finds what was charged with the key before. @throws Refusal */
export async function chargeOnce(deps: ChargingDeps, call: ChargeCall): Promise<ChargeAnswer> {
  const known = behaviourOf(call.request.token);
  if (!known) {
    throw new Refusal(
      'unknown_token',
      'token is not one of the sandbox provider’s; known_tokens lists them. N stands for a number, and ' +
        '#anything may be added to tell tokens apart.',
      { known_tokens: knownTokens },
    );
  }
  const { behaviour, n } = known;
  deps.control.maybeFail();
  if ((await meetFault(deps, behaviour, call.request.token)) === 'connection_cut') {
    return { kind: 'connection_cut' };
  }
  const { charge, replayed } = await concluded(deps, call, behaviour, n);
  const isLost = behaviour.losesAnswer === 'every' || (behaviour.losesAnswer === 'first' && !replayed);
  return isLost ? { kind: 'connection_cut' } : { kind: 'charge', charge, replayed };
}

async function meetFault(
  deps: ChargingDeps,
  { fault }: Behaviour,
  token: string,
): Promise<'connection_cut' | undefined> {
  if (!fault) return undefined;
  if (fault.on === 'first' && (await deps.ledger.countRequest(token)) > 1) return undefined;
  if (fault.kind === 'connection_cut') return fault.kind;
  if (fault.kind === 'http_500') throw new Refusal('internal', 'Failed on purpose: the token asks for it.');
  throw new Refusal('rate_limited', 'Refused on purpose: the token asks for it.');
}

async function concluded(
  deps: ChargingDeps,
  call: ChargeCall,
  behaviour: Behaviour,
  n: number,
): Promise<{ charge: Charge; replayed: boolean }> {
  const { ledger, locks, control } = deps;
  const { idempotencyKey, request } = call;
  const requestHash = hashOf(request);
  const isMine = await locks.take(idempotencyKey);
  try {
    const kept = await ledger.keptAnswer(idempotencyKey);
    if (kept) {
      const charge = replay(kept, requestHash);
      await control.delay();
      return { charge, replayed: true };
    }
    if (!isMine) {
      throw new Refusal(
        'idempotency_key_in_progress',
        'The first request with this Idempotency-Key is still being processed.',
      );
    }
    control.refuseAmount(request.amount);
    await control.delay(behaviour.processingMs);
    const createdAt = deps.now();
    const id = `ch_${deps.newId()}`;
    const draft = {
      id,
      idempotencyKey,
      requestHash,
      request,
      createdAt,
      settlesAt: new Date(createdAt.getTime() + control.settings.pending_ms),
      authenticateUrl: `${call.origin}/v1/charges/${id}/authenticate`,
    };
    const charge = await ledger.charge(draft, behaviour.countsCharges ?? false, (chargeNumber) =>
      behaviour.verdict({ chargeNumber, n, offSession: request.off_session }),
    );
    if (charge) return { charge, replayed: false };
  } finally {
    if (isMine) await locks.release(idempotencyKey);
  }
  // Only when the lock was lost meanwhile: another process has concluded the key.
  const kept = await ledger.keptAnswer(idempotencyKey);
  if (!kept) throw new Error('A charge with this key exists and cannot be read.');
  return { charge: replay(kept, requestHash), replayed: true };
}

function replay(kept: KeptAnswer, requestHash: string): Charge {
  if (kept.requestHash === requestHash) return kept.answer;
  throw new Refusal(
    'idempotency_key_reused',
    'This Idempotency-Key was used for a charge with other parameters.',
  );
}

/** Requests are the same when their accepted form is, whatever the order of their fields. */
function hashOf(request: ChargeRequest): string {
  const { amount, currency, token, off_session, metadata } = request;
  const { payment_id, attempt, subscription_id, customer_id } = metadata;
  const inOrder = [amount, currency, token, off_session, payment_id, attempt, subscription_id, customer_id];
  return createHash('sha256').update(JSON.stringify(inOrder)).digest('hex');
}
