/** Group subscription-service: what is due becomes renewal runs, and what was paid reaches the subscription's process. */
import { judgeDue } from '../../billing/renewal/due-members';
import { promptAfterPayment } from '../../billing/subscription/prompts';
import { renewalRunStart } from '../../contracts/workflows/workflows';
import type { GatheringHandlers, Handlers } from '../consumer/consumer';
import { failureKind } from '../consumer/failure';
import { Gathering } from '../renewals/gathering';
import { prompt, type PromptDependencies } from './messages';

export function subscriptionServiceHandlers(deps: PromptDependencies): Handlers {
  return {
    'payments.completed': async (event) => prompt(deps, event, await promptAfterPayment(deps.db, event.data)),
  };
}

/** A partition that is given away waits no longer for a start. */
const startedWithinMs = 5_000;

/** @param gatherMs how long few subscriptions that are due wait for others, milliseconds */
export function renewalHandlers(
  { db, client }: Pick<PromptDependencies, 'db' | 'client'>,
  gatherMs: number,
): GatheringHandlers {
  const gathering = new Gathering({
    judge: (ids) => judgeDue(db, ids),
    start: (run) => client.start(renewalRunStart(run), { withinMs: startedWithinMs }),
    isUnavailable: (error) => failureKind(error) === 'unavailable',
    longestMs: gatherMs,
  });
  return {
    'subscriptions.renew_required': ({ id, data, trace }, { place, signal }) =>
      gathering.add({ identity: `${place}/${id}`, subscriptionId: data.subscription_id, trace }, signal),
  };
}
