/** What the advance of a test clock shows in the Web UI. */
import { setCurrentDetails } from '@temporalio/workflow';
import type { ClockState } from '../activities/retry';

export function showClock({ status, now, target, steps, detail }: ClockState): void {
  const way = target === null ? `now: ${now}` : `now: ${now}, on the way to ${target}`;
  const lines = [`**${status}**`, way, `due instants passed: ${steps}`, ...(detail === null ? [] : [detail])];
  setCurrentDetails(lines.join('\n\n'));
}
