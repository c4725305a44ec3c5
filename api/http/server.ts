/**
 * Listening, and stopping without losing a request.
 *
 * Owns the HTTP server's bounds and the order of its end: stop accepting, let requests in progress finish, close idle
 * connections, and at the deadline cut what is left. Does not own the application, nor its dependencies: the process
 * runs it closes the Temporal client and the database afterwards.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { answerUnreadable, type UnreadableRequest } from './unreadable-requests';

export interface ListenOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** For a whole request to arrive, milliseconds. */
  requestTimeoutMs?: number;
  /** Is given each request that the server itself refused. */
  onUnreadable?(refused: UnreadableRequest): void;
}

export interface RunningServer {
  /** The port that is listened on. */
  port: number;
  url: string;
  /**
   * Ends the server; safe to call again.
   * @param deadlineMs how long requests in progress may take to finish
   * @returns how many connections had to be cut
   */
  close(deadlineMs: number): Promise<number>;
}

/** Listens. @throws Error that names the port and the variable API_PORT when it cannot be had */
export async function listen(app: Express, options: ListenOptions): Promise<RunningServer> {
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(10_000, requestTimeoutMs),
      keepAliveTimeout: 65_000,
      // The application asks for it, with a problem.
      requireHostHeader: false,
      // How often the two bounds above are looked at.
      connectionsCheckingInterval: Math.min(2_000, requestTimeoutMs),
    },
    app,
  );
  answerUnreadable(server, randomUUID, (refused) => options.onUnreadable?.(refused));
  const close = gracefulClose(server);
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { port, url: `http://${host}:${port}`, close };
}

function listening(server: Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is taken. Set API_PORT to a free port, or stop what listens there.`,
    EACCES: `Port ${port} may not be used by this user. Set API_PORT to a port above 1023.`,
    EADDRNOTAVAIL: `${host} is no address of this machine. Set API_HOST to one that is; API_PORT is ${port}.`,
  };
  const message = reasons[error.code ?? ''] ?? `Port ${port} on ${host} (API_PORT) cannot be listened on.`;
  return new Error(message, { cause: error });
}

function gracefulClose(server: Server): RunningServer['close'] {
  const inProgress = new Set<ServerResponse>();
  let ending: Promise<number> | undefined;
  server.prependListener('request', (_request, response: ServerResponse) => {
    inProgress.add(response);
    if (ending !== undefined) response.setHeader('Connection', 'close');
    response.once('close', () => {
      inProgress.delete(response);
      // A connection that was kept alive for a next request has to go now.
      if (ending !== undefined) setImmediate(() => server.closeIdleConnections());
    });
  });
  return (deadlineMs) => {
    ending ??= end(server, inProgress, deadlineMs);
    return ending;
  };
}

async function end(
  server: Server,
  inProgress: ReadonlySet<ServerResponse>,
  deadlineMs: number,
): Promise<number> {
  let cut = 0;
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const response of inProgress) {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  }
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    cut = inProgress.size;
    server.closeAllConnections();
  }, deadlineMs);
  await closed;
  clearTimeout(timer);
  return cut;
}
