/**
 * Takes a busy loop out of kafkajs 2.2.4 (its issue 1751).
 *
 * kafkajs looks for pending requests of each connection by a timer that it arms again after every look, with a delay
 * counted from `throttledUntil`, which is -1 on a connection that was never throttled: a negative delay, so the timer
 * fires every millisecond for ever. Here a look is armed only while there is something to look for; `push` arms it
 * again. Remove this file with the kafkajs version that needs it; a test watches the version and the effect.
 */
import { createRequire } from 'node:module';

/** The part of kafkajs's private class that is used. */
interface RequestQueue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  throttledUntil: number;
  pending: unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** kafkajs's own interval between looks while requests wait. */
const pollAgainMs = 10;

/** Applied once per process; harmless when repeated. */
export function patchIdleLoop(): void {
  const load = createRequire(__filename);
  const { prototype } = load('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      Math.max(throttledMs, pollAgainMs),
    );
  };
}
