/**
 * E-mail addresses: the one schema of those that callers give, and the form in which mail is sent to them.
 *
 * Invariant: what the schema accepts has an ASCII form, so that every mail server takes it (RFC 5321). The domain may be
 * written in Unicode or in its ASCII form (RFC 5890); the part before the `@` is ASCII, as it has no other form.
 */
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import { firstUnseen } from './plain-text';

const maxLocal = 64;
const maxDomain = 253;
/** A path of RFC 5321, without its angle brackets. */
const maxAscii = 254;

/** RFC 5321, `Dot-string`. */
const dotString = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
/** Of ASCII what host names have; beyond it nothing that is not seen, the two joiners of scripts that need them apart. */
const writtenDomain = /^(?:[A-Za-z0-9.-]|[^\p{ASCII}\p{C}\p{Z}]|[\u200c\u200d])+$/u;
const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** Returns the address with its domain in ASCII; null for what is no address. */
export function asciiEmail(address: string): string | null {
  const at = address.lastIndexOf('@');
  const [local, written] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)];
  if (local.length > maxLocal || !dotString.test(local) || !writtenDomain.test(written)) return null;
  const domain = domainToASCII(written);
  const labels = domain.split('.');
  const isDomain =
    domain.length <= maxDomain &&
    labels.length > 1 &&
    labels.every((part) => label.test(part)) &&
    // Otherwise it would be an address of the network.
    !/^\d+$/.test(labels.at(-1) ?? '');
  const ascii = `${local}@${domain}`;
  return isDomain && ascii.length <= maxAscii ? ascii : null;
}

/** Kept as it was written. */
export const emailAddress = z
  .string()
  .max(320, 'must be at most 320 characters')
  .refine((text) => firstUnseen(text) === null, {
    error: ({ input }) => `must not hold ${firstUnseen(String(input)) ?? 'it'}`,
    abort: true,
  })
  .refine((text) => asciiEmail(text) !== null, 'must be an e-mail address')
  .meta({
    format: 'idn-email',
    example: 'ada@example.com',
    description: 'The domain in Unicode or in its ASCII form (`xn--…`).',
  });
