/** Group retry-service: failed payments, and requests to try one again, reach the payment's retry process. */
import type { ExternalRules } from '../../billing/external-records';
import { acceptRetryRequest, promptAfterFailure } from '../../billing/retry/prompts';
import type { Handlers } from '../consumer/consumer';
import { prompt, type PromptDependencies } from './messages';

export interface RetryServiceDependencies extends PromptDependencies {
  /** What other services may ask for. */
  external: ExternalRules;
}

export function retryServiceHandlers(deps: RetryServiceDependencies): Handlers {
  return {
    'payments.failed': async (event) => prompt(deps, event, await promptAfterFailure(deps.db, event.data)),
    'payments.retry.requested': async (event) =>
      prompt(deps, event, await acceptRetryRequest(deps.db, event, deps.external)),
  };
}
