-- Bytes of what retention may drop: of events, of changes, and of ended jobs with their attempts, which each job counts for itself.
-- They are taken once, here, and move with every commit from then on. The row of numbers comes first: nobody commits while it changes.
ALTER TABLE meta
    ADD COLUMN event_bytes BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN change_bytes BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN job_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN attempt_bytes BIGINT NOT NULL DEFAULT 0;

-- What a row counts for: its texts, and 128 bytes for all the rest of it. Lengths alone are read. A job that lives counts for nothing.
CREATE FUNCTION kept_bytes(event) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT 128::BIGINT + octet_length($1.id) + octet_length($1.topic) + coalesce(octet_length($1.data), 0)
        + coalesce(octet_length($1.trace), 0)
$$;
CREATE FUNCTION kept_bytes(change) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT 128::BIGINT + octet_length($1.ns) + octet_length($1.key) + coalesce(octet_length($1.value), 0)
$$;
CREATE FUNCTION kept_bytes(attempt) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT 128::BIGINT + coalesce(octet_length($1.error), 0) + coalesce(octet_length($1.error_stack), 0)
        + coalesce(octet_length($1.trace), 0)
$$;
CREATE FUNCTION kept_bytes(job) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN $1.status < 3 THEN 0 ELSE 128::BIGINT + octet_length($1.id) + octet_length($1.name)
        + coalesce(octet_length($1.params), 0) + coalesce(octet_length($1.unique_key), 0)
        + coalesce(octet_length($1.throttle_key), 0) + coalesce(octet_length($1.schedule_id), 0)
        + coalesce(octet_length($1.redrive_of), 0) + coalesce(octet_length($1.redriven_as), 0)
        + coalesce(octet_length($1.trace), 0) + coalesce(octet_length($1.concurrency_key), 0)
        + coalesce(octet_length($1.progress), 0) + coalesce(octet_length($1.result), 0)
        + coalesce(octet_length($1.error), 0) + coalesce(octet_length($1.error_stack), 0) + $1.attempt_bytes END
$$;

UPDATE job j SET attempt_bytes = of_job.bytes
    FROM (SELECT a.job, sum(kept_bytes(a)) AS bytes FROM attempt a GROUP BY a.job) of_job WHERE j.seq = of_job.job;
UPDATE meta SET
    event_bytes = (SELECT coalesce(sum(kept_bytes(e)), 0) FROM event e),
    change_bytes = (SELECT coalesce(sum(kept_bytes(c)), 0) FROM change c),
    job_bytes = (SELECT coalesce(sum(kept_bytes(j)), 0) FROM job j WHERE j.status >= 3);

-- A program that does not know of the bytes still runs beside one that does: for it the database counts, row by row. One that knows
-- says so when it connects, and counts a commit at a time. To be dropped with the last version that does not know.
CREATE FUNCTION count_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    more BIGINT := 0;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        more := more + kept_bytes(NEW);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        more := more - kept_bytes(OLD);
    END IF;
    IF more <> 0 AND TG_TABLE_NAME = 'event' THEN
        UPDATE meta SET event_bytes = event_bytes + more;
    ELSIF more <> 0 AND TG_TABLE_NAME = 'change' THEN
        UPDATE meta SET change_bytes = change_bytes + more;
    ELSIF more <> 0 THEN
        UPDATE meta SET job_bytes = job_bytes + more;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION count_attempt() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE job SET attempt_bytes = attempt_bytes + kept_bytes(NEW) WHERE seq = NEW.job;
    RETURN NULL;
END
$$;
CREATE TRIGGER event_kept AFTER INSERT OR DELETE ON event FOR EACH ROW
    WHEN (current_setting('blackroad.counts_bytes', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION count_kept();
CREATE TRIGGER change_kept AFTER INSERT OR DELETE ON change FOR EACH ROW
    WHEN (current_setting('blackroad.counts_bytes', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION count_kept();
CREATE TRIGGER job_kept AFTER INSERT OR UPDATE OR DELETE ON job FOR EACH ROW
    WHEN (current_setting('blackroad.counts_bytes', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION count_kept();
CREATE TRIGGER attempt_kept AFTER INSERT ON attempt FOR EACH ROW
    WHEN (current_setting('blackroad.counts_bytes', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION count_attempt();
