/**
 * The time zone of every session: UTC, whatever the server, the database or the role has.
 *
 * Prisma's adapter writes instants without a zone and cuts the zone off what it reads; both mean the session's.
 */

/** The same database, in sessions that count in UTC. What the URL says otherwise stays. */
export function inUtc(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const options = url.searchParams.get('options');
  url.searchParams.set('options', options === null ? utcOption : `${options} ${utcOption}`);
  return url.href;
}

const utcOption = '-c TimeZone=UTC';
