import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import kafkajs from 'kafkajs/package.json';
import { patchReconnecting } from '../../../bridge/kafka/kafkajs-reconnect-patch';

interface Connection {
  connect(): Promise<true>;
  disconnect(): Promise<true>;
  send(request: object): Promise<Buffer>;
}

const load = createRequire(__filename);
const requestTimeout = 1_000;
let broker: Server;
let answer: (socket: Socket, correlationId: Buffer) => void;
let connection: Connection;

beforeEach(async () => {
  patchReconnecting();
  broker = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => answer(socket, request.subarray(8, 12)));
  }).listen(0, '127.0.0.1');
  await once(broker, 'listening');
  connection = connectionTo((broker.address() as AddressInfo).port);
});
afterEach(async () => {
  await connection.disconnect();
  broker.close();
  await once(broker, 'close');
});

function connectionTo(port: number): Connection {
  const Class = load('kafkajs/src/network/connection') as new (options: object) => Connection;
  const none = () => undefined;
  const logger = { namespace: () => logger, debug: none, error: none, warn: none };
  const socketFactory = (load('kafkajs/src/network/socketFactory') as () => unknown)();
  const limits = { requestTimeout, connectionTimeout: 1_000 };
  return new Class({ host: '127.0.0.1', port, clientId: 'a', logger, socketFactory, ...limits });
}

const ask = () => {
  const Encoder = load('kafkajs/src/protocol/encoder') as new () => object;
  const request = { apiKey: 18, apiVersion: 0, apiName: 'A', encode: () => Promise.resolve(new Encoder()) };
  const asIs = (data: unknown) => Promise.resolve(data);
  return connection.send({ request, response: { decode: asIs, parse: asIs } });
};

function frame(correlationId: Buffer, bytes: number): Buffer {
  const whole = Buffer.alloc(8 + bytes, 'x');
  whole.writeInt32BE(4 + bytes);
  correlationId.copy(whole, 4);
  return whole;
}

describe('the patch of kafkajs', () => {
  it('is for this version; another one has to be looked at again', () => {
    expect(kafkajs.version).toBe('2.2.4');
  });

  it('has a new connection answered though the last one ended in the middle of an answer', async () => {
    answer = (socket, correlationId) => socket.end(frame(correlationId, 1_000).subarray(0, 100));
    await connection.connect();
    await expect(ask()).rejects.toThrow('Closed connection');
    answer = (socket, correlationId) => socket.write(frame(correlationId, 10));
    await connection.connect();
    await ask();
  });
});
