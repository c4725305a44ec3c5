/** A notification as a mail, the same for a server and for a file. */
import type { SendMailOptions } from 'nodemailer';
import { asciiEmail } from '../../contracts/email';
import type { OutgoingNotification } from './port';

/** @param from `Perennial <billing@example.com>`, or the address alone */
export function mailOf(message: OutgoingNotification, from: string): SendMailOptions & { messageId: string } {
  const { to, subject, text, html, requestedAt, messageName } = message;
  const sender = senderOf(from);
  return {
    // Names and addresses apart, so that no name can be read as a list of addresses.
    from: sender,
    to: { name: to.name ?? '', address: asciiOf(to.email ?? '') },
    subject,
    text,
    html,
    date: new Date(requestedAt),
    // The same for each sending, so that a receiver can tell a repeat.
    messageId: `<${messageName}@${sender.address.split('@')[1] ?? 'localhost'}>`,
    // No holiday greeting in return, please (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    // Nothing that comes from a customer's data may make it read files or fetch addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function senderOf(from: string): { name: string; address: string } {
  const [, name = '', address = from] = /^(.*) <([^<>]+)>$/.exec(from) ?? [];
  return { name, address: asciiOf(address) };
}

/** Not every server takes a domain in Unicode. What was stored by other rules is left as it is. */
function asciiOf(address: string): string {
  return asciiEmail(address) ?? address;
}
