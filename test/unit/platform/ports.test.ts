import { createServer, type AddressInfo, type Server } from 'node:net';
import {
  isPortFree,
  listenerOf,
  pickFreePort,
  platformFolderIn,
  requireFreePorts,
} from '../../../dev/platform/ports';

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

test('a taken port is named with its component, its holder and its variable', async () => {
  const needs = [{ port, component: 'PostgreSQL', variable: 'POSTGRES_PORT' }];
  const error = (await requireFreePorts(needs).catch((thrown: Error) => thrown)) as Error;
  expect(error.message).toMatch(`Port ${port} is taken; PostgreSQL needs it.`);
  expect(error.message).toMatch(/or set POSTGRES_PORT\.$/);
  expect([process.pid, undefined]).toContain(listenerOf(port));
});

test('all taken ports are told at once, and free ones are not', async () => {
  const free = await pickFreePort();
  const needs = [
    { port, component: 'PostgreSQL', variable: 'POSTGRES_PORT' },
    { port: free, component: 'Kafka', variable: 'KAFKA_PORT' },
    { port, component: 'Temporal', variable: 'TEMPORAL_PORT' },
  ];
  const error = (await requireFreePorts(needs).catch((thrown: Error) => thrown)) as Error;
  expect(error.message.split('\n')).toHaveLength(2);
  expect(error.message).not.toContain('KAFKA_PORT');
});

test('a port that another address of this machine holds is not free', async () => {
  const everywhere = createServer();
  await new Promise<void>((resolve) => everywhere.listen(0, '0.0.0.0', resolve));
  expect(await isPortFree((everywhere.address() as AddressInfo).port)).toBe(false);
  await new Promise((resolve) => everywhere.close(resolve));
});

test('a picked port is free and is not picked twice', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, pickFreePort));
  expect(new Set(ports).size).toBe(50);
});

test.each([
  [['java', '-cp', '/c/lib/*', 'kafka.Kafka', '/w/.platform/kafka/server.properties'], '/w/.platform'],
  [['/c/bin/postgres', '-D', '/w/.platform/postgres/data', '-c', 'port=1'], '/w/.platform'],
  [['temporal', 'server', 'start-dev', '--db-filename', '/w/.platform/temporal/dev.db'], '/w/.platform'],
  [['/usr/lib/postgresql/17/bin/postgres', '-D', '/var/lib/postgresql/17/main'], undefined],
])('a listener of ours is recognised by its data: %j', (commandLine, folder) => {
  expect(platformFolderIn(commandLine)).toBe(folder);
});
