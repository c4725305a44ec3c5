/** Listening and stopping: a taken port is named, and no request in hand is lost. */
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

test('a client that never finishes its request is cut off', async () => {
  server = await listen(slowApp().app, { ...local, requestTimeoutMs: 100 });
  const { port } = server;
  const response = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /fast HTTP/1.1\r\nHost: x\r\nX-Slow: '),
    );
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  expect(response).toMatch(/^HTTP\/1\.1 408 /);
});
