-- CreateIndex
CREATE INDEX "operator_tasks_subject_id_idx" ON "operator_tasks"("subject_id");

-- What Prisma's schema language cannot say.

-- What one API key did, newest first.
CREATE INDEX "audit_log_actor" ON "audit_log" (("actor" ->> 'id'), "id");
