/**
 * TCP ports on the loopback interface: which are free, and who has a taken one.
 *
 * Invariant: `pickFreePort` never returns a port from which the system may open outgoing connections. While a
 * server is down a client that keeps trying could otherwise be given that very port, and the server could not
 * return to it.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { PlatformError } from './errors';
import { commandLineOf } from './process-identity';
import { canConnect } from './waiting';

export interface PortNeed {
  readonly port: number;
  /** The server that needs it, as people call it. */
  readonly component: string;
  /** The setting that moves it. */
  readonly variable: string;
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether a server could listen there now. */
export async function isPortFree(port: number): Promise<boolean> {
  if (!(await canListen(port))) return false;
  // Some systems allow a second listener on a more specific address than the first one's.
  return canConnect('127.0.0.1', port, 500).then(
    () => false,
    () => true,
  );
}

function outgoingRange(): [number, number] {
  try {
    const [from, to] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/);
    return [Number(from), Number(to)];
  } catch {
    return [32_768, 65_535];
  }
}

const picked = new Set<number>();

/** A free port, never the same one twice in a process. */
export async function pickFreePort(): Promise<number> {
  const [from, to] = outgoingRange();
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 40_000);
    const outgoing = port >= from && port <= to;
    // Where the system uses nearly all ports for outgoing connections, there is no better choice.
    if (picked.has(port) || (outgoing && from > 21_000 && attempt < 900)) continue;
    if (!(await isPortFree(port))) continue;
    picked.add(port);
    return port;
  }
  throw new PlatformError('port_taken', 'No free TCP port was found on 127.0.0.1.');
}

/** Inodes of sockets that listen on a port, from the kernel's table. */
function listeningInodes(port: number): Set<string> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let lines: string[] = [];
    try {
      lines = readFileSync(table, 'utf8').split('\n').slice(1);
    } catch {
      continue;
    }
    for (const line of lines) {
      const fields = line.trim().split(/\s+/);
      const local = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
      if (fields[3] === '0A' && local === port && fields[9]) inodes.add(fields[9]);
    }
  }
  return inodes;
}

/** The process that listens on a port; undefined when it cannot be told (another user's, or not on Linux). */
export function listenerOf(port: number): number | undefined {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
        if (inode && inodes.has(inode)) return Number(pid);
      }
    } catch {
      // It ended meanwhile, or is another user's.
    }
  }
  return undefined;
}

/** The platform folder that a server's arguments betray; undefined for a foreign process. */
export function platformFolderIn(commandLine: readonly string[]): string | undefined {
  for (const argument of commandLine) {
    const folder =
      /^(.+)\/(?:kafka\/server\.properties|postgres\/data|temporal\/dev\.db|temporal\/config)$/.exec(
        argument,
      )?.[1];
    if (folder) return folder;
  }
  return undefined;
}

function takenText(need: PortNeed): string {
  const pid = listenerOf(need.port);
  const commandLine = pid === undefined ? [] : commandLineOf(pid);
  const folder = platformFolderIn(commandLine);
  const taken = `Port ${need.port} is taken; ${need.component} needs it.`;
  if (folder) {
    return `${taken} The platform in ${folder} listens there: run \`make down\` in its checkout, or set ${need.variable}.`;
  }
  const who = pid === undefined ? '' : ` (${basename(commandLine[0] ?? 'a program')}, process ${pid})`;
  return `${taken} Stop what listens there${who} or set ${need.variable}.`;
}

/**
 * Checks several ports at once.
 * @throws PlatformError `port_taken`, a line for each taken port with who has it and which variable moves it
 */
export async function requireFreePorts(needs: readonly PortNeed[]): Promise<void> {
  const taken: string[] = [];
  for (const need of needs) {
    if (!(await isPortFree(need.port))) taken.push(takenText(need));
  }
  if (taken.length > 0) throw new PlatformError('port_taken', taken.join('\n'));
}
