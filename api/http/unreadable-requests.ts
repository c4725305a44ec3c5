/**
 * What the HTTP server itself refuses, before there is a request: answered as a problem, like everything else.
 *
 * Invariants: the connection ends with the answer, whatever the client does; nothing that was sent is repeated.
 */
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ProblemError } from '../../contracts/problem-error';
import type { ProblemCode } from '../../contracts/problems';
import { replyOfProblem } from './reply';
import { bareHeaders } from './security-headers';

export interface UnreadableRequest {
  code: ProblemCode;
  status: number;
  requestId: string;
  address: string | undefined;
}

/** Answers them. @param onRefused is given each one */
export function answerUnreadable(
  server: Server,
  newUuid: () => string,
  onRefused: (refused: UnreadableRequest) => void,
): void {
  const responses = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    responses.set(request.socket, response);
  });
  const refuse = (socket: Duplex, problem: ProblemError): void => {
    const response = responses.get(socket);
    // In the middle of an answer another one would be read as its rest.
    const isAnswering = response !== undefined && response.headersSent && !response.writableFinished;
    if (!socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    const requestId = newUuid();
    const address = socket instanceof Socket ? socket.remoteAddress : undefined;
    socket.write(answerTo(problem, requestId));
    if (socket instanceof Socket) socket.destroySoon();
    else socket.end();
    onRefused({ code: problem.code, status: problem.status, requestId, address });
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else refuse(socket, problemOf(error));
  });
  server.on('connect', (_request, socket) => {
    refuse(socket, new ProblemError('malformed_request', 'This server is no proxy.'));
  });
  // RFC 9110, 10.1.1: what is expected, and cannot be met.
  const refuseExpectation = ({ socket }: IncomingMessage): void =>
    refuse(socket, new ProblemError('expectation_failed', 'Expect may be 100-continue, and nothing else.'));
  server.on('checkExpectation', refuseExpectation);
  server.on('checkContinue', (request, response) => {
    // Node takes a list that has it among others for it.
    if (!/^100-continue$/i.test(request.headers.expect ?? '')) return refuseExpectation(request);
    response.writeContinue();
    server.emit('request', request, response);
  });
}

interface ReadError extends NodeJS.ErrnoException {
  /** Of an error of the parser: what arrived last, and where in it reading ended. */
  rawPacket?: Buffer;
  bytesParsed?: number;
}

/** Of the line at which reading ended: that of a request whose method Node does not know. */
function isRequestLine({ rawPacket, bytesParsed = 0 }: ReadError): boolean {
  const text = rawPacket?.toString('latin1') ?? '';
  const line = text.slice(text.lastIndexOf('\n', Math.max(bytesParsed - 1, 0)) + 1);
  return /^[\w!#$%&'*+.^`|~-]{1,100} \S+ HTTP\/1\.[01]\r?\n/.test(line);
}

function problemOf(error: ReadError): ProblemError {
  switch (error.code ?? '') {
    case 'HPE_INVALID_METHOD':
      if (isRequestLine(error))
        return new ProblemError('method_not_implemented', 'No path of this server knows the method.');
      break;
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError('headers_too_large', 'Request line and headers are too large.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new ProblemError('payload_too_large', 'The extensions of a chunk are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('request_timeout', 'The request did not arrive in time.');
  }
  return new ProblemError('malformed_request', 'The request is not HTTP/1.1.');
}

function answerTo(problem: ProblemError, requestId: string): string {
  const { status, headers, text } = replyOfProblem(problem, requestId);
  const body = String(text);
  const all = {
    ...bareHeaders,
    ...headers,
    'X-Request-Id': requestId,
    Connection: 'close',
    'Content-Length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n');
}
