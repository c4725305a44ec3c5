/** Listening and stopping: a taken port is named, and no request in hand is lost. */
import { get } from 'node:http';
import { connect } from 'node:net';
import express, { type Express } from 'express';
import { listen, type RunningServer } from '../../../api/http/server';

let server: RunningServer | undefined;
afterEach(async () => {
  await server?.close(0);
  server = undefined;
});

const local = { host: '127.0.0.1', port: 0 };

/** An application whose one answer waits for the test. */
function slowApp() {
  let arrived: () => void = () => undefined;
  let finish: () => void = () => undefined;
  const inProgress = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const app: Express = express();
  app.get('/slow', (_request, response) => {
    finish = () => void response.json({ done: true });
    arrived();
  });
  app.get('/fast', (_request, response) => void response.json({ fast: true }));
  return { app, inProgress, finish: () => finish() };
}

test('a taken port is an error that names the port and the variable', async () => {
  server = await listen(express(), local);
  const { port } = server;
  await expect(listen(express(), { host: '127.0.0.1', port })).rejects.toThrow(
    new RegExp(`Port ${port} on 127.0.0.1 is taken.*API_PORT`),
  );
});

test('an address that is not ours is an error that names the variable', async () => {
  await expect(listen(express(), { host: '203.0.113.7', port: 0 })).rejects.toThrow(/API_HOST/);
});

test('closing lets the request in hand finish and takes no new one', async () => {
  const { app, inProgress, finish } = slowApp();
  server = await listen(app, local);
  const { url } = server;
  await (await fetch(`${url}/fast`)).text();
  const answer = fetch(`${url}/slow`);
  await inProgress;
  let ended = false;
  const closing = server.close(60_000).then((cut) => {
    ended = true;
    return cut;
  });
  await expect(fetch(`${url}/fast`, { headers: { connection: 'close' } })).rejects.toThrow(/fetch failed/);
  expect(ended).toBe(false);
  finish();
  const response = await answer;
  expect(await response.json()).toEqual({ done: true });
  expect(response.headers.get('connection')).toBe('close');
  expect(await closing).toBe(0);
});

test('idle connections do not hold up the end', async () => {
  server = await listen(slowApp().app, local);
  await (await fetch(`${server.url}/fast`)).text();
  expect(await server.close(60_000)).toBe(0);
});

test('at the deadline what is left is cut', async () => {
  const { app, inProgress } = slowApp();
  server = await listen(app, local);
  const answer = fetch(`${server.url}/slow`).then(
    () => 'answered',
    () => 'cut',
  );
  await inProgress;
  expect(await server.close(50)).toBe(1);
  expect(await answer).toBe('cut');
});

test('closing again is the same closing', async () => {
  server = await listen(express(), local);
  await Promise.all([server.close(1_000), server.close(1_000)]);
  expect(await server.close(1_000)).toBe(0);
});

describe('what is no request', () => {
  const expecting = (what: string) => `GET /fast HTTP/1.1\r\nHost: x\r\nExpect: ${what}\r\n\r\n`;
  const chunk = 'POST /fast HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;';
  test.each([
    ['that never ends', 'GET /fast HTTP/1.1\r\nHost: x\r\nX-Slow: ', 408, 'request_timeout'],
    ['in another protocol', 'HELO mail.example\r\n\r\n', 400, 'malformed_request'],
    [
      'of a method that nothing knows',
      'BREW /fast HTTP/1.1\r\nHost: x\r\n\r\n',
      501,
      'method_not_implemented',
    ],
    ['of a method in small letters', 'get /fast HTTP/1.1\r\nHost: x\r\n\r\n', 501, 'method_not_implemented'],
    ['that expects a miracle', expecting('miracles'), 417, 'expectation_failed'],
    ['that expects a miracle besides', expecting('100-continue, miracles'), 417, 'expectation_failed'],
    ['with a broken header', 'GET /fast HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n', 400, 'malformed_request'],
    ['with large headers', `GET /fast HTTP/1.1\r\nX: ${'x'.repeat(17_000)}`, 431, 'headers_too_large'],
    ['with large chunk extensions', chunk + 'x'.repeat(17_000), 413, 'payload_too_large'],
    ['to a proxy', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'malformed_request'],
  ])('%s is answered with a problem, and its connection ends', async (_name, sent, status, code) => {
    const refused: unknown[] = [];
    const onUnreadable = (one: unknown): void => void refused.push(one);
    server = await listen(slowApp().app, { ...local, requestTimeoutMs: 100, onUnreadable });
    const { port } = server;
    const text = await new Promise<string>((resolve, reject) => {
      // It keeps its own end open, and would hold the connection for as long as it likes.
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(sent));
      let received = '';
      socket.on('data', (data) => (received += data.toString()));
      socket.on('end', () => resolve(received));
      socket.on('error', reject);
      socket.on('close', () => socket.destroy());
    });
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toMatch(/Content-Type: application\/problem\+json/);
    expect(head).toMatch(/Content-Security-Policy: default-src 'none'/);
    const problem = JSON.parse(body);
    expect(problem).toMatchObject({ status, code, type: `/problems/${code}` });
    expect(head).toContain(`X-Request-Id: ${problem.request_id}`);
    expect(refused).toEqual([{ code, status, requestId: problem.request_id, address: '127.0.0.1' }]);
  });

  test('what waits for 100 Continue gets it, and is answered', async () => {
    server = await listen(slowApp().app, local);
    const { port } = server;
    const status = await new Promise((resolve, reject) => {
      get({ port, path: '/fast', headers: { expect: '100-Continue' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(200);
  });
});
