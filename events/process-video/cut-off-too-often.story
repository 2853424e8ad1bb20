status 0190a6a0-7c1e-7000-8000-0000000000a1 processing -> failed: each attempt at it was cut off; it may need more than there is
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
note 0190a6a0-7c1e-7000-8000-0000000000a1 published
reply {"batchItemFailures":[]}
