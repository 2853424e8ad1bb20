update 0190a6a0-7c1e-7000-8000-0000000000a1: attempt (0190a6a0-7c1e-7000-8000-0000000000a1-1 2026-01-01T12:00:00Z), reason no attempt at it could be finished in the time that there is, status queued -> failed, unpublished false -> true
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
update 0190a6a0-7c1e-7000-8000-0000000000a1: unpublished true -> false
reply {"batchItemFailures":[]}
