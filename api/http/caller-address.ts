/**
 * Where a request comes from.
 *
 * Invariants: the address is the socket's, unless a proxy in front of it is believed (`TRUST_PROXY`); a metric holds its
 * class only.
 */
import { BlockList, isIP } from 'node:net';

export type AddressClass = 'loopback' | 'private' | 'public';

const loopback = listOf(['127.0.0.0', 8, 'ipv4'], ['::1', 128, 'ipv6']);
/** RFC 1918, 3927, 6598, 4193, 4291. */
const ofNetworks = listOf(
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
);

function listOf(...ranges: [network: string, bits: number, family: 'ipv4' | 'ipv6'][]): BlockList {
  const list = new BlockList();
  for (const range of ranges) list.addSubnet(...range);
  return list;
}

/** Without a zone, and an address of IPv4 as such. */
function plain(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** What an address is; what is none counts as public. */
export function addressClass(address: string | undefined): AddressClass {
  const text = plain(address ?? '');
  const family = isIP(text) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(text) === 0) return 'public';
  if (loopback.check(text, family)) return 'loopback';
  return ofNetworks.check(text, family) ? 'private' : 'public';
}

/** By what an address is counted: one customer of IPv6 has 2^64 addresses. */
export function networkOf(address: string | undefined): string {
  const text = plain(address ?? '');
  if (isIP(text) === 0) return 'unknown';
  if (isIP(text) === 4) return text;
  const written = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [left = [], right] = written
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  if (right === undefined) return `${left.slice(0, 4).join(':')}::/64`;
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}

/** What the audit log keeps of an address: its /24 or /64. */
export function keptNetworkOf(address: string | undefined): string {
  const network = networkOf(address);
  return isIP(network) === 4 ? network.replace(/\d+$/, '0/24') : network;
}
