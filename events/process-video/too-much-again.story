update 0190a6a0-7c1e-7000-8000-0000000000a1: attempt (id-1 2026-01-01T12:01:00Z), status queued -> processing
fetch uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1 every 1000 ms
update 0190a6a0-7c1e-7000-8000-0000000000a1: reason it is too much for this service: ffmpeg was ended by signal 9, status processing -> failed, unpublished false -> true
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
update 0190a6a0-7c1e-7000-8000-0000000000a1: unpublished true -> false
reply {"batchItemFailures":[]}
