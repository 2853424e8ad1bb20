update 0190a6a0-7c1e-7000-8000-0000000000a1: reason each attempt at it was cut off; it may need more than there is, status processing -> failed, stray_objects true, unpublished false -> true
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
update 0190a6a0-7c1e-7000-8000-0000000000a1: unpublished true -> false
reply {"batchItemFailures":[]}
