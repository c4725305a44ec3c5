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
       next_due_at = next_due_at - $2::interval
     WHERE id = $1`,
    [subscriptionId, by],
  );
  await client.query(
    `UPDATE subscription_periods SET start = start - $2::interval, "end" = "end" - $2::interval
     WHERE subscription_id = $1`,
    [subscriptionId, by],
  );
}
