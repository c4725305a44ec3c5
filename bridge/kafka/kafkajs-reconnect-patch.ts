/**
 * Has a connection of kafkajs 2.2.4 work again whose broker went away in the middle of an answer.
 *
 * kafkajs keeps one object for all connections to a broker, and in it what it has of an answer that broke off. The next
 * connection's first answers would be taken for the rest of it, and no request be answered any more until the process
 * ends. Here a connection begins with an answer's beginning. Remove this file with the kafkajs version that needs it; a
 * test watches the version and the effect.
 */
import { createRequire } from 'node:module';

/** The part of kafkajs's private class that is used. */
interface Connection {
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect(): Promise<true>;
}

/** An answer begins with its length. */
const lengthBytes = 4;
let isApplied = false;

/** Applied once per process; harmless when repeated. */
export function patchReconnecting(): void {
  if (isApplied) return;
  isApplied = true;
  const load = createRequire(__filename);
  const { prototype } = load('kafkajs/src/network/connection') as { prototype: Connection };
  const { connect } = prototype;
  prototype.connect = function reconnect(this: Connection): Promise<true> {
    if (!this.isConnected()) {
      this.chunks = [];
      this.bytesBuffered = 0;
      this.bytesNeeded = lengthBytes;
    }
    return connect.call(this);
  };
}
