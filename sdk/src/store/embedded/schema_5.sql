-- Bytes of what retention may drop: of events, of changes, and of ended jobs with their attempts, which each job counts for itself.
-- They are taken once, here, and move with every commit from then on. A row is its texts and 128 bytes for all the rest of it.
ALTER TABLE meta ADD COLUMN event_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN change_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN job_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN attempt_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE job SET attempt_bytes = of_job.bytes FROM (
    SELECT job, sum(128 + ifnull(octet_length(error), 0) + ifnull(octet_length(error_stack), 0) + ifnull(octet_length(trace), 0)) AS bytes
    FROM attempt GROUP BY job) AS of_job
WHERE seq = of_job.job;
UPDATE meta SET
    event_bytes = (
        SELECT ifnull(sum(128 + octet_length(id) + octet_length(topic) + ifnull(octet_length(data), 0) + ifnull(octet_length(trace), 0)), 0)
        FROM event),
    change_bytes = (SELECT ifnull(sum(128 + octet_length(ns) + octet_length(key) + ifnull(octet_length(value), 0)), 0) FROM change),
    job_bytes = (
        SELECT ifnull(sum(128 + octet_length(id) + octet_length(name) + ifnull(octet_length(params), 0)
            + ifnull(octet_length(unique_key), 0) + ifnull(octet_length(throttle_key), 0) + ifnull(octet_length(schedule_id), 0)
            + ifnull(octet_length(redrive_of), 0) + ifnull(octet_length(redriven_as), 0) + ifnull(octet_length(trace), 0)
            + ifnull(octet_length(concurrency_key), 0) + ifnull(octet_length(progress), 0) + ifnull(octet_length(result), 0)
            + ifnull(octet_length(error), 0) + ifnull(octet_length(error_stack), 0) + attempt_bytes), 0)
        FROM job WHERE status >= 3);
