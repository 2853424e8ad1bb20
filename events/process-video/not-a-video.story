status 0190a6a0-7c1e-7000-8000-0000000000a1 queued -> processing
fetch uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1 every 1000 ms
status 0190a6a0-7c1e-7000-8000-0000000000a1 processing -> failed: the file is not a video
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
note 0190a6a0-7c1e-7000-8000-0000000000a1 published
reply {"batchItemFailures":[]}
