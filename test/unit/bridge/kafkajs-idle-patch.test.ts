import { createRequire } from 'node:module';
import { patchIdleLoop } from '../../../bridge/kafka/kafkajs-idle-patch';
import kafkajs from 'kafkajs/package.json';

interface Queue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  throttledUntil: number;
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

function idleQueue(): Queue {
  const load = createRequire(__filename);
  const RequestQueue = load('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
  const logger = { namespace: () => logger, debug: () => undefined };
  return new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1, clientId: 'a', broker: 'b', logger });
}

describe('the patch of kafkajs', () => {
  it('is for this version; another one has to be looked at again', () => {
    expect(kafkajs.version).toBe('2.2.4');
  });

  it('arms no timer on a connection that has nothing to send', () => {
    patchIdleLoop();
    const queue = idleQueue();
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('arms one while a request waits, however long the broker throttles', () => {
    patchIdleLoop();
    const queue = idleQueue();
    queue.pending.push({});
    queue.throttledUntil = Date.now() + 60_000;
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    queue.destroy();
  });
});
