/** A way to a server that can be cut, as a network would: nothing passes, and neither side learns of it. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Way {
  /** `127.0.0.1:port`. */
  address: string;
  cut(): void;
  /** Lets connections that are made from now on pass; those of before are lost. */
  mend(): void;
  end(): Promise<void>;
}

/** @param target `host:port` */
export async function openWay(target: string): Promise<Way> {
  const { hostname, port } = new URL(`tcp://${target}`);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (data) => {
        if (!isCut) to.write(data);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        if (!isCut) to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
    },
    mend() {
      isCut = false;
      destroyAll();
    },
    async end() {
      destroyAll();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
