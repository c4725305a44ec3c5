/** Group subscription-service: what is due, and what was paid, reaches the subscription's process. */
import { promptAfterPayment, promptWhenDue } from '../../billing/subscription/prompts';
import type { Handlers } from '../consumer/consumer';
import { prompt, type PromptDependencies } from './messages';

export function subscriptionServiceHandlers(deps: PromptDependencies): Handlers {
  return {
    'subscriptions.renew_required': async (event) =>
      prompt(deps, event, await promptWhenDue(deps.db, event.data)),
    'payments.completed': async (event) => prompt(deps, event, await promptAfterPayment(deps.db, event.data)),
  };
}
