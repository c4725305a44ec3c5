-- What is kept for a time only is found from its oldest rows on.
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys" ("created_at");
CREATE INDEX "audit_log_at_idx" ON "audit_log" ("at");
CREATE INDEX "dead_letters_decided_with_record" ON "dead_letters" ("created_at")
  WHERE "status" <> 'open' AND "value" IS NOT NULL;
