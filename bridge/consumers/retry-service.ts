/** Group retry-service: failed payments, and requests to try one again, reach the payment's retry process. */
import { acceptRetryRequest, promptAfterFailure } from '../../billing/retry/prompts';
import type { Handlers } from '../consumer/consumer';
import { prompt, type PromptDependencies } from './messages';

export function retryServiceHandlers(deps: PromptDependencies): Handlers {
  return {
    'payments.failed': async ({ id, data }) => prompt(deps, id, await promptAfterFailure(deps.db, data)),
    'payments.retry.requested': async ({ id, data }) =>
      prompt(deps, id, await acceptRetryRequest(deps.db, data)),
  };
}
