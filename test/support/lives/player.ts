/** Plays a life's script on real rows, and checks after each step that they say what the script says. */
import type { Deed } from '../ledger/deed';
import { ledgerFaults } from '../ledger-rows';
import { findDifferences } from './compare';
import {
  playApply,
  playChargeApart,
  playCharged,
  playChargedAndApplied,
  playDeclined,
  playEmptied,
} from './play-charges';
import * as back from './play-money-back';
import { playRefused } from './play-refusals';
import * as subscription from './play-subscription';
import type { Refused } from './refusals';
import type { Expected, Script } from './script';
import { Stage, type Theatre } from './stage';

/** A life that went wrong on real rows. */
export class PlayFault extends Error {
  constructor(
    readonly faults: readonly string[],
    readonly story: readonly string[],
  ) {
    super([...faults, ...story].join('\n'));
  }
}

/** Whether only time was short. */
export function isTransientTimeout({ faults: [fault] }: PlayFault): boolean {
  return fault?.startsWith('TransactionTimeout') === true;
}

/** Plays a life. @param label of its rows: no other life has it. @throws PlayFault */
export async function playLife(theatre: Theatre, label: string, script: Script): Promise<void> {
  const stage = new Stage(theatre, label, script);
  const story: string[] = [];
  await stage.open(script.steps[0]?.at ?? '2027-01-01T00:00:00.000Z');
  for (const step of script.steps) {
    story.push(`${step.at.slice(0, 16)} ${step.title} ${JSON.stringify(step.deed)}`);
    try {
      await stage.begin(step);
      if (isCommand(step.deed)) await playEmptied(stage, stage.unappliedOf(step.deed.sub));
      await play(stage, step.deed);
    } catch (error) {
      throw new PlayFault([String(error), ...traceOf(error)], story);
    }
    await stage.look();
    callRefunds(stage, step.after);
    const faults = findDifferences(stage, step.after);
    if (faults.length > 0) throw new PlayFault(faults, story);
    if (step.refused !== null) await refuse(stage, step.refused, story);
  }
  const faults = [...(await ledgerFaults(stage.db, stage.customerId)), ...leftOpen(stage)];
  if (faults.length > 0) throw new PlayFault(faults, story);
}

async function refuse(stage: Stage, refused: Refused, story: string[]): Promise<void> {
  story.push(`  refused: ${refused.name} ${JSON.stringify(refused.request)}`);
  let faults: string[];
  try {
    faults = await playRefused(stage, refused);
  } catch (error) {
    faults = [String(error), ...traceOf(error)];
  }
  if (faults.length > 0) throw new PlayFault(faults, story);
}

function traceOf(error: unknown): string[] {
  return error instanceof Error && error.stack !== undefined ? error.stack.split('\n').slice(1, 8) : [];
}

/** Refunds that something else has reserved get their names. */
function callRefunds(stage: Stage, { refunds }: Expected): void {
  const called = new Set(stage.names.values());
  for (const { id, payment, amount } of refunds) {
    if (stage.names.has(id)) continue;
    const paymentId = stage.names.get(payment);
    const row = stage.rows.refunds.find(
      (each) => each.payment_id === paymentId && each.amount === amount && !called.has(each.id),
    );
    if (row === undefined) continue;
    called.add(row.id);
    stage.call(id, row.id);
  }
}

/** Once all is settled nothing is on its way, nor set aside for nothing. */
function leftOpen({ rows: { sums } }: Stage): string[] {
  const passing = new Set(['unapplied', 'refunding', 'disputed']);
  return sums
    .filter(({ account }) => passing.has(account))
    .map(({ owner, account, source, amount }) => `${owner} has ${amount} ${account} of ${source} in the end`);
}

/** Whether it decides about a subscription: what was charged for that is applied before. */
function isCommand(deed: Deed): deed is Extract<Deed, { sub: string }> {
  return 'sub' in deed && deed.do !== 'create' && deed.do !== 'apply' && deed.do !== 'earn';
}

async function play(stage: Stage, deed: Deed): Promise<void> {
  switch (deed.do) {
    case 'create':
      return subscription.playCreate(stage, deed);
    case 'renew':
      return subscription.playDue(stage, deed);
    case 'resume':
      return subscription.playResume(stage, deed);
    case 'earn':
      return subscription.playEarn(stage, deed);
    case 'pause':
      return subscription.playPause(stage, deed);
    case 'take back':
      return subscription.playTakeBack(stage, deed);
    case 'keep':
      return subscription.playKeep(stage, deed);
    case 'end as scheduled':
      return subscription.playDue(stage, deed);
    case 'write off':
      return subscription.playExhausted(stage, deed.sub, 'pause');
    case 'expire':
      return subscription.playExhausted(stage, deed.sub, stage.way('end of dunning'));
    case 'change':
      return subscription.playChange(stage, deed);
    case 'cancel':
    case 'schedule the end':
      return subscription.playCancel(stage, deed);
    case 'charged':
      return playCharged(stage, deed.payment);
    case 'charged and applied':
      return playChargedAndApplied(stage, deed.payment, stage.unappliedBeside(deed.payment));
    case 'declined':
      return playDeclined(stage, deed.payment);
    case 'apply':
      return playApply(stage, deed.payments);
    case 'charge apart':
      return playChargeApart(stage, deed);
    case 'refund':
      return back.playRefund(stage, deed);
    case 'refund at provider':
      return back.playRefundAtProvider(stage, deed);
    case 'refund paid':
      return back.playRefundPaid(stage, deed.refund);
    case 'refund fails':
      return back.playRefundFails(stage, deed.refund);
    case 'refund given up':
      return back.playGivenUp(stage, deed.refund);
    case 'dispute opens':
      return back.playDisputeOpens(stage, deed);
    case 'dispute won':
      return back.playDisputeClosed(stage, deed.dispute, 'won');
    case 'dispute lost':
      return back.playDisputeClosed(stage, deed.dispute, 'lost');
    case 'credit':
      return back.playCredit(stage, deed);
    case 'pay out':
      return back.playPayOut(stage, deed.amount);
  }
}
