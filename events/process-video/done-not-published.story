publish 0190a6a0-7c1e-7000-8000-0000000000a1 done
update 0190a6a0-7c1e-7000-8000-0000000000a1: unpublished true -> false
reply {"batchItemFailures":[]}
