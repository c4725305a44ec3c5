/**
 * An HTTP server that answers as a test wants, in a provider's place.
 *
 * Owns: one server at a time, and its end. Invariant: nothing listens after `stopServer`.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

let server: Server | undefined;

/** Its address, without a slash at the end. */
export async function serverThat(answers: RequestListener): Promise<string> {
  await stopServer();
  server = createServer(answers).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

export async function stopServer(): Promise<void> {
  if (!server) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  server = undefined;
  await closed;
}

export async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += String(chunk);
  return text;
}
