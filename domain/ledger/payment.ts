/** A payment's money: applied to what it was charged for, written off, or late. Pure. */
import { cancelUnpaidService, earnUntil, returnToCredit } from './earn';
import { Posting, type Posted } from './posting';
import type { LedgerState } from './state';

/**
 * Applies collected money of a payment: to what is owed for it; late, to what was written off, then to its period if
 * that still runs, else to credit.
 * @param runs whether the payment's period is the present one and has not ended
 */
export function applyReceived(
  state: LedgerState,
  payment: { id: string; amount: number },
  { at, runs }: { at: string; runs: boolean },
): Posted {
  const { id, amount } = payment;
  const posting = new Posting(state);
  posting.post('unapplied', id, amount);
  const { receivable, written_off } = posting.fund(id);
  const due = Math.min(receivable, amount);
  posting.post('receivable', id, -due);
  const lost = Math.min(written_off, amount - due);
  posting.post('written_off', id, -lost);
  const rest = amount - due - lost;
  if (rest > 0 && runs) earnUntil(posting, at);
  posting.post(runs ? 'unearned' : 'credit', id, -rest);
  if (due < receivable) giveUpRest(posting, id, at);
  return posting.done();
}

/**
 * A part went back before it was applied: the service still to come that it would have funded goes with it, and what it
 * would have paid of service that was delivered is lost.
 */
function giveUpRest(posting: Posting, id: string, at: string): void {
  const ofPayment = (source: string) => source === id;
  earnUntil(posting, at);
  cancelUnpaidService(posting, ofPayment);
  writeOffReceivables(posting, ofPayment);
}

/** Writes off what is owed for a period that nobody pays: what was served is lost, the rest is not owed any more. */
export function writeOff(state: LedgerState, at: string): Posted {
  const posting = new Posting(state);
  earnUntil(posting, at);
  cancelUnpaidService(posting);
  // Credit that was spent on time that is not served comes back.
  returnToCredit(posting);
  writeOffReceivables(posting);
  posting.reckonedAt(at);
  return posting.done();
}

/** Writes off whatever is still owed. */
export function writeOffReceivables(posting: Posting, of: (source: string) => boolean = () => true): void {
  for (const { source, receivable } of posting.funds) {
    if (!of(source)) continue;
    posting.post('receivable', source, -receivable);
    posting.post('written_off', source, receivable);
  }
}
