/** Moves a subscription into the past, so that its time has come without anybody waiting for it. */

/** Everything of the calendar is `by` earlier, a PostgreSQL interval such as `1 month`. */
export async function moveBack(
  client: { query(text: string, values: unknown[]): Promise<unknown> },
  subscriptionId: string,
  by: string,
): Promise<void> {
  await client.query(
    `UPDATE subscriptions SET start_at = start_at - $2::interval, billing_anchor = billing_anchor - $2::interval,
       period_start = period_start - $2::interval, period_end = period_end - $2::interval,
       trial_end = trial_end - $2::interval, cancel_at = cancel_at - $2::interval,
       next_due_at = next_due_at - $2::interval, ledger_state = ${earlierState}
     WHERE id = $1`,
    [subscriptionId, by],
  );
  await client.query(
    `UPDATE subscription_periods SET start = start - $2::interval, "end" = "end" - $2::interval
     WHERE subscription_id = $1`,
    [subscriptionId, by],
  );
}

const earlier = (path: string): string =>
  `to_jsonb(to_char((ledger_state #>> '${path}')::timestamptz AT TIME ZONE 'UTC' - $2::interval,
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`;

/** The instants of its money, where there are any; null stays null. */
const earlierState = ['{period,start}', '{period,end}', '{earned_until}', '{reckoned_at}'].reduce(
  (state, path) => `jsonb_set_lax(${state}, '${path}', ${earlier(path)}, false, 'use_json_null')`,
  'ledger_state',
);
