status 0190a6a0-7c1e-7000-8000-0000000000a1 queued -> processing
status 0190a6a0-7c1e-7000-8000-0000000000a1 processing -> failed: the uploaded file is not there
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
note 0190a6a0-7c1e-7000-8000-0000000000a1 published
reply {"batchItemFailures":[]}
