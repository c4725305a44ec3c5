-- CreateTable
CREATE TABLE "external_charge_counts" (
    "customer_id" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "charges" INTEGER NOT NULL,

    CONSTRAINT "external_charge_counts_pkey" PRIMARY KEY ("customer_id","day")
);

-- A retry that neither our API nor a bulk retry has asked for came from outside: its actor is only claimed.
UPDATE "retry_requests" SET "actor" = jsonb_build_object(
    'kind', 'external', 'id', 'unknown', 'reason', "actor" -> 'reason',
    'claimed', jsonb_build_object('kind', "actor" -> 'kind', 'id', "actor" -> 'id'))
WHERE "bulk_retry_id" IS NULL AND NOT EXISTS (
    SELECT FROM "outbox_events" WHERE "event_id" = "payment_id" || '/retry/' || "retry_requests"."id"
);
