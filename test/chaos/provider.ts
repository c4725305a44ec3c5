/** How the sandbox provider is held and let go by faults, while it may be on its way back itself. */
import { eventually } from '../support/eventually';
import type { Chaos } from './context';

const behaving = { latency_ms: 0, hold_answers: false, hold_webhooks: false } as const;

export const behave = (chaos: Chaos, settings: Readonly<Record<string, number | boolean>>): Promise<true> =>
  eventually('the provider to behave as it is told', () => chaos.its.control(settings).then(() => true), {
    timeoutMs: 60_000,
  });

/** No latency, nothing held. */
export const behaveAgain = (chaos: Chaos): Promise<true> => behave(chaos, behaving);
